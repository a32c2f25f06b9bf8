"""How an anomaly ends whose traffic ended."""

from typing import Final

import msgspec
import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import Baselines
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.lengths import QUIET_WINDOWS
from services.aggregator.core.merge import BucketKey, PolicyCounts, SegmentWindow
from services.aggregator.core.quiet import (
    SILENCE_MS,
    activity,
    judged_slot,
    overdue,
)
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import DAY_MS, DAY_S, MINUTE_MS
from services.aggregator.core.watch import Watch, slot_key

pytestmark = pytest.mark.usefixtures("lengths_in_force")

MONITORING: Final = load_policy().monitoring
KEY: Final = SeriesKey("bank", "sdk_version", "5.0.0", "rejection_rate", 60)
FIRED: Final = AnomalyState("id", 1, "firing", "high", 0, 0)


def published(minute: int, n: int, *, name: str | None = "sdk_version") -> WindowRevision:
    window = SegmentWindow(name, name and "5.0.0", 1, {"p": PolicyCounts({"transactions": n}, {}, {})})
    return WindowRevision(BucketKey("bank", 60, minute * MINUTE_MS), window, False)


def figures(k: int, n: int) -> list[Figure]:
    value = k / n
    return [
        Figure(metric="rejection_rate", k=k, n=n, value=value, low=0, high=1, limit=None, status=None, coverage=None)
    ]


class Day:
    """A watch over minutes of a tenant that goes on, of which one release is one segment value."""

    def __init__(self, **anomalies: AnomalyState) -> None:
        self.anomalies: Anomalies = {KEY: anomalies.get("state", FIRED)}
        self.baselines: Baselines = {judged_slot(KEY, FIRED, utc_days): {}}
        self.watch = Watch(MONITORING, self.baselines, self.anomalies, days_of=utc_days)

    def minute(self, number: int, k: int | None = None, n: int = 0) -> list[Anomaly]:
        """Close one minute of the tenant, with or without the release."""
        found: list[Anomaly] = []
        if k is not None:
            each = published(number, n)
            self.baselines.setdefault(slot_key(each, utc_days), {})
            found += self.watch.judge(each, figures(k, n))
        return [*found, *self.watch.ends.passed(BucketKey("bank", 60, number * MINUTE_MS))]


def test_it_ends_after_so_many_windows_of_the_tenant_without_it() -> None:
    """In words of its own: since when there is no traffic; with no trials, and as a revision of its own."""
    day = Day()
    events = [event for number in range(1, QUIET_WINDOWS[60] + 1) for event in day.minute(number)]
    (event,) = events
    assert (event.state, event.resolution, event.revision, event.k, event.n) == ("resolved", "no_traffic", 2, 0, 0)
    assert ms_of(event.window_start) == MINUTE_MS
    assert ms_of(event.window_end) == (QUIET_WINDOWS[60] + 1) * MINUTE_MS
    assert ANOMALY.decode(ANOMALY.encode(event)) == event
    assert day.anomalies[KEY].state == "resolved"
    assert day.minute(QUIET_WINDOWS[60] + 1) == []


def test_a_window_that_is_judged_begins_the_count_anew() -> None:
    """What still fails still fires."""
    day = Day()
    last = QUIET_WINDOWS[60] - 1
    assert [event for number in range(1, last) for event in day.minute(number)] == []
    assert day.minute(last, 30, 40) == []
    assert day.anomalies[KEY].quiet == 0
    assert [event for number in range(last + 1, 2 * last) for event in day.minute(number)] == []


def test_windows_of_another_tenant_or_length_do_not_count() -> None:
    """Only those in which the series could have been."""
    day = Day()
    for key in (BucketKey("other", 60, MINUTE_MS), BucketKey("bank", 300, 0)):
        assert list(day.watch.ends.passed(key)) == []
    assert day.anomalies[KEY].quiet == 0


def test_a_silent_tenant_ends_it_after_three_days() -> None:
    """By event time, at the time by which it had been silent for so long; a weekend does not."""
    end_ms = MINUTE_MS
    assert overdue({KEY: FIRED}, SILENCE_MS, end_ms + SILENCE_MS - 1, utc_days) == []
    day = Day()
    ((at_ms, event),) = day.watch.ends.silent(end_ms + SILENCE_MS + 12_345)
    assert at_ms == end_ms + SILENCE_MS
    assert (event.state, event.resolution) == ("resolved", "no_traffic")
    assert list(day.watch.ends.silent(10 * SILENCE_MS)) == []
    assert list(Day().watch.ends.silent(10 * SILENCE_MS, "other")) == []


def test_days_together_are_silent_from_the_end_of_the_last_of_them() -> None:
    """Three and seven days begin long before they end; one that was judged last night has not been silent for days."""
    for days in (3, 7):
        key = SeriesKey("bank", None, None, "rejection_rate", days * DAY_S)
        last_ms = days * DAY_MS
        assert overdue({key: FIRED}, SILENCE_MS, last_ms + SILENCE_MS - 1, utc_days) == []
        assert overdue({key: FIRED}, SILENCE_MS, last_ms + SILENCE_MS, utc_days) == [(last_ms + SILENCE_MS, key)]


def fives(present: list[int], n: int = 120) -> dict[BucketKey, list[Segment]]:
    release: Segment = ("sdk_version", "5.0.0")
    return {
        BucketKey("bank", 300, number * 300_000): [WHOLE, release] if number in present else [WHOLE]
        for number in reversed(range(n))
    }


@pytest.mark.parametrize(
    ("present", "over"),
    [
        (list(range(36, 48)), True),  # an hour, then six hours without
        (list(range(0, 120, 12)), False),  # once an hour: to stay away for one is nothing
        (list(range(120)), False),
        (list(range(100)), False),  # less than two hours ago
        ([3], True),
    ],
)
def test_a_day_tells_whether_a_segment_left_off_within_it(present: list[int], over: bool) -> None:
    """By the tenant's own windows, against how often the segment used to come."""
    assert activity(fives(present))["sdk_version", "5.0.0"].over is over


def test_what_left_off_ends_with_its_day() -> None:
    """A daily finding on a release that was withdrawn fires and ends at once: there will be no better day."""
    key = KEY._replace(length_s=DAY_S)
    anomalies: Anomalies = {key: FIRED, key._replace(segment_name=None, segment_value=None): FIRED}
    watch = Watch(MONITORING, {judged_slot(key, FIRED, utc_days): {}}, anomalies, days_of=utc_days)
    day = BucketKey("bank", DAY_S, 0)
    assert watch.ends.unfinished(day)
    (event,) = watch.ends.left_off(day, activity(fives(list(range(36, 48)))))
    assert (event.segment_value, event.resolution, event.cadence) == ("5.0.0", "no_traffic", "daily")
    assert (ms_of(event.window_start), ms_of(event.window_end)) == (48 * 300_000, DAY_MS)


def test_an_old_row_is_read_as_one_that_was_never_quiet() -> None:
    """States written before this release have two fields less."""
    old = msgspec.msgpack.encode(["id", 1, "firing", "high", 0, 0])
    assert msgspec.msgpack.decode(old, type=AnomalyState) == FIRED


def test_the_end_names_the_baseline_it_was_judged_by() -> None:
    """So that a reader sees what it had been compared with."""
    ((_, event),) = Day().watch.ends.silent(10 * SILENCE_MS)
    assert event.baseline_rate == MONITORING.expected["rejection_rate"]
    assert (event.ratio, event.p_value) == (0.0, 1.0)


def test_what_a_policy_no_longer_watches_ends_all_the_same() -> None:
    """Its expected rate has gone from the policy while it fired: nothing can be said of what it was compared with."""
    day = Day()
    day.watch = Watch(MONITORING.model_copy(update={"expected": {}}), day.baselines, day.anomalies, days_of=utc_days)
    ((_, event),) = day.watch.ends.silent(10 * SILENCE_MS)
    assert (event.state, event.resolution, event.baseline_rate) == ("resolved", "no_traffic", 0.0)
