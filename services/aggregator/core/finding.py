"""What a rule found, and the event that tells of it: built here only, whichever rule it was and however it ended."""

from typing import Any, Final, Literal, NamedTuple, Protocol, cast

from msgspec.structs import replace

from proofwatch.events.enumerations import AnomalyAction, AnomalyCadence, AnomalyResolution
from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of, ms_of
from services.aggregator.core.anomaly_state import AnomalyState, Severity
from services.aggregator.core.series import SeriesKey, cadence_of


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
    resolution: AnomalyResolution | None = None


class Watched(Protocol):
    """Whatever names what a rule watches."""

    @property
    def rule(self) -> str: ...  # noqa: D102 - the names are the event's
    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def tenant(self) -> str: ...  # noqa: D102
    @property
    def segment_name(self) -> str | None: ...  # noqa: D102
    @property
    def segment_value(self) -> str | None: ...  # noqa: D102


class Stated(NamedTuple):
    """What became of an anomaly: its id, how often it changed, whether it holds, how severe it is."""

    anomaly_id: str
    revision: int
    state: Literal["firing", "resolved"]
    severity: Severity


class Counted(NamedTuple):
    """The window [start_ms, end_ms) in milliseconds since the Unix epoch, k of n in it, and what that proves."""

    start_ms: int
    end_ms: int
    k: int
    n: int
    evidence: Evidence


def anomaly_event(finding: Finding) -> Anomaly:
    """Return the event of a rule over a series of windows."""
    state, cadence = finding.state, cadence_of(finding.series.length_s)
    return build_anomaly(
        finding.series,
        Stated(state.anomaly_id, state.revision, state.state, state.severity),
        Counted(finding.start_ms, finding.end_ms, finding.k, finding.n, finding.evidence),
        cadence=cadence.name,
        action=cadence.action,
        resolution=finding.resolution,
        direction=finding.series.direction,
    )


def in_tenants_time(anomaly: Anomaly, days: TenantDays) -> Anomaly:
    """Return the event with the time zone of its tenant at the end of its window; words about it are in that."""
    zone = days.calendar(ms_of(anomaly.window_end)).zone
    return anomaly if zone == "UTC" else replace(anomaly, time_zone=zone)


def build_anomaly(
    watched: Watched,
    stated: Stated,
    counted: Counted,
    /,
    *,
    cadence: AnomalyCadence,
    action: AnomalyAction,
    resolution: AnomalyResolution | None,
    **more: Any,
) -> Anomaly:
    """Return the event of any rule; `more`: fields that only some rules have, by their names in the schema."""
    return Anomaly(
        schema_version=1,
        **stated._asdict(),
        tenant=watched.tenant,
        segment_name=watched.segment_name,
        segment_value=watched.segment_value,
        metric=watched.metric,
        rule=cast("Any", watched.rule),  # that the schema has every detector's name is tested
        cadence=cadence,
        action=action,
        window_start=instant_of(counted.start_ms),
        window_end=instant_of(counted.end_ms),
        k=counted.k,
        n=counted.n,
        **counted.evidence._asdict(),
        backfill=False,
        resolution=resolution,
        **more,
    )
