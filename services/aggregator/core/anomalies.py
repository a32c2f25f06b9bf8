"""The guarded 2 × baseline rule over a series of windows, and the life of what it finds.

A series is one metric of one tenant and segment value at one window length. Each closed window is compared with
earlier comparable periods (`core.baselines`), or with the policy's expected rate while there are too few of them.

* Daily windows report every excess: `high` when the guard test is significant, else `low_evidence`. Windows of 1 and
  5 minutes report significant ones only: at their size the bare rule fires in every tenth window, and the longer
  windows decide what they cannot.
* A single failure is never reported (`_FEWEST`), however small the window: one event cannot tell a rate.
* Hysteresis: severity only rises while an anomaly fires, and it ends with the first later window, or restatement of
  the same, whose rate is within factor × baseline. The baseline is frozen until then, and takes no window that fired.
  One whose traffic ended is ended by that (`core.quiet`).
"""

from typing import Final, Literal, NamedTuple

from msgspec import Struct

from proofwatch.biometrics.baseline import Baseline, Comparison, compare
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.baselines import BaselineState, counted, earlier, left_out
from services.aggregator.core.times import moment

RULE: Final = "twice_baseline"
_FEWEST: Final = 2

Severity = Literal["high", "low_evidence"]
Observation = Literal["within", "weak", "low_evidence", "high"]
"""within: at most factor × baseline; weak: above it, but not to be reported by itself."""
Phase = Literal["quiet", "low_evidence", "high"]
Effect = Literal["none", "fire", "escalate", "resolve", "hold"]

TRANSITIONS: Final[dict[tuple[Phase, Observation], Effect]] = {
    ("quiet", "within"): "none",
    ("quiet", "weak"): "none",
    ("quiet", "low_evidence"): "fire",
    ("quiet", "high"): "fire",
    ("low_evidence", "within"): "resolve",
    ("low_evidence", "weak"): "hold",
    ("low_evidence", "low_evidence"): "hold",
    ("low_evidence", "high"): "escalate",
    ("high", "within"): "resolve",
    ("high", "weak"): "hold",
    ("high", "low_evidence"): "hold",
    ("high", "high"): "hold",
}


class SeriesKey(NamedTuple):
    """One metric of one tenant and segment value ((None, None): the whole tenant) at one window length."""

    tenant: str
    segment_name: str | None
    segment_value: str | None
    metric: str
    length_s: int


class WindowRef(NamedTuple):
    """The window that is judged: [start, end) in milliseconds since the Unix epoch."""

    start_ms: int
    end_ms: int
    revision: int
    backfill: bool


class Cadence(NamedTuple):
    """What a watch reports, and what it causes."""

    name: Literal["real_time", "daily"]
    action: Literal["flag_cohort_for_manual_review", "incident_review"]
    reports_low_evidence: bool


REAL_TIME: Final = Cadence("real_time", "flag_cohort_for_manual_review", reports_low_evidence=False)
DAILY: Final = Cadence("daily", "incident_review", reports_low_evidence=True)


class AnomalyState(Struct, frozen=True, array_like=True):
    """The latest anomaly of a series. `last_start_ms` is the latest window that it was judged by."""

    anomaly_id: str
    revision: int
    state: Literal["firing", "resolved"]
    severity: Severity
    first_start_ms: int
    last_start_ms: int
    quiet: int = 0
    """Windows of the tenant since the last one that the series was judged by."""
    scant: bool = False
    """Whether some of them had transactions of the series, too few to go by."""


Anomalies = dict[SeriesKey, AnomalyState]


class Judgement(NamedTuple):
    """What follows from one window: the new states (an unchanged one is the same object), and an event or None."""

    baseline: BaselineState
    anomaly: AnomalyState | None
    event: Anomaly | None


def judge(
    key: SeriesKey,
    window: WindowRef,
    k: int,
    n: int,
    baseline: BaselineState,
    anomaly: AnomalyState | None,
    monitoring: Monitoring,
    cadence: Cadence,
) -> Judgement:
    """Judge k failures in n trials of one closed or restated window.

    `baseline` is that of the series and the window's slot; `anomaly` the latest of the series, firing or resolved.
    Windows without trials, and metrics for which the policy expects no rate, change nothing. Backfill, and windows
    older than the latest one that an anomaly was judged by, may join the baseline but neither cause nor end anything.
    """
    expected = monitoring.expected.get(key.metric)
    if n == 0 or expected is None:
        return Judgement(baseline, anomaly, None)
    phase: Phase = anomaly.severity if anomaly and anomaly.state == "firing" else "quiet"
    grown = counted(baseline, key.length_s, window.start_ms, window.revision, k, n)
    if phase == "quiet" and k < _FEWEST:
        return Judgement(grown, anomaly, None)  # whatever the rate: not to be reported, and most windows are so
    before, found = compared(key, window.start_ms, k, n, baseline, monitoring)
    effect = TRANSITIONS[phase, _observe(found, k, cadence)]
    if effect == "none":
        return Judgement(grown, anomaly, None)
    without = left_out(baseline, key.length_s, window.start_ms)
    if window.backfill or (anomaly and window.start_ms < anomaly.last_start_ms):
        return Judgement(without, anomaly, None)
    moved = _moved(key, window, effect, found, anomaly)
    event = None if effect == "hold" else _event(key, window, k, n, found, before, moved, cadence)
    return Judgement(without, moved, event)


def compared(
    key: SeriesKey, start_ms: int, k: int, n: int, baseline: BaselineState, monitoring: Monitoring
) -> tuple[Baseline, Comparison]:
    """Return the baseline of the window that starts at `start_ms`, and how k failures in n trials compare with it."""
    before = earlier(baseline, key.length_s, start_ms)
    expected = monitoring.expected[key.metric]
    return before, compare(k, n, before, expected, monitoring.factor, monitoring.alpha, monitoring.min_periods)


def _observe(found: Comparison, k: int, cadence: Cadence) -> Observation:
    if not found.exceeds:
        return "within"
    if k >= _FEWEST and found.severity == "high":
        return "high"
    return "low_evidence" if k >= _FEWEST and cadence.reports_low_evidence else "weak"


def _moved(
    key: SeriesKey, window: WindowRef, effect: Effect, found: Comparison, anomaly: AnomalyState | None
) -> AnomalyState:
    start_ms = window.start_ms
    if effect == "fire":
        # A window whose anomaly was resolved by a restatement and comes back is the same anomaly, one revision on.
        again = anomaly is not None and anomaly.first_start_ms == start_ms
        revision = anomaly.revision + 1 if anomaly and again else 1
        severity: Severity = "high" if found.severity == "high" else "low_evidence"
        return AnomalyState(_anomaly_id(key, start_ms), revision, "firing", severity, start_ms, start_ms)
    assert anomaly is not None, "only a firing anomaly escalates, holds or resolves"
    revision = anomaly.revision + (effect != "hold")
    state: Literal["firing", "resolved"] = "resolved" if effect == "resolve" else "firing"
    severity = "high" if effect == "escalate" else anomaly.severity
    return AnomalyState(anomaly.anomaly_id, revision, state, severity, anomaly.first_start_ms, start_ms)


def _anomaly_id(key: SeriesKey, first_start_ms: int) -> str:
    return derived_id(
        "anomaly", RULE, key.metric, key.tenant, key.segment_name, key.segment_value, key.length_s, first_start_ms
    )


def _event(
    key: SeriesKey,
    window: WindowRef,
    k: int,
    n: int,
    found: Comparison,
    before: Baseline,
    state: AnomalyState,
    cadence: Cadence,
) -> Anomaly:
    assert found.rate is not None, "there were trials"
    assert found.ratio is not None
    assert found.low is not None
    assert found.high is not None
    stood_in = found.basis == "expected rate"
    return Anomaly(
        schema_version=1,
        anomaly_id=state.anomaly_id,
        revision=state.revision,
        state=state.state,
        tenant=key.tenant,
        segment_name=key.segment_name,
        segment_value=key.segment_value,
        metric=key.metric,
        rule=RULE,
        cadence=cadence.name,
        severity=state.severity,
        action=cadence.action,
        window_start=moment(window.start_ms),
        window_end=moment(window.end_ms),
        k=k,
        n=n,
        rate=found.rate,
        low=found.low,
        high=found.high,
        baseline_k=0 if stood_in else before.k,
        baseline_n=0 if stood_in else before.n,
        baseline_rate=found.baseline_rate,
        baseline_periods=0 if stood_in else before.periods,
        ratio=found.ratio,
        p_value=found.p_value,
        backfill=False,
    )
