"""How a case moves: `(case | None, signal, now) → (case, effects, reason)`, along the rows of one table."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from proofwatch.events.enumerations import EscalationSeverity, EscalationStatus
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Escalation, Reason
from services.triage.core.signals import CaseReason, CohortRate, Kind, Signal

State = Literal["absent", EscalationStatus]
Trigger = Literal[
    "suspicion_minor", "suspicion_major", "anomaly_low_evidence", "anomaly_high", "anomaly_resolved", "anomaly_quiet"
]
Why = Literal[
    "opened", "reason_added", "escalated", "updated", "closed", "reopened", "traffic_ended", "repeated", "backfill"
]
QUEUE: Final = "soc"
MEMBERSHIP: Final = "alarmed_cohort"
"""A reason that says nothing about the subject: it opens a case, and however many there are escalates none."""
_RANK: Final[dict[EscalationSeverity, int]] = {"low": 0, "medium": 1, "high": 2}


@dataclass(frozen=True, slots=True)
class Case:
    """One case; times are UTC. `reasons` are the oldest first, `revision` counts its changes from 1."""

    case_id: str
    tenant: str
    kind: Kind
    subject_tag: str | None
    rate: CohortRate | None
    state: EscalationStatus
    severity: EscalationSeverity
    revision: int
    opened_at: datetime
    changed_at: datetime
    reasons: tuple[CaseReason, ...]


class Row(NamedTuple):
    """What a trigger does: the next state, whether people are told, and the reason in a word."""

    state: EscalationStatus
    escalate: bool
    why: Why


TABLE: Final[dict[tuple[State, Trigger], Row]] = {
    ("absent", "suspicion_minor"): Row("open", False, "opened"),
    ("absent", "suspicion_major"): Row("escalated", True, "escalated"),
    ("absent", "anomaly_low_evidence"): Row("open", False, "opened"),
    ("absent", "anomaly_high"): Row("escalated", True, "escalated"),
    ("absent", "anomaly_resolved"): Row("closed", False, "closed"),  # it overtook its firing, which then is a repeat
    ("absent", "anomaly_quiet"): Row("open", False, "traffic_ended"),  # likewise, and a person is to look
    ("open", "suspicion_minor"): Row("open", False, "reason_added"),
    ("open", "suspicion_major"): Row("escalated", True, "escalated"),
    ("open", "anomaly_low_evidence"): Row("open", False, "updated"),
    ("open", "anomaly_high"): Row("escalated", True, "escalated"),
    ("open", "anomaly_quiet"): Row("open", False, "traffic_ended"),  # nothing got better: it waits for a person
    ("open", "anomaly_resolved"): Row("closed", False, "closed"),
    ("escalated", "suspicion_minor"): Row("escalated", True, "reason_added"),
    ("escalated", "suspicion_major"): Row("escalated", True, "reason_added"),
    ("escalated", "anomaly_low_evidence"): Row("escalated", False, "updated"),  # evidence may wane, people decide
    ("escalated", "anomaly_high"): Row("escalated", False, "updated"),  # people know; new numbers are no news
    ("escalated", "anomaly_quiet"): Row("escalated", True, "traffic_ended"),
    ("escalated", "anomaly_resolved"): Row("closed", True, "closed"),
    ("closed", "anomaly_low_evidence"): Row("open", False, "reopened"),  # late data restated the window
    ("closed", "anomaly_high"): Row("escalated", True, "reopened"),
    ("closed", "anomaly_quiet"): Row("closed", False, "updated"),
    ("closed", "anomaly_resolved"): Row("closed", False, "updated"),
    # A closed subject case takes no suspicion: the next one opens a case of its own.
}


class UnlistedTransition(Exception):
    """The table has no row for this state and trigger: a defect, the process must halt."""


class Transition(NamedTuple):
    """One change of a case, for its history."""

    case_id: str
    revision: int
    from_state: State
    to_state: State
    trigger: Trigger
    why: Why
    cause: CaseReason
    at: datetime


class Outcome(NamedTuple):
    """What became of a signal: the case afterwards, the effects, and why. No transition: nothing changed."""

    case: Case | None
    transition: Transition | None
    escalation: Escalation | None
    why: Why


def case_id_of(signal: Signal) -> str:
    """Return the id of the case that the signal opens, if it opens one."""
    return derived_id("case", signal.tenant, signal.kind, signal.cause.source_id)


def advance(case: Case | None, signal: Signal, now: datetime, *, escalate_at_reasons: int) -> Outcome:
    """Apply one signal to its case (None: there is none yet).

    `now` is the log time of the signal. A subject case is escalated when it becomes high or has
    `escalate_at_reasons` reasons beside `MEMBERSHIP`. Raises `UnlistedTransition`.
    """
    if case and _revision_known(case, signal) >= signal.cause.source_revision:
        return Outcome(case, None, None, "repeated")
    if signal.backfill and (signal.firing or case is None):
        return Outcome(case, None, None, "backfill")
    before: State = case.state if case else "absent"
    trigger = _trigger(case, signal, escalate_at_reasons)
    row = _row(before, trigger)
    after = _changed(case, signal, row.state, now)
    transition = Transition(after.case_id, after.revision, before, row.state, trigger, row.why, signal.cause, now)
    return Outcome(after, transition, escalation_of(after) if row.escalate else None, row.why)


def escalation_of(case: Case) -> Escalation:
    """Return the event that tells people about the case as it is now."""
    return Escalation(
        schema_version=1,
        escalation_id=derived_id("escalation", case.case_id, case.revision),
        case_id=case.case_id,
        revision=case.revision,
        tenant=case.tenant,
        subject_tag=case.subject_tag,
        queue=QUEUE,
        status=case.state,
        severity=case.severity,
        raised_at=max(reason.at for reason in case.reasons),
        reasons=tuple(
            Reason(code=reason.code, at=reason.at, transaction_id=reason.transaction_id, evidence=reason.evidence)
            for reason in case.reasons
        ),
    )


def _revision_known(case: Case, signal: Signal) -> int:
    source = signal.cause.source_id
    return max((reason.source_revision for reason in case.reasons if reason.source_id == source), default=0)


def _trigger(case: Case | None, signal: Signal, escalate_at_reasons: int) -> Trigger:
    if signal.kind == "cohort":
        if not signal.firing:
            return "anomaly_quiet" if signal.quiet else "anomaly_resolved"
        return "anomaly_high" if signal.cause.severity == "high" else "anomaly_low_evidence"
    reasons = (*case.reasons, signal.cause) if case else (signal.cause,)
    count = sum(reason.code != MEMBERSHIP for reason in reasons)
    major = _severity(case, signal) == "high" or count >= escalate_at_reasons
    return "suspicion_major" if major else "suspicion_minor"


def _row(state: State, trigger: Trigger) -> Row:
    try:
        return TABLE[state, trigger]
    except KeyError:
        msg = f"no transition is listed for state {state} and trigger {trigger}: add the row, or do not offer the case"
        raise UnlistedTransition(msg) from None


def _severity(case: Case | None, signal: Signal) -> EscalationSeverity:
    given = signal.cause.severity
    return given if case is None else max(case.severity, given, key=_RANK.__getitem__)


def _changed(case: Case | None, signal: Signal, state: EscalationStatus, now: datetime) -> Case:
    cause = signal.cause
    if case is None:
        return Case(
            case_id=case_id_of(signal),
            tenant=signal.tenant,
            kind=signal.kind,
            subject_tag=signal.subject_tag,
            rate=signal.rate,
            state=state,
            severity=cause.severity,
            revision=1,
            opened_at=now,
            changed_at=now,
            reasons=(cause,),
        )
    kept = [reason for reason in case.reasons if (reason.source_id, reason.code) != (cause.source_id, cause.code)]
    return replace(
        case,
        state=state,
        severity=_severity(case, signal),
        revision=case.revision + 1,
        changed_at=now,
        reasons=tuple(sorted([*kept, cause], key=lambda reason: (reason.at, reason.source_id, reason.code))),
    )
