"""What can open or change a case, in one shape: suspicions of a subject and anomalies of a cohort."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from proofwatch.events.enumerations import EscalationSeverity
from proofwatch.events.types import Anomaly, Suspicion
from proofwatch.governance.cohort import Cohort

Kind = Literal["subject", "cohort"]

_MORE: Final = ("statistic", "threshold", "affected")
_CODE_LENGTH: Final = 64  # the schema's limit for a reason code
_ANOMALY_SEVERITY: Final[dict[str, EscalationSeverity]] = {"high": "high", "low_evidence": "low"}


@dataclass(frozen=True, slots=True)
class CaseReason:
    """One reason of a case. A later revision of the same source and code replaces it."""

    source_id: str
    source_revision: int
    code: str
    at: datetime
    transaction_id: str | None
    severity: EscalationSeverity
    evidence: dict[str, float]


@dataclass(frozen=True, slots=True)
class CohortRate:
    """What an anomaly concerns: one rate of a cohort."""

    cohort: Cohort
    metric: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that triage was told. It names a subject by tag only."""

    tenant: str
    subject_tag: str | None
    rate: CohortRate | None
    firing: bool
    backfill: bool
    cause: CaseReason
    quiet: bool = False
    """Resolved, but only because there was no more traffic to tell by."""

    @property
    def kind(self) -> Kind:
        """Return what kind of case this belongs to."""
        return "subject" if self.subject_tag else "cohort"


def from_suspicion(suspicion: Suspicion, subject_tag: str) -> Signal:
    """Return the signal; subject_ref and imagery_ref stay behind. Raises `OverflowError` beyond the years 1 to 9999.

    The code is the suspicion's reason; that of an attack pattern names the pattern too, for the analyst.
    """
    code = f"{suspicion.reason}.{suspicion.pattern_id}" if suspicion.pattern_id else suspicion.reason
    cause = CaseReason(
        source_id=suspicion.suspicion_id,
        source_revision=1,
        code=code[:_CODE_LENGTH],
        at=suspicion.occurred_at.astimezone(UTC),
        transaction_id=suspicion.transaction_id,
        severity=suspicion.severity,
        evidence=suspicion.evidence,
    )
    return Signal(suspicion.tenant, subject_tag, None, firing=True, backfill=False, cause=cause)


def from_anomaly(anomaly: Anomaly) -> Signal:
    """Return the signal. Its time is the end of the judged window. Raises `OverflowError` as above."""
    firing = anomaly.state == "firing"
    cause = CaseReason(
        source_id=anomaly.anomaly_id,
        source_revision=anomaly.revision,
        code=f"{anomaly.rule if firing else anomaly.resolution or 'resolved'}.{anomaly.metric}"[:_CODE_LENGTH],
        at=anomaly.window_end.astimezone(UTC),
        transaction_id=None,
        severity=_ANOMALY_SEVERITY[anomaly.severity],
        evidence={
            "k": float(anomaly.k),
            "n": float(anomaly.n),
            "rate": anomaly.rate,
            "low": anomaly.low,
            "high": anomaly.high,
            "baseline_rate": anomaly.baseline_rate,
            "ratio": anomaly.ratio,
            "p_value": anomaly.p_value,
            **{name: value for name in _MORE if (value := getattr(anomaly, name)) is not None},
        },
    )
    rate = CohortRate(Cohort(anomaly.tenant, anomaly.segment_name, anomaly.segment_value), anomaly.metric)
    quiet = not firing and anomaly.resolution is not None
    return Signal(anomaly.tenant, None, rate, firing=firing, backfill=anomaly.backfill, cause=cause, quiet=quiet)
