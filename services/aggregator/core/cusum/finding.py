"""What a chart found: its state after a window, and the event that tells of it."""

from collections.abc import Mapping
from math import exp
from typing import Final

from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.events import types as events
from proofwatch.events.enumerations import AnomalyAction
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.anomaly_state import AnomalyState, Severity
from services.aggregator.core.cusum.again import Step
from services.aggregator.core.cusum.chart import Chart, Counts
from services.aggregator.core.cusum.growth import excess
from services.aggregator.core.cusum.step import Seen
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.life import Effect, Observation
from services.aggregator.core.series import SeriesKey

_ACTIONS: Final[Mapping[str, AnomalyAction]] = {"up": "flag_cohort_for_manual_review", "down": "incident_review"}


def moved(
    key: SeriesKey, start_ms: int, effect: Effect, observed: Observation, anomaly: AnomalyState | None, *, told: bool
) -> AnomalyState:
    """Return the finding after a window had this effect on it; `told`: what holds has something to tell."""
    if effect == "fire":
        parts = (key.rule, key.metric, *key[:3], key.length_s, key.direction, start_ms)
        severity: Severity = "high" if observed == "high" else "low_evidence"
        return AnomalyState(derived_id("anomaly", *parts), 1, "firing", severity, start_ms, start_ms)
    assert anomaly is not None, "only a firing anomaly escalates, holds or resolves"
    return replace(
        anomaly,
        revision=anomaly.revision + (effect != "hold" or told),
        state="resolved" if effect == "resolve" else "firing",
        severity="high" if effect == "escalate" else anomaly.severity,
        last_start_ms=start_ms,
        quiet=0,
    )


def event(key: SeriesKey, state: AnomalyState, seen: Seen, counts: Counts, known_ms: int) -> Anomaly:
    """Return the event that tells of a finding: its counts are those since the change point."""
    chart = seen.chart
    if not chart.n:
        chart = Chart(0.0, counts.start_ms, counts.k, counts.n, counts.n * seen.usual.p0)
    firing = state.state == "firing"
    begin = seen.begin if firing else None
    rate, base = chart.k / chart.n, chart.expected / chart.n
    low, high = wilson(chart.k, chart.n)
    evidence = Evidence(
        rate,
        low,
        high,
        seen.usual.k,
        seen.usual.n,
        base,
        seen.usual.hours,
        rate / base,
        exp(-chart.statistic / seen.phi),
    )
    return build_anomaly(
        key,
        Stated(state.anomaly_id, state.revision, state.state, state.severity),
        Counted(chart.since_ms, counts.start_ms + FIVE_MS, chart.k, chart.n, evidence),
        cadence="real_time",
        action=_ACTIONS[seen.direction],
        resolution=None,
        direction=seen.direction,
        since=instant_of(begin.since_ms if begin else chart.since_ms) if firing else None,
        since_low=instant_of(begin.low_ms) if begin else None,
        since_high=instant_of(begin.high_ms) if begin else None,
        known_at=instant_of(known_ms),
        statistic=chart.statistic,
        threshold=seen.limit if state.severity == "high" else None,
        affected=excess(chart, up=seen.direction == "up") if firing else seen.final,
        step=_step(key.metric, seen.step, known_ms) if firing else None,
        counted="first_attempts" if seen.firsts else None,
    )


def _step(metric: str, step: Step | None, known_ms: int) -> events.Step | None:
    if step is None:
        return None
    return events.Step(
        metric=metric,
        since=instant_of(step.since_ms),
        known_at=instant_of(known_ms),
        direction="up" if step.up else "down",
        told=step.told,
        from_rate=step.from_rate,
        to_rate=step.k / step.n,
        k=step.k,
        n=step.n,
    )
