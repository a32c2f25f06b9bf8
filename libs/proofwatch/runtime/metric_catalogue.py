"""Every metric there is, declared once: `runtime/metrics.py` makes them of this, and so is `docs/metrics.md`."""

from typing import Final, Literal, NamedTuple

PLACE: Final = ("group", "topic", "partition")
RECORDS: Final = (1, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
LATENCIES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

TENANTS: Final = 100
"""So many tenants have series of their own in one process; those that come later are counted together, as `other`."""


class Metric(NamedTuple):
    """One metric; `name` as a scrape shows it, a counter's with `_total`. `watch`: what an operator does with it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    watch: str = ""
    buckets: tuple[float, ...] = ()


RECORDS_TAKEN: Final = Metric(
    "proofwatch_records_total",
    "counter",
    "Records taken from a partition and committed.",
    PLACE,
    "Its rate is the throughput; 0 beside a lag that grows is a stall.",
)
OUTPUTS: Final = Metric("proofwatch_outputs_total", "counter", "Records published, by topic.", ("group", "topic"))
DEAD_LETTERS: Final = Metric(
    "proofwatch_dead_letters_total",
    "counter",
    "Records that could not be processed, by tenant (as the key says) and reason.",
    ("group", "tenant", "reason"),
    "Any increase is somebody's bug: `proofwatch dlq list`.",
)
VALUES_MENDED: Final = Metric(
    "proofwatch_values_mended_total",
    "counter",
    "Values put right rather than refused: scores off by rounding, descriptions too long, truth spelt otherwise.",
    ("event", "field"),
    "A producer to talk to. A batch that comes again counts again.",
)
TENANTS_BEYOND_CAP: Final = Metric(
    "proofwatch_tenants_beyond_dead_letter_cap",
    "gauge",
    "Tenants of which more was refused lately than the cap on dead letters allows; the others go on.",
    PLACE,
    "A producer to talk to: the log names it every minute. Mend it, then `proofwatch dlq redrive`.",
)
BATCH_RECORDS: Final = Metric(
    "proofwatch_batch_records", "histogram", "Records in one batch.", ("group",), buckets=RECORDS
)
TRANSACTION_SECONDS: Final = Metric(
    "proofwatch_transaction_seconds",
    "histogram",
    "From taking a batch in hand to its commit.",
    ("group",),
    "Near 15 s lanes give up and begin anew.",
    SECONDS,
)
EVENT_LATENCY: Final = Metric(
    "proofwatch_event_latency_seconds",
    "histogram",
    "From a record's time in the log to the commit of what came of it.",
    ("group",),
    'group="scorer" is event to verdict; event to window has a histogram of its own.',
    LATENCIES,
)
EVENT_TO_WINDOW: Final = Metric(
    "proofwatch_event_to_window_seconds",
    "histogram",
    "From occurred_at of the newest transaction in a tally to the commit of its windows, by windows; a tally is one.",
    (),
    "Upstream's delay and clock are in it. In quiet traffic 1 to 3 s, most of which combine gathers.",
    LATENCIES,
)
POSITION: Final = Metric("proofwatch_position", "gauge", "Offset up to which everything is durable.", PLACE)
LAG_RECORDS: Final = Metric(
    "proofwatch_lag_records",
    "gauge",
    "High watermark minus position, at the last look (every 10 s); open transactions are included.",
    PLACE,
    "Growing for minutes: too few processes, or one that waits; see /ready.",
)
LAG_SECONDS: Final = Metric(
    "proofwatch_lag_seconds",
    "gauge",
    "Clock minus the time up to which the partition is surely processed; grows in an outage.",
    PLACE,
    "The alert to have: above 60 for 2 minutes.",
)
LANE_FAILURES: Final = Metric(
    "proofwatch_lane_failures_total",
    "counter",
    "Batches that failed and are tried again, by class of error, or what is the matter with the database.",
    ("group", "topic", "reason"),
    "A few at a failover are normal.",
)
REBALANCES: Final = Metric(
    "proofwatch_rebalances_total",
    "counter",
    "Times that the group gave this process its partitions anew.",
    ("group",),
    "More than a few an hour: a process that restarts, or sessions that time out.",
)
OUTBOX_RECORDS: Final = Metric(
    "proofwatch_outbox_records",
    "gauge",
    "Records in a schema's outbox that are not published yet, at the last look; the same from every replica.",
    ("schema",),
    "Growing: Kafka is away, or the relay waits.",
)
IMAGERY_TRANSACTIONS: Final = Metric(
    "proofwatch_imagery_transactions",
    "gauge",
    "Transactions of the last 30 days: all, those whose imagery was opened, those of cases that the Research Group "
    "has. Every ten minutes; counts of fewer than PROOFWATCH_SMALL_CELL are not there.",
    ("what",),
    'what="research" over what="transactions" is about 0.0005; `proofwatch imagery share` has it with its interval.',
)
NOTIFICATIONS: Final = Metric(
    "proofwatch_notifications_total",
    "counter",
    "Attempts to deliver a notification, by channel and outcome: sent, retried, failed (given up).",
    ("channel", "outcome"),
    "outcome=failed: somebody was not told.",
)
NOTIFICATIONS_PENDING: Final = Metric(
    "proofwatch_notifications_pending",
    "gauge",
    "Notifications that wait to be sent, at the last look; the same from every replica.",
    ("channel",),
)
REMOVED_ROWS: Final = Metric(
    "proofwatch_removed_rows_total",
    "counter",
    "Rows that were kept for long enough and removed, at the last look; the same from every replica.",
    ("tenant", "table"),
    "Still for days although rows are that old: retention does not go on.",
)
LABELS_OF_ERASED: Final = Metric(
    "proofwatch_labels_of_erased",
    "gauge",
    "Labels that came after their person was erased, at the last look: in no error rate; the same from every replica.",
    ("aspect",),
    "By tenant, day and class in ledger.labels_of_erased: how many labels error rates miss.",
)
LOOK_AGE: Final = Metric(
    "proofwatch_look_age_seconds",
    "gauge",
    "Seconds since what is looked up every 10 s (lag in records, outbox, pending) was last seen.",
    ("part",),
    "Above 60: those gauges show the past.",
)
READY: Final = Metric("proofwatch_ready", "gauge", "1 when every part does its work.", (), "0: /ready says why.")
BUILD: Final = Metric("proofwatch_build_info", "gauge", "1, with what runs here.", ("service", "version", "python"))

CATALOGUE: Final = (
    BUILD,
    READY,
    RECORDS_TAKEN,
    OUTPUTS,
    DEAD_LETTERS,
    TENANTS_BEYOND_CAP,
    VALUES_MENDED,
    LAG_RECORDS,
    LAG_SECONDS,
    POSITION,
    LOOK_AGE,
    EVENT_LATENCY,
    EVENT_TO_WINDOW,
    TRANSACTION_SECONDS,
    BATCH_RECORDS,
    LANE_FAILURES,
    REBALANCES,
    OUTBOX_RECORDS,
    REMOVED_ROWS,
    LABELS_OF_ERASED,
    IMAGERY_TRANSACTIONS,
    NOTIFICATIONS,
    NOTIFICATIONS_PENDING,
)
