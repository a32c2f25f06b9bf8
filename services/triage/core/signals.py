"""What can open or change a case, in one shape: suspicions of a subject, incidents, access to imagery."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from proofwatch.detection.case_words import reason_words
from proofwatch.detection.known_by import known_by
from proofwatch.events.enumerations import EscalationSeverity, IncidentAction, IncidentSeverity, IncidentState
from proofwatch.events.types import Access, Incident, PlatformAlert, Proof, Step, Suspicion
from proofwatch.governance.cohort import Cohort
from services.triage.core.tasks import Task, of_action, of_reason
from services.triage.core.traits import Scope, Trait

Kind = Literal["subject", "incident", "access", "cluster"]

_EVIDENCE: Final = (
    "k", "n", "rate", "low", "high", "expected_rate", "p_value", "chance", "rejected", "accepted", "children_count",
)  # fmt: skip
_CODE_LENGTH: Final = 64  # the schema's limit for a reason code
_INCIDENT_SEVERITY: Final[dict[IncidentSeverity, EscalationSeverity]] = {
    "low": "low",
    "high": "high",
    "critical": "high",
}


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
    """What an incident concerns: its root, and the rate with the most evidence."""

    cohort: Cohort
    metric: str


class AccessNews(NamedTuple):
    """Imagery that was opened beyond one's own cases, or tried with another's grant: what of whose, by whom.

    People are accounts, by their ids. `begun`: it is not over, or nothing was opened.
    """

    of: Access
    begun: bool
    title: str


class IncidentNews(NamedTuple):
    """What an incident is now.

    `again`: it holds again after it had ended, or labels prove attacks that were accepted: a case that was closed opens
    again. `quiet`: it ended, but only for want of traffic to tell by. `into`: the
    incident that it turned out to be a part of. `risen`: a rate rose above the alarm's own level. `title`: what it says
    of itself where a notice may say it. `action`: the next step.
    """

    state: IncidentState
    strong: bool
    again: bool
    quiet: bool
    into: str | None
    risen: bool = False
    title: str | None = None
    action: IncidentAction = "incident_review"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that triage was told. It names a subject by tag only."""

    tenant: str
    subject_tag: str | None
    rate: CohortRate | None
    cause: CaseReason
    news: IncidentNews | None = None
    """Of an incident."""
    access: AccessNews | None = None
    """Of access."""
    traits: tuple[Trait, ...] = ()
    """Of a suspicion: what it may have in common with others."""
    scope: Scope | None = None
    """Of an incident: which suspicions belong to it."""
    is_cluster: bool = False

    @property
    def kind(self) -> Kind:
        """Return what kind of case this belongs to."""
        if self.access:
            return "access"
        if self.is_cluster:
            return "cluster"
        return "subject" if self.subject_tag else "incident"

    @property
    def task(self) -> Task:
        """Return what it asks of people."""
        if self.access:
            return "access_review"
        if self.is_cluster:
            return "attack_cluster"
        return of_reason(self.cause.code) if self.news is None else of_action(self.news.action)

    @property
    def title(self) -> str | None:
        """Return what it says of itself where a notice may say it."""
        told = self.news or self.access
        return told.title if told else None


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
    return Signal(suspicion.tenant, subject_tag, None, cause)


def from_incident(incident: Incident) -> Signal:
    """Return the signal; its end, and a further rise, are reasons of their own. Raises `OverflowError` as above."""
    rise = _rise(incident)
    told = incident.rule if incident.state == "firing" else incident.ended_by or incident.state
    told = f"{told}.{incident.metric}"
    proof = incident.proof if incident.change in ("rose", "grew") else None
    if proof:  # whether it goes on or ended: labels say what it was
        told = f"limit_breach.{proof.metric}"
    cause = CaseReason(
        source_id=incident.incident_id,
        source_revision=incident.revision,
        code=(f"rose_again.{rise.metric}" if rise else told)[:_CODE_LENGTH],
        at=known_by(incident).astimezone(UTC),
        transaction_id=None,
        severity=_INCIDENT_SEVERITY[incident.severity],
        evidence=_of_proof(proof)
        if proof and not rise
        else {name: float(getattr(incident, name)) for name in _EVIDENCE} | (_of_rise(rise) if rise else {}),
    )
    name, value = next(((each.segment_name, each.segment_value) for each in incident.root), (None, None))
    news = IncidentNews(
        state=incident.state,
        strong=incident.evidence == "strong",
        again=incident.change in ("again", "grew") or (incident.proof is not None and incident.change == "rose"),
        quiet=incident.ended_by not in (None, "within"),
        into=incident.merged_into,
        risen=incident.change == "rose_again",
        title=incident.notice_title,
        action=incident.action,
    )
    return Signal(incident.tenant, None, CohortRate(Cohort(incident.tenant, name, value), incident.metric), cause, news)


def from_alert(alert: PlatformAlert) -> Signal | None:
    """Return the signal; None: the alert is of the platform's health, or does not say whose case it is about.

    Its end is a reason of its own. Raises `OverflowError` as above.
    """
    if alert.access is None:
        return None
    begun = alert.state == "firing"
    code = alert.kind if begun else f"{alert.kind}_ended"
    cause = CaseReason(
        source_id=alert.alert_id,
        source_revision=1 if begun else 2,
        code=code,
        at=alert.raised_at.astimezone(UTC),
        transaction_id=None,
        severity="high",
        evidence=alert.values,
    )
    return Signal(alert.access.tenant, None, None, cause, access=AccessNews(alert.access, begun, reason_words(code)))


def _rise(incident: Incident) -> Step | None:
    """Return the rise that this revision tells of; None: it tells of something else."""
    if incident.change != "rose_again":
        return None
    return next((each for each in reversed(incident.steps or ()) if each.told), None)


def _of_proof(proof: Proof) -> dict[str, float]:
    """Return the numbers of what labels prove, which are not those of the incident's lead."""
    return {
        "k": float(proof.accepted),
        "n": float(proof.attacks),
        "rate": proof.accepted / proof.attacks if proof.attacks else 0.0,
        "low": proof.low,
        "high": proof.high,
        "limit": proof.limit,
    }


def _of_rise(rise: Step) -> dict[str, float]:
    return {
        "risen_from_rate": rise.from_rate,
        "risen_to_rate": rise.to_rate,
        "risen_k": float(rise.k),
        "risen_n": float(rise.n),
    }
