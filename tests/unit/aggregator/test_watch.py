"""The watch over closed windows: small cells end what is firing, and begin nothing."""

import pytest

from proofwatch.events.types import Figure
from proofwatch.governance.policy import load_policy
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.baselines import Baselines
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.merge import BucketKey, PolicyCounts, SegmentWindow
from services.aggregator.core.watch import Watch, slot_key, to_be_judged

pytestmark = pytest.mark.usefixtures("lengths_in_force")

MONITORING = load_policy().monitoring
MINUTE_MS = 60_000


def window(minute: int, n: int, *, small: bool) -> WindowRevision:
    key = BucketKey("bank", 60, minute * MINUTE_MS)
    segment = SegmentWindow("os", "ios", 0 if small else 1, {"p": PolicyCounts({"transactions": n}, {}, {})})
    return WindowRevision(key, segment, False, small)


def failures(k: int, n: int) -> list[Figure]:
    figure = Figure(
        metric="rejection_rate", k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None
    )
    return [figure]


def judged(each: WindowRevision, k: int, n: int, baselines: Baselines, anomalies: Anomalies) -> list[str]:
    for revised in to_be_judged([each], anomalies):
        baselines.setdefault(slot_key(revised), {})
        watch = Watch(MONITORING, baselines, anomalies)
        return [anomaly.state for anomaly in watch.judge(revised, failures(k, n))]
    return []


def test_a_small_cell_ends_what_fires_and_begins_nothing() -> None:
    """An anomaly of a busy hour does not last all night because too few people come to judge it by."""
    baselines: Baselines = {}
    anomalies: Anomalies = {}
    assert judged(window(0, 5, small=True), 5, 5, baselines, anomalies) == []
    assert judged(window(1, 40, small=False), 30, 40, baselines, anomalies) == ["firing"]
    assert judged(window(2, 3, small=True), 3, 3, baselines, anomalies) == []
    assert judged(window(3, 3, small=True), 0, 3, baselines, anomalies) == ["resolved"]
    assert judged(window(4, 3, small=True), 3, 3, baselines, anomalies) == []
    assert not any(row for row in baselines.values())


def test_a_small_cell_ends_what_began_in_the_same_batch() -> None:
    """What an anomaly is ended by does not depend on how the log is cut into batches."""
    before, busy, quiet = window(0, 3, small=True), window(1, 40, small=False), window(2, 3, small=True)
    assert to_be_judged([before, busy, quiet], {}) == [busy, quiet]
    watch = Watch(MONITORING, {slot_key(busy): {}}, {})
    assert not watch.concerns(quiet)
    assert [anomaly.state for anomaly in watch.judge(busy, failures(30, 40))] == ["firing"]
    assert watch.concerns(quiet)
    assert [anomaly.state for anomaly in watch.judge(quiet, failures(0, 3))] == ["resolved"]
