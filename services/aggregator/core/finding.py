"""What a rule found, and the event that tells of it: built here only, whichever rule it was and however it ended."""

from typing import Any, Final, Literal, NamedTuple, cast

from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.anomaly_state import AnomalyState
from services.aggregator.core.series import SeriesKey, cadence_of

Resolution = Literal["no_traffic", "too_little_traffic"]


class Evidence(NamedTuple):
    """What a window's rate was compared with, and how sure that is.

    `rate` with its interval `low` … `high` (95 %); the baseline's counts are 0 where the policy's expected rate stands
    in; `ratio` = rate / baseline_rate; `p_value` one-sided.
    """

    rate: float
    low: float
    high: float
    baseline_k: int
    baseline_n: int
    baseline_rate: float
    baseline_periods: int
    ratio: float
    p_value: float


NOTHING: Final = Evidence(0.0, 0.0, 1.0, 0, 0, 0.0, 0, 0.0, 1.0)
"""Of a window without trials, where nobody can say any more what it would have been compared with."""


class Finding(NamedTuple):
    """A change of an anomaly: which series, by which window, counts and evidence, and what became of it.

    [start_ms, end_ms) in milliseconds since the Unix epoch; k failures in n trials. The action is the cadence's.
    `resolution`: why it is resolved, where its rate did not come back.
    """

    series: SeriesKey
    start_ms: int
    end_ms: int
    k: int
    n: int
    evidence: Evidence
    state: AnomalyState
    resolution: Resolution | None = None


def anomaly_event(finding: Finding) -> Anomaly:
    """Return the event."""
    series, state, evidence = finding.series, finding.state, finding.evidence
    cadence = cadence_of(series.length_s)
    return Anomaly(
        schema_version=1,
        anomaly_id=state.anomaly_id,
        revision=state.revision,
        state=state.state,
        tenant=series.tenant,
        segment_name=series.segment_name,
        segment_value=series.segment_value,
        metric=series.metric,
        rule=cast("Any", series.rule),  # that the schema has every detector's name is tested
        cadence=cadence.name,
        severity=state.severity,
        action=cadence.action,
        window_start=instant_of(finding.start_ms),
        window_end=instant_of(finding.end_ms),
        k=finding.k,
        n=finding.n,
        **evidence._asdict(),
        backfill=False,
        resolution=finding.resolution,
    )
