"""A governed marker has the baselines of days, of three and seven days, and of durations, begin anew."""

import numpy as np
import pytest

from proofwatch.biometrics.baseline import Baseline
from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.baselines import Baselines, SlotKey, slot_of
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.cusum.rolling import Rolled
from services.aggregator.core.governed_markers import Declared, GovernedMarker
from services.aggregator.core.merge import BucketKey, SegmentWindow
from services.aggregator.core.series import SeriesKey, WindowRef
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS
from services.aggregator.core.timing_jumps import Timings, judged
from services.aggregator.core.watch import Watch
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, monitoring
from tests.unit.aggregator.null_timings import FIRST_MS, day

MONITORING = load_policy().monitoring
CHANGED = 14


def marker(at_ms: int, name: str = "matcher_version") -> GovernedMarker:
    return Declared("bank", name, "8.0", at_ms, at_ms, "A. Rao", "change 1187").marker()


class Days:
    """The days of a bank, of one rate."""

    def __init__(self, *markers: GovernedMarker) -> None:
        self.governed = {"bank": list(markers)}
        self.baselines: Baselines = {}
        self.anomalies: Anomalies = {}

    def close(self, number: int, k: int, n: int, revision: int = 1, metric: str = "rejection_rate") -> list[Anomaly]:
        watch = Watch(MONITORING, self.baselines, self.anomalies, days_of=utc_days, governed=self.governed)
        key = SlotKey("bank", None, None, DAY_S, slot_of(DAY_S, number * DAY_MS, UTC_DAYS))
        self.baselines.setdefault(key, {})
        window = WindowRef(number * DAY_MS, (number + 1) * DAY_MS, revision, backfill=False)
        figure = Figure(metric=metric, k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None)
        return [*watch.judge_window(key, window, [figure])]


AT_MS = CHANGED * DAY_MS + 9 * HOUR_MS


def usual(days: Days) -> Days:
    for number in range(CHANGED):
        assert days.close(number, 200, 10_000) == []
    return days


def test_days_since_a_marker_are_compared_with_days_since_it() -> None:
    """A threefold rate is the comparison's to tell, once; a further one is found after one whole day."""
    days = usual(Days(marker(AT_MS)))
    assert days.close(CHANGED, 500, 10_000) == []  # its own day is of both
    for number in range(CHANGED + 1, CHANGED + 4):
        assert days.close(number, 600, 10_000) == []
    (event,) = days.close(CHANGED + 4, 1_800, 10_000)
    assert (event.severity, event.baseline_k, event.baseline_n) == ("high", 600, 10_000)  # of a working day
    assert [each.severity for each in usual(Days()).close(CHANGED, 600, 10_000)] == ["high"]


def test_until_enough_is_known_since_the_marker_nothing_judges_a_day() -> None:
    """What the policy expects is not what is usual there: a bank at 6 % would be told at each change."""
    days = usual(Days(marker(AT_MS)))
    assert days.close(CHANGED + 1, 9_000, 10_000) == []
    few = Days(marker(AT_MS))
    for number in range(CHANGED):
        assert few.close(number, 2, 1_000) == []
    for number in range(CHANGED + 1, CHANGED + 5):
        assert few.close(number, 2, 1_000) == []


def test_a_day_before_the_marker_is_judged_as_it_was_however_late_it_is_restated() -> None:
    """What came before the marker stays known for it."""
    days = usual(Days(marker(AT_MS)))
    assert days.close(CHANGED + 1, 600, 10_000) == []
    assert days.close(CHANGED - 1, 250, 10_000, revision=2) == []
    (event,) = days.close(CHANGED - 1, 900, 10_000, revision=3)
    assert (event.severity, event.baseline_n) == ("high", 90_000)


@pytest.mark.parametrize(
    "other",
    [marker(AT_MS, "pad_version")._replace(begins_anew=frozenset({"liveness_fail_rate"})),
     marker(AT_MS)._replace(segment_name="os", segment_value="ios")],
)  # fmt: skip
def test_what_a_marker_does_not_touch_keeps_its_days(other: GovernedMarker) -> None:
    """Neither other rates, nor the tenant where a cohort's policy changed."""
    (event,) = usual(Days(other)).close(CHANGED, 600, 10_000)
    assert event.severity == "high"


def test_what_fires_of_days_ends_with_the_first_five_minutes_after_the_marker() -> None:
    """And not at midnight, nor by a day that is compared with nothing it has a part in."""
    bank = Bank(monitoring())
    bank.close(0, {(None, None): (1, 100)})
    days = Days()
    days.anomalies = bank.anomalies
    for number in range(CHANGED):
        assert days.close(number, 200, 10_000, metric=METRIC) == []
    assert [each.state for each in days.close(CHANGED, 800, 10_000, metric=METRIC)] == ["firing"]
    at_ms = (CHANGED + 1) * DAY_MS + 9 * HOUR_MS
    bank.close(at_ms - 300_000, {(None, None): (1, 100)})
    bank.governed = [marker(at_ms)]
    (ending,) = bank.close(at_ms, {(None, None): (1, 100)})
    assert (ending.rule, ending.state, ending.resolution) == ("twice_baseline", "resolved", "judged_anew")
    assert ending.window_start.timestamp() * 1000 == at_ms
    days.governed = {"bank": bank.governed}
    assert days.close(CHANGED + 1, 800, 10_000, metric=METRIC) == []
    assert bank.anomalies[SeriesKey("bank", None, None, METRIC, DAY_S)].state == "resolved"


def test_three_days_after_a_new_beginning_are_not_held_against_the_policys_expected_rate() -> None:
    """There are no days before them that could be compared with."""
    watch = Watch(MONITORING, {}, {}, days_of=utc_days)
    bucket = BucketKey("bank", DAY_S, 30 * DAY_MS)
    new = Rolled(3, 9_000, 30_000, Baseline(0, 0, 0), began_anew=True)
    assert [*watch.judge_days(bucket, [("rejection_rate", new)])] == []
    assert [*watch.judge_days(bucket, [("rejection_rate", new._replace(began_anew=False))])] != []
    watch = Watch(MONITORING, {}, {}, days_of=utc_days)
    known = new._replace(before=Baseline(100, 2_000, 1))
    assert [each.severity for each in watch.judge_days(bucket, [("rejection_rate", known)])] == ["high"]


def durations(*markers: GovernedMarker, levels: list[float], slice_name: str = "device_model") -> list[tuple[int, str]]:
    random, timings, told = np.random.default_rng(1), Timings(), list[tuple[int, str]]()
    for number, level in enumerate(levels):
        windows: list[SegmentWindow] = day(random, {(slice_name, "A"): (1_000, 1_800 * level)})
        bucket = BucketKey("bank", DAY_S, FIRST_MS + number * DAY_MS)
        for event in judged(timings, bucket, windows, (), markers):
            told.append((number, f"{event.state} {event.resolution}"))
    return told


def test_durations_since_a_marker_are_compared_with_days_since_it() -> None:
    """For a week nothing is said; a jump after it is one from the new level."""
    sdk = marker(FIRST_MS + 10 * DAY_MS + HOUR_MS, "sdk_version")
    levels = [1.0] * 10 + [1.8] + [2.0] * 8 + [4.0, 2.0]
    assert durations(levels=levels)[0] == (10, "firing None")
    assert durations(sdk, levels=levels) == [(19, "firing None"), (20, "resolved None")]
    assert durations(marker(sdk.at_ms, "matcher_version"), levels=levels) == durations(levels=levels)
    assert durations(sdk._replace(segment_name="os", segment_value="ios"), levels=levels) == durations(levels=levels)


def test_a_jump_that_is_told_ends_by_the_marker() -> None:
    """It is judged anew: nobody knows whether it would have lasted."""
    sdk = marker(FIRST_MS + 12 * DAY_MS, "sdk_version")
    assert durations(sdk, levels=[1.0] * 10 + [2.0] * 4) == [(10, "firing None"), (12, "resolved judged_anew")]


def test_markers_of_long_ago_do_not_begin_a_series_anew_that_is_read_from_an_earlier_release() -> None:
    """They were there before it was looked for them."""
    sdk = marker(FIRST_MS - 300 * DAY_MS, "sdk_version")
    assert durations(sdk, levels=[1.0] * 10 + [2.0]) == [(10, "firing None")]
