"""The watch over closed windows: which of them are judged by themselves."""

from typing import Final

import numpy as np
import pytest

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.baselines import Baselines, SlotKey, slot_of
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.rolling import rolled
from services.aggregator.core.merge import BucketKey, SegmentWindow
from services.aggregator.core.series import WindowRef
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.watch import Watch, is_judged

MONITORING: Final = load_policy().monitoring


@pytest.mark.parametrize(("length_s", "judged"), [(60, False), (300, False), (DAY_S, True)])
def test_windows_shorter_than_a_day_are_not_judged_by_themselves(length_s: int, judged: bool) -> None:
    """Every tenth of them would be twice the baseline by chance; what they tell adds up in charts."""
    window = WindowRevision(BucketKey("bank", length_s, 0), SegmentWindow(None, None, 1, {}), False)
    assert is_judged(window) is judged


def day_of(number: int, counts: dict[str | None, tuple[int, int]], watch: Watch, baselines: Baselines) -> list[Anomaly]:
    """Close a day of a tenant (None) and of values of a segment."""
    found: list[Anomaly] = []
    for value, (k, n) in counts.items():
        key = SlotKey("bank", value and "country", value, DAY_S, slot_of(DAY_S, number * DAY_MS, UTC_DAYS))
        baselines.setdefault(key, {})
        window = WindowRef(number * DAY_MS, (number + 1) * DAY_MS, 1, backfill=False)
        figure = Figure(
            metric="rejection_rate", k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None
        )
        found += watch.judge_window(key, window, [figure])
    return found


def test_a_day_on_which_all_doubled_is_the_tenants_finding_and_not_its_values() -> None:
    """A value is found for what the rest does not show; that includes the bare excess of low evidence."""
    baselines: Baselines = {}
    watch = Watch(MONITORING, baselines, {}, days_of=utc_days)
    for number in range(14):
        usual = {None: (200, 10_000), "de": (50, 2_500), "at": (50, 2_500)}
        assert day_of(number, usual, watch, baselines) == []
    doubled = day_of(14, {None: (600, 10_000), "de": (150, 2_500), "at": (150, 2_500)}, watch, baselines)
    assert [(each.segment_value, each.severity) for each in doubled] == [(None, "high")]
    watch = Watch(MONITORING, baselines, {}, days_of=utc_days)
    one = day_of(14, {None: (600, 10_000), "de": (450, 2_500), "at": (50, 2_500)}, watch, baselines)
    assert [(each.segment_value, each.severity) for each in one] == [(None, "high"), ("de", "high")]


def test_a_tiny_day_of_a_whole_tenant_is_not_judged() -> None:
    """Two of ten are no rate."""
    baselines: Baselines = {}
    assert day_of(0, {None: (9, 10)}, Watch(MONITORING, baselines, {}, days_of=utc_days), baselines) == []
    assert day_of(0, {None: (27, 30)}, Watch(MONITORING, baselines, {}, days_of=utc_days), baselines) != []


def test_days_together_prove_what_a_single_one_does_not() -> None:
    """Three and seven days of the tenant against the days before; high only, and over when they are within."""
    hours = [(hour, 1, 10, 0) for hour in range(24 * 28)]
    bad = [(hour, 3, 10, 0) for hour in range(24 * 28, 24 * 31)]
    watch = Watch(MONITORING, {}, {}, days_of=utc_days)
    day = BucketKey("bank", DAY_S, 30 * DAY_MS)
    told = [("rejection_rate", each) for each in rolled(np.array([*hours[24 * 3 :], *bad], np.int64), 30, UTC_DAYS)]
    assert [(each.days, each.k, each.n, each.before.periods) for _, each in told] == [
        (3, 216, 720, 25),
        (7, 312, 1_680, 21),
    ]
    (event,) = watch.judge_days(day, told)
    assert (event.severity, event.state, event.k, event.cadence) == ("high", "firing", 216, "daily")
    assert (event.window_end - event.window_start).days == 3
    assert event.p_value < 6e-7
    later = BucketKey("bank", DAY_S, 33 * DAY_MS)
    good = [(hour, 1, 10, 0) for hour in range(24 * 31, 24 * 34)]
    again = [("rejection_rate", each) for each in rolled(np.array([*hours, *good], np.int64), 33, UTC_DAYS)]
    assert [(each.state, each.revision) for each in watch.judge_days(later, again)] == [("resolved", 2)]
