"""What a process tells Prometheus is what Prometheus's own tool approves of."""

from proofwatch.bus.committed import Committed
from proofwatch.bus.records import Batch, Outgoing, Record, Rejection, TopicPartition
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.metric_catalogue import (
    CATALOGUE,
    IMAGERY_TRANSACTIONS,
    LABELS_OF_ERASED,
    LAG_RECORDS,
    NOTIFICATIONS,
    NOTIFICATIONS_PENDING,
    OUTBOX_RECORDS,
    REMOVED_ROWS,
)
from proofwatch.runtime.metrics import Metrics
from tests.support.promtool import check_metrics

AT = TopicPartition("in", 0)


def full() -> Metrics:
    """Metrics in which every one of the catalogue has a sample."""
    metrics = Metrics(list, "scorer")
    record = Record(1, 5, b"acme/s-1", b"v")
    outputs = Committed("in")
    outputs.add([Outgoing("out", b"k", b"v")])
    outputs.reject(Rejection(record, "malformed", "$"))
    metrics.assigned("scorer", [AT])
    metrics.committed("scorer", Batch(AT, [record], 1, 2, 5, 1_005), outputs, 0.02)
    metrics.failed("scorer", AT, ConnectionResetError())
    metrics.counted(NOTIFICATIONS.name, "log", "sent")
    looked_up = (
        (LAG_RECORDS, ("scorer", "in", "0")),
        (OUTBOX_RECORDS, ("ledger",)),
        (NOTIFICATIONS_PENDING, ("log",)),
        (REMOVED_ROWS, ("acme", "ledger.transactions")),
        (IMAGERY_TRANSACTIONS, ("opened",)),
        (LABELS_OF_ERASED, ("pair",)),
    )
    metrics.sampled("Worker", [Sample(metric.name, labels, 3) for metric, labels in looked_up])
    return metrics


def test_promtool_finds_nothing_to_say() -> None:
    """Names, units, help texts and the format itself."""
    _, text = full().render()
    missing = [each.name for each in CATALOGUE if f"\n{each.name}" not in text.decode()]
    quiet = {"proofwatch_values_mended_total", "proofwatch_tenants_beyond_dead_letter_cap"}  # while all is well
    assert set(missing) <= quiet, "the page lists what is not there"
    assert check_metrics(text) == ""


def test_the_checker_does_check() -> None:
    """Or else nothing that it says would count."""
    assert "counter metrics should have" in check_metrics(b"# HELP x_count x\n# TYPE x_count counter\nx_count 1\n")
