"""The life of what a detector finds in a series of windows.

A series is one metric of one tenant and segment value at one window length, under one rule. Each closed window is
compared with earlier comparable periods (`core.baselines`).

A class of day is a series of its own: what Friday showed ends by a working day, not by a Saturday.

Hysteresis: severity only rises while an anomaly fires, and it ends with the first later window, or restatement of the
same, that is within the rule's limit. The baseline is frozen until then, for `left_out_days` at most, and takes no
window that fired. One whose traffic ended is ended by that (`core.quiet`).
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.anomaly_state import AnomalyState, Severity
from services.aggregator.core.baselines import BaselineState, counted, left_out
from services.aggregator.core.detectors.detector import Detector, Reading, Trials
from services.aggregator.core.finding import Evidence, Finding, anomaly_event
from services.aggregator.core.life import TRANSITIONS, Effect, Observation, Phase
from services.aggregator.core.series import SeriesKey, WindowRef
from services.aggregator.core.times import DAY_MS

_REPORTED: Final = frozenset(("low_evidence", "high"))


class Judgement(NamedTuple):
    """What follows from one window: the new states (an unchanged one is the same object), and an event or None."""

    baseline: BaselineState
    anomaly: AnomalyState | None
    event: Anomaly | None


def judge(
    detector: Detector,
    key: SeriesKey,
    window: WindowRef,
    k: int,
    n: int,
    baseline: BaselineState,
    anomaly: AnomalyState | None,
    monitoring: Monitoring,
    is_own: Callable[[Evidence], bool] = lambda _: True,
    design_effect: float = 1.0,
    usual: BaselineState | None = None,
) -> Judgement:
    """Judge k failures in n trials of one closed or restated window.

    `baseline` is that of the series and the window's slot; `anomaly` the latest of the series, firing or resolved.
    Windows without trials, and series that the detector does not watch, change nothing. Backfill, and windows older
    than the latest one that an anomaly was judged by, may join the baseline but neither cause nor end anything.
    `is_own`: whether an excess with this evidence is the series' own, and not that of the whole tenant;
    `design_effect`: that of the trials (`detectors.clusters`); `usual`: what of the baseline it is compared with, None:
    all of it.
    """
    if n == 0 or not detector.watches(key, monitoring):
        return Judgement(baseline, anomaly, None)
    phase: Phase = anomaly.severity if anomaly and anomaly.state == "firing" else "quiet"
    grown = counted(baseline, key.length_s, window.start_ms, window.revision, k, n)
    if phase == "quiet" and k < detector.fewest:
        return Judgement(grown, anomaly, None)  # whatever the rate: not to be reported, and most windows are so
    trials = Trials(key, window.start_ms, k, n, design_effect)
    observation, evidence = detector.read(trials, baseline if usual is None else usual, monitoring)
    if phase == "quiet" and observation in _REPORTED and not is_own(evidence):
        observation = "weak"
    observation = _of_a_part(window, observation)
    effect = TRANSITIONS[phase, observation]
    if effect == "none":
        return Judgement(grown, anomaly, None)
    without = left_out(baseline, key.length_s, window.start_ms)
    if anomaly and phase != "quiet" and window.start_ms >= anomaly.first_start_ms + _left_out_ms(monitoring):
        without = grown  # no baseline is frozen for ever
    if window.backfill or (anomaly and window.start_ms < anomaly.last_start_ms):
        return Judgement(without, anomaly, None)
    return Judgement(without, *lived(key, window, k, n, Reading(observation, evidence), anomaly))


def _of_a_part(window: WindowRef, observation: Observation) -> Observation:
    """Return the observation; where the log ends within the window, the rest of it may not be within."""
    return "weak" if window.broken_off and observation == "within" else observation


def _left_out_ms(monitoring: Monitoring) -> int:
    return monitoring.cusum.left_out_days * DAY_MS


def lived(
    key: SeriesKey, window: WindowRef, k: int, n: int, reading: Reading, anomaly: AnomalyState | None
) -> tuple[AnomalyState | None, Anomaly | None]:
    """Return what becomes of an anomaly by k of n in a window: its state (an unchanged one is the same), an event."""
    phase: Phase = anomaly.severity if anomaly and anomaly.state == "firing" else "quiet"
    effect = TRANSITIONS[phase, _of_a_part(window, reading.observation)]
    if effect == "none":
        return anomaly, None
    severity: Severity = "high" if reading.observation == "high" else "low_evidence"
    moved = _moved(key, window, effect, severity, anomaly)
    if effect == "hold":
        return moved, None
    return moved, anomaly_event(Finding(key, window.start_ms, window.end_ms, k, n, reading.evidence, moved))


def _moved(
    key: SeriesKey, window: WindowRef, effect: Effect, observed: Severity, anomaly: AnomalyState | None
) -> AnomalyState:
    start_ms = window.start_ms
    if effect == "fire":
        # A window whose anomaly was resolved by a restatement and comes back is the same anomaly, one revision on.
        again = anomaly is not None and anomaly.first_start_ms == start_ms
        revision = anomaly.revision + 1 if anomaly and again else 1
        return AnomalyState(_anomaly_id(key, start_ms), revision, "firing", observed, start_ms, start_ms)
    assert anomaly is not None, "only a firing anomaly escalates, holds or resolves"
    revision = anomaly.revision + (effect != "hold")
    state: Literal["firing", "resolved"] = "resolved" if effect == "resolve" else "firing"
    severity: Severity = "high" if effect == "escalate" else anomaly.severity
    return AnomalyState(anomaly.anomaly_id, revision, state, severity, anomaly.first_start_ms, start_ms)


def _anomaly_id(key: SeriesKey, first_start_ms: int) -> str:
    parts = (key.rule, key.metric, key.tenant, key.segment_name, key.segment_value, key.length_s, first_start_ms)
    return derived_id("anomaly", *parts)
