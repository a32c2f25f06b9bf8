"""Detectors: what a further one is given by being registered."""

from typing import Final

import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Figure
from proofwatch.governance.policy import Monitoring, load_policy
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import Baselines, BaselineState, SlotKey
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.detectors import DETECTORS
from services.aggregator.core.detectors.detector import Detector, Reading, Trials
from services.aggregator.core.finding import NOTHING, Finding, anomaly_event
from services.aggregator.core.series import SeriesKey, WindowRef, parse_column
from services.aggregator.core.times import DAY_MS, DAY_S, MINUTE_MS
from services.aggregator.core.watch import Watch

MONITORING: Final = load_policy().monitoring


def read(trials: Trials, baseline: BaselineState, monitoring: Monitoring) -> Reading:
    """Find fault with a rate at which nobody is ever rejected."""
    collapsed = trials.n >= 100 and trials.k == 0
    return Reading("high" if collapsed else "within", NOTHING._replace(high=0.5, baseline_rate=0.05))


NOBODY_IS_REJECTED: Final = Detector("nobody_is_rejected", lambda series, _: series.metric == "rejection_rate", read)


def rejections(k: int, n: int) -> list[Figure]:
    figure = Figure(
        metric="rejection_rate", k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None
    )
    return [figure]


@pytest.mark.parametrize(("length_s", "action"), [(60, "flag_cohort_for_manual_review"), (DAY_S, "incident_review")])
def test_a_detector_that_is_registered_watches_beside_the_others(length_s: int, action: str) -> None:
    """It fires, holds and ends under its own name and id, and what the first rule remembers stays what it was."""
    slot = SlotKey("bank", None, None, length_s, 0)
    together: tuple[Baselines, Anomalies] = {slot: {}}, {}
    alone: tuple[Baselines, Anomalies] = {slot: {}}, {}
    both = Watch(MONITORING, *together, detectors=(*DETECTORS, NOBODY_IS_REJECTED), days_of=utc_days)
    first = Watch(MONITORING, *alone, days_of=utc_days)
    said = []
    for number, (k, n) in enumerate([(5, 100), (0, 100), (0, 100), (90, 100), (5, 100)]):
        window = WindowRef(number * length_s * 1_000, (number + 1) * length_s * 1_000, 1, backfill=False)
        events = list(both.judge_window(slot, window, rejections(k, n)))
        assert [e for e in events if str(e.rule) == "twice_baseline"] == list(
            first.judge_window(slot, window, rejections(k, n))
        )
        said += [(number, e.state, e.severity, e.action, e.k, e.n) for e in events if str(e.rule) != "twice_baseline"]
        assert len({event.anomaly_id for event in events}) == len(events)
    assert said == [(1, "firing", "high", action, 0, 100), (3, "resolved", "high", action, 90, 100)]
    assert together[0][slot]["rejection_rate"] == alone[0][slot]["rejection_rate"]
    assert {key.rule for key in together[1]} == {"twice_baseline", "nobody_is_rejected"}


def test_what_a_detector_found_ends_when_its_traffic_does() -> None:
    """Silence is the same for every rule."""
    slot = SlotKey("bank", None, None, 60, 0)
    watch = Watch(MONITORING, {slot: {}}, {}, detectors=(NOBODY_IS_REJECTED,), days_of=utc_days)
    list(watch.judge_window(slot, WindowRef(0, MINUTE_MS, 1, backfill=False), rejections(0, 100)))
    ((_, event),) = watch.ends.silent(5 * DAY_MS)
    assert (event.rule, event.resolution, event.baseline_rate) == ("nobody_is_rejected", "no_traffic", 0.05)


def test_the_schema_has_every_rule_that_is_registered() -> None:
    """An event that no reader accepts would be found out in production only."""
    assert len({each.rule for each in DETECTORS}) == len(DETECTORS)
    for each in DETECTORS:
        state = AnomalyState("8b0e7a52-52b1-5c88-9d7e-5f0f3f4d2f10", 1, "firing", "high", 0, 0)
        event = anomaly_event(
            Finding(SeriesKey("bank", None, None, "fmr", DAY_S, each.rule), 0, 1, 1, 2, NOTHING, state)
        )
        assert ANOMALY.decode(ANOMALY.encode(event)).rule == each.rule


@pytest.mark.parametrize("metric", ["fmr", "apcer:mask", "apcer:a/b"])
def test_states_are_stored_under_rule_and_metric(metric: str) -> None:
    """Those of the first rule stand where they always stood."""
    series = SeriesKey("bank", None, None, metric, 60)
    assert series.column == metric
    both_ways = [series._replace(rule="cusum", direction=each) for each in ("up", "down")]
    free = series._replace(free=True)
    assert free.baseline_column == metric, "a row of baselines is of one class of day"
    for each in (series, free, series._replace(rule="nobody_is_rejected"), *both_ways):
        assert parse_column(each.column) == (metric, each.rule, each.direction, each.free)
