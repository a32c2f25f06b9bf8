"""What the page says around its tables: how it was measured, and where that is unfair and to whom."""

from collections.abc import Iterator
from typing import Any, Final

from tests.benchmarks.context import Result

EVERYTHING: Final = ("attempts in Redis", "duplicates", "subject velocity", "CloudEvents headers", "metrics")
"""What the scorer with everything on does beyond its core path."""
_UNFAIR: Final = """
Where this is unfair, and to whom:

* To the scorer: it commits outputs and positions in one Kafka transaction for each partition and batch, checks key and
  time of every event, and writes dead letters; every peer commits at least once and does none of that. The two
  pass-throughs look at nothing at all.
* To the scorer: FastStream sends each reply as one record batch to one partition of its choice, so its verdicts are
  not where their keys belong; they are keyed, but order for a subject is lost.
* To FastStream and Faust: with `msgspec` their own decoding, typing and validation are switched off, which is not how
  they are used; it is there to compare frameworks and nothing else. Their usual way is the other row.
* To FastStream: its batches have at most 2,000 records, because a reply must fit into one record batch; the product
  and the aiokafka pass-through take 10,000.
* To Quix Streams with JSON: in its favour, it validates nothing. To Quix Streams in general: it takes one message at a
  time by design; it hands batching to librdkafka, whose threads use the second core.
* To Faust: it gets few events, so its start weighs more. It uses the driver that comes with the project's lock.
* To everyone but librdkafka: one Python process has one core. librdkafka's threads take the rest of the two, and share
  them with the broker.
* In favour of every Python peer: the garbage collector is tuned as in the product.
"""

_COUNTING_UNFAIR: Final = """
What the others do not do: they count and nothing else. combine also counts outcomes by check, decision and action, and
keeps a histogram of each score and duration; it commits tallies and positions in one Kafka transaction a batch, and
tells what came late. With windows the tallies are merged into windows of a minute, five minutes and a day, closed,
judged by every detector, published, and stored with their positions in one transaction of PostgreSQL. The others
commit at least once: a kill counts some twice.

In favour of the others: verdicts are keyed by tenant, so that they need not write them to a topic of their own first
(`group_by`), as they would where verdicts lie in production. Quix Streams has one dictionary of counts for each tenant,
one update of its state a verdict, and nothing that comes late; a key for each segment value, as one would write it,
takes seven. Faust publishes no windows: the changelog of its table is what is read, and the table is in memory. Both
decode to plain dictionaries and validate nothing.

To their disadvantage: slow ones get fewer verdicts, so their start weighs more. To the pass-through: it does nothing;
it is the ceiling of the client.

Why combine is not five times as fast as Quix Streams: that would be the rate of the pass-through, 117,000 verdicts a
second beside 129,000 when this was written, or 8.5 µs a verdict by the clock. Of 19 µs of processor time the
pass-through alone has 6; what combine does without a broker, which is decoding, outcomes, sketches, cells and
their encoding, takes 12 (the first table), more than the whole budget. A Python process that does all of it does not
reach five times.
"""

_STANDALONE_MISSED: Final = """
Why standalone misses its target: 15,000 transactions a second are 67 µs of processor time each, with the database in
it. Half of what it takes is windows: cells merged into windows of each length, and dozens of segment values judged by
every detector whenever five minutes close, however few transactions lie in them. A profile has no peak any more; the
largest parts are merging (a tenth), charts of rates (a seventh), decoding JSON between stages (a tenth, of which
tallies are half), the ledger (a tenth) and incidents (a tenth).

What was tried: [ADR 0041](adr/0041-where-a-transactions-time-goes.md). What would be next: charts
in columns, a tenant's statistics kept as arrays in one row, with objects only for what comes near a limit (a tenth at
most, by its share of the profile); the cells of a batch in columns from combine to windows, so that minutes are summed
by numpy and not encoded cell by cell. By their shares both together would take away a quarter. The target needs a
compiled core.
"""

_BEFORE: Final = {
    "costs": """
Processor time of the client process per event, user and system, all threads. The upper rows add up to the core path;
rows with + come on top of it, and rows with = were measured whole. Differences of two measurements carry the noise of
both.
""",
    "counting": """
Combine, windows and the ledger without a broker, in batches as they take them from one; windows and ledger each with a
PostgreSQL of its own on the same cores, its position, state and outputs in one transaction a batch. Events/s is by the
clock and has the database's work in it; the other column has Python's alone. 2,000 verdicts a second of event time, of
three tenants: the fewer to a minute, the more cells for each.

Beside others all read one topic of verdicts, 30,000 to a minute of event time, of three tenants and keyed by them, over
four partitions; one process each, a fresh group, round by round. They count by minute, tenant and the values of six
segments. An independent reader adds up what each of them published. The clock runs from the first delivery of records
until everything is counted durably.
""",
    "audit": """
One process enters acts over 16 connections, each a transaction of its own, act i when it is due, whatever the system
does; `proofwatch run auditor` runs with its default settings. PostgreSQL has fsync and full_page_writes on here, as in
production: transactions that wait together are made durable together (group commit). The lag is from the moment an act
was committed to the moment a reader of the topic, which shares nothing with the auditor, has the first checkpoint that
contains it. Kafka's processor time is among "others", with everything else that the machine did meanwhile.
""",
    "imagery": """
Somebody who is signed in and has a lease clicks for a sharp picture: a JPEG of 1,280 by 960 pixels in a store that
speaks S3 (versitygw, on the same machine). The time is from the click to the last byte, so it has in it that the entry
is written, sequenced, signed, published to Kafka and proved before the store is asked, and that the picture is decoded
and marked in a process of its own. `proofwatch run imagery` and `auditor` run with their default settings.
""",
    "intake": """
Triage's stage without a broker, a transaction for every 250 suspicions of six partitions by turns, on a PostgreSQL with
fsync. Of ten people eight are of one attack on a handset model that is in alarm, so that their cases are parts of one,
which every batch changes. Without attack clusters, with them, and with them beside the stream of verdicts (twelve to a
suspicion, in batches of 500, of which a tenth did not pass at first), round by round, each on an empty database.
""",
    "desk": """
Console and triage as an operator starts them, on a PostgreSQL with fsync. Each analyst does something, waits one to
three seconds, and goes on: of a hundred times 30 the queue, 40 a case, 25 a search, five a hundred cases taken or
released at once. Three of ten cases are not closed. Suspicions come in through Kafka meanwhile, two of each person.
Times are of the whole request, at the one who asks, on the same machine. Then one analyst alone looks at a case of
2,000 members, and after that 200 consoles listen, each with a session of its own, while suspicions go on coming and one
takes and releases a case every two seconds: from the click to the last byte of that news at each console.
""",
    "standalone": """
The traffic of the demo, made before the clock starts: all eight stages in one, with an embedded
PostgreSQL. The denser the simulated day, the fewer windows for each transaction.
""",
}


def opening(day: dict[str, Any]) -> Iterator[str]:
    """Say what machine, and how to read the numbers."""
    machine = day["machine"]
    yield (
        f"{machine['cores']} cores, Python {machine['python']}, Kafka {machine['kafka']}, {machine['brokers']}. "
        "Client, broker, generator and reader share the cores: take the ratios."
    )
    yield f"\n`make bench{' ARGS=--quick' if day['quick'] else ''}` makes this page and the JSON beside it."
    if day.get("remark"):
        yield f"\n{day['remark']}"
    if day["quick"]:
        yield "\n**A quick run: few events, one round. It shows that everything runs; its numbers mean little.**"


def before(name: str, result: Result) -> Iterator[str]:
    """Say how it was measured."""
    if name == "throughput":
        yield (
            f"The same topic of {result['partitions']} partitions for all: {result['events']:,} valid transactions of "
            f"{result['event_bytes']} bytes, {result['subjects']:,} subjects, {result['failing']:.1%} fail a check. "
            "One process each, a fresh group, empty outputs, one after the other, round by round. The clock runs from "
            "the first delivery of records until the last output is acknowledged and the last offset is committed; "
            "joining the group is no part of it. Slow ones get fewer events. Afterwards an independent reader of "
            "committed records counts the outputs, and where all events were processed, how many of them accept. "
            "Ratios are taken within a round."
        )
        yield f"\n{_features(result)}"
    elif name == "latency":
        yield (
            "An open-loop generator sends event i when it is due, whatever the system does. Latency is from that "
            "planned time to the moment an independent reader of committed records has the verdict, on one clock; the "
            "generator's own delay is part of it. Four partitions, the scorer with everything on; the first "
            f"{result['warm_up_seconds']} s do not count. Before that the broker carries the same load for "
            f"{result['broker_warm_up_seconds']} s: one that has just started compiles its code for about a minute, "
            "and takes ten times as long for a small transaction. The generator waits 5 ms for a batch, as Kafka's "
            "clients do by default; that is part of the latency too."
        )
    elif name == "memory":
        yield (
            f"A generator sends {result['rate_asked']:,} events/s to the scorer with everything on, whose resident "
            "memory is read every second. What duplicates are told by is held for one to two horizons of log time, a "
            f"saw-tooth; so the policy's horizon is {result['horizon_minutes']} minute here, not an hour, velocity, "
            "whose horizon is ten minutes at least, is off, and counting "
            f"begins after {result['warm_up_events']:,} events. The trend is the least-squares line "
            "through the high-water mark of each horizon."
        )
    elif name == "tenants":
        yield "The same events, spread evenly over 10 or 10,000 tenants, in turn."
    elif name == "journey":
        yield _journey(result)
    else:
        yield _BEFORE[name].strip()


def after(name: str, result: Result) -> Iterator[str]:
    """Say what to keep in mind."""
    if name == "counting":
        yield _COUNTING_UNFAIR.rstrip()
        for each in result["beside"]["rows"]:
            if each.get("failure"):
                yield f"\n{each['label']} failed: `{each['failure'].splitlines()[-1]}`"
    if name == "standalone" and not result["target"]["met"]:
        yield _STANDALONE_MISSED.rstrip()
    if name == "throughput":
        yield _UNFAIR.rstrip()
        for each in result["contenders"]:
            if each.get("failure"):
                yield f"\n{each['label']} failed: `{each['failure'].splitlines()[-1]}`"


def _journey(result: Result) -> str:
    figure = "None of these rates" if result["figure"] is None else f"{result['figure']:,} transactions a second"
    left_out = ", ".join(f"{rate:,}" for rate in result["left_out"])
    return (
        f"**{figure}** is the highest rate at which every stage stayed within {result['limit_s']:g} s of the input for "
        f"{result['seconds']} s, and everything was counted to the last window. Scorer, devices, combine, windows, "
        "ledger, triage and notifier run as an operator starts them, one process each with the default settings, on "
        "one broker, one PostgreSQL and one Redis; an open-loop generator sends input i when it is due, whatever the "
        f"system does: {result['tenants']} tenants, a handset for each subject, some dozen segment values. A reader "
        "of committed records, fences and group offsets, which shares nothing with the product's clients, says twice a "
        "second which input is the oldest that a stage has not done: how long ago that became due is the stage's lag. "
        "(The notifier's is since its input was published.) Afterwards verdicts, ledger rows and published windows are "
        "counted, by tenants that only this rate has. Before that the broker carries traffic for "
        f"{result['broker_warm_up_seconds']} s, and each rate for {result['warm_up_seconds']} s. Generator, reader, "
        f"broker and database share the {result['cores']} cores with the eight stages; the load average before was "
        f'{result["load_before"]:g}, and the column "others" is what was kept busy by nothing of this run. The server '
        "runs with fsync and full_page_writes off, as in the tests: a production server adds images of full pages to "
        "the log after each checkpoint."
        + (f" Not tried, for the rate before them was given up: {left_out}." if left_out else "")
    )


def _features(result: Result) -> str:
    features = {each["name"]: each.get("features") or [] for each in result["contenders"]}
    more = [each for each in features["full"] if each not in features["core"]]
    return f"Core path: {', '.join(features['core'])}. Everything on: also {', '.join(more)}."
