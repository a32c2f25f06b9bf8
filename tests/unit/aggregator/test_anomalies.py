"""The guarded 2 × baseline rule and the life of an anomaly."""

from itertools import product

import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.anomalies import Judgement, judge
from services.aggregator.core.anomaly_state import AnomalyState
from services.aggregator.core.baselines import EMPTY, BaselineState, Period
from services.aggregator.core.detectors.twice_baseline import TWICE_BASELINE
from services.aggregator.core.life import MINUTE_TRANSITIONS, TRANSITIONS
from services.aggregator.core.series import DAILY, Cadence, SeriesKey, WindowRef
from services.aggregator.core.times import DAY_MS, DAY_S

MONITORING = Monitoring(factor=2.0, alpha=0.001, min_periods=3, expected={"rejection_rate": 0.05})
HISTORY = BaselineState(tuple(Period(day * DAY_MS, 50, 1000) for day in range(5)))


def window(day: int = 10, revision: int = 1, *, backfill: bool = False, length_s: int = DAY_S) -> WindowRef:
    return WindowRef(day * DAY_MS, day * DAY_MS + length_s * 1000, revision, backfill)


def judged(
    k: int,
    n: int = 1000,
    anomaly: AnomalyState | None = None,
    *,
    at: WindowRef | None = None,
    baseline: BaselineState = HISTORY,
    cadence: Cadence = DAILY,
    metric: str = "rejection_rate",
) -> Judgement:
    key = SeriesKey("bank", "os", "ios", metric, DAY_S if cadence is DAILY else 60)
    return judge(TWICE_BASELINE, key, at or window(), k, n, baseline, anomaly, MONITORING)


def test_a_rate_within_twice_the_baseline_joins_it() -> None:
    """Exactly twice is not more than twice."""
    result = judged(100)
    assert (result.event, result.anomaly) == (None, None)
    assert result.baseline.periods[-1] == Period(10 * DAY_MS, 100, 1000)


def test_a_significant_excess_is_high() -> None:
    """The event carries counts, interval, baseline and the p of the guard, and a schema-true encoding."""
    event = judged(200).event
    assert event is not None
    assert (event.severity, event.state, event.revision, event.action) == ("high", "firing", 1, "incident_review")
    assert (event.k, event.n, event.baseline_k, event.baseline_n, event.baseline_periods) == (200, 1000, 250, 5000, 5)
    assert event.low < event.rate < event.high
    assert event.p_value < 0.001
    assert ANOMALY.decode(ANOMALY.encode(event)) == event


def test_a_daily_excess_without_significance_is_low_evidence() -> None:
    """Always emitted, as what it is."""
    event = judged(2, 15).event
    assert event is not None
    assert event.severity == "low_evidence"
    assert event.p_value >= 0.001


def test_a_single_failure_is_never_reported() -> None:
    """One event cannot tell a rate, however small the window."""
    assert judged(1, 1).event is None
    assert judged(1, 1).anomaly is None


def test_few_earlier_periods_leave_the_policys_expected_rate() -> None:
    """And then the event names no baseline counts."""
    event = judged(150, baseline=BaselineState(HISTORY.periods[:2])).event
    assert event is not None
    assert (event.baseline_rate, event.baseline_k, event.baseline_n, event.baseline_periods) == (0.05, 0, 0, 0)


def test_no_trials_or_no_expectation_change_nothing() -> None:
    """An empty window says nothing, and a metric that the policy does not watch is not judged."""
    assert judged(0, 0) == Judgement(HISTORY, None, None)
    assert judged(900, metric="shoe_size") == Judgement(HISTORY, None, None)


def test_the_life_of_an_anomaly() -> None:
    """It fires, rises in severity, holds without further events, and ends; the baseline is frozen meanwhile."""
    low = judged(2, 15, at=window(10))
    high = judged(200, anomaly=low.anomaly, at=window(11), baseline=low.baseline)
    held = judged(2, 15, anomaly=high.anomaly, at=window(12), baseline=high.baseline)
    ended = judged(50, anomaly=held.anomaly, at=window(13), baseline=held.baseline)
    events = [each.event for each in (low, high, held, ended)]
    shown = [(e.state, e.severity, e.revision) if e else None for e in events]
    assert shown == [("firing", "low_evidence", 1), ("firing", "high", 2), None, ("resolved", "high", 3)]
    assert len({event.anomaly_id for event in events if event}) == 1
    assert ended.baseline == HISTORY
    again = judged(200, anomaly=ended.anomaly, at=window(14), baseline=ended.baseline)
    assert again.event is not None
    assert again.event.revision == 1
    assert again.event.anomaly_id != events[0].anomaly_id  # type: ignore[union-attr]  # asserted above


def test_a_restatement_can_end_and_renew_the_same_anomaly() -> None:
    """The id is that of the first window, so revisions go on."""
    fired = judged(200, at=window(10))
    ended = judged(60, anomaly=fired.anomaly, at=window(10, revision=2))
    renewed = judged(200, anomaly=ended.anomaly, at=window(10, revision=3))
    revisions = [each.event.revision for each in (fired, ended, renewed) if each.event]
    assert revisions == [1, 2, 3]
    assert len({each.event.anomaly_id for each in (fired, ended, renewed) if each.event}) == 1


def test_a_day_that_fires_when_restated_leaves_the_baseline() -> None:
    """Alarmed periods are left out, even if an earlier revision had been counted."""
    quiet = judged(60)
    fired = judged(200, at=window(10, revision=2), baseline=quiet.baseline)
    assert quiet.baseline != HISTORY
    assert fired.baseline == HISTORY


def test_backfill_and_passed_windows_cause_nothing() -> None:
    """What is too old to act upon is never an anomaly, and history does not reopen."""
    assert judged(200, at=window(backfill=True)).event is None
    assert judged(200, at=window(backfill=True)).anomaly is None
    resolved = AnomalyState("id", 2, "resolved", "high", 10 * DAY_MS, 12 * DAY_MS)
    assert judged(200, anomaly=resolved, at=window(11, revision=2)).event is None


def test_equal_causes_give_equal_ids() -> None:
    """A replay names the same anomaly."""
    assert judged(200).event == judged(200).event


@pytest.mark.parametrize(
    "pair", list(product(("quiet", "low_evidence", "high"), ("within", "weak", "low_evidence", "high"))), ids=str
)
def test_every_phase_answers_every_observation(pair: tuple[str, str]) -> None:
    """The table is total: nothing is decided by falling through."""
    assert pair in TRANSITIONS


def test_minutes_end_nothing_by_themselves_and_answer_every_observation() -> None:
    """A total table too; where that of windows resolves, it counts."""
    phases, observations = ("quiet", "firing"), ("no_trials", "unclear", "within", "beyond")
    assert set(MINUTE_TRANSITIONS) == set(product(phases, observations))
    assert MINUTE_TRANSITIONS["firing", "within"] == "weigh"
    assert "resolve" not in MINUTE_TRANSITIONS.values()


def test_an_empty_history_uses_the_expected_rate() -> None:
    """The first window of a new tenant is judged too."""
    assert judged(300, baseline=EMPTY).event is not None


def test_a_day_in_which_the_log_ends_may_begin_a_finding_and_ends_none() -> None:
    """What it lacks is not known to be within (`core.log_end`)."""
    firing = judged(300).anomaly
    assert firing is not None
    broken = window(11)._replace(broken_off=True)
    held = judged(10, anomaly=firing, at=broken)
    assert held.event is None
    assert held.anomaly is not None
    assert held.anomaly.state == "firing"
    over = judged(10, anomaly=firing, at=window(11)).event
    assert over is not None
    assert over.state == "resolved"
    assert judged(300, at=broken).event is not None
