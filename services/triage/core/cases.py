"""How a case moves: `(case | None, signal, now) → (case, effects, reason)`, along the rows of one table."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from proofwatch.events import identity
from proofwatch.events.enumerations import EscalationSeverity, EscalationStatus
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Access, Escalation, Reason
from services.triage.core.rows import State, Trigger, Why, row_of
from services.triage.core.signals import CaseReason, CohortRate, IncidentNews, Kind, Signal
from services.triage.core.tasks import Task, graver

Queue = Literal["soc", "research"]
QUEUE: Final = "soc"
MEMBERSHIP: Final = "alarmed_cohort"
"""A reason that says nothing about the subject: it opens no case, and however many there are escalates none."""
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
    task: Task
    merged_into: str | None = None
    """The case that goes on for it."""
    about: Access | None = None
    """Of access: what of whose was opened, by whom; as the newest signal says it."""
    queue: Queue = QUEUE
    """Who is to look at it; people refer it to the Research Group."""


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
    return _case_id(signal, signal.cause.source_id)


def advance(case: Case | None, signal: Signal, now: datetime, *, escalate_at_reasons: int) -> Outcome:
    """Apply one signal to its case (None: there is none yet).

    `now` is the log time of the signal. What only says that somebody belongs to an alarmed cohort opens no case; nor do
    incidents of weak evidence, and those that are a part of another one. A subject case is escalated when it becomes
    high or has `escalate_at_reasons` reasons beside `MEMBERSHIP`. Raises `UnlistedTransition`.
    """
    if case and _revision_known(case, signal) >= signal.cause.source_revision:
        return Outcome(case, None, None, "repeated")
    if case is None and _is_nothing_of_its_own(signal):
        return Outcome(None, None, None, "nothing_of_its_own")
    before: State = case.state if case else "absent"
    trigger = _trigger(case, signal, escalate_at_reasons)
    row = row_of(before, trigger)
    after = _changed(case, signal, row.state, now)
    transition = Transition(after.case_id, after.revision, before, row.state, trigger, row.why, signal.cause, now)
    return Outcome(
        after,
        transition,
        escalation_of(after, signal.title) if row.escalate else None,
        row.why,
    )


def escalation_of(case: Case, title: str | None = None) -> Escalation:
    """Return the event that tells people about the case as it is now; `title`: what its incident says of itself."""
    return Escalation(
        schema_version=1,
        escalation_id=derived_id("escalation", case.case_id, case.revision),
        case_id=case.case_id,
        revision=case.revision,
        tenant=case.tenant,
        subject_tag=case.subject_tag,
        queue=case.queue,
        status=case.state,
        severity=case.severity,
        raised_at=max(reason.at for reason in case.reasons),
        title=title,
        reasons=tuple(
            Reason(code=reason.code, at=reason.at, transaction_id=reason.transaction_id, evidence=reason.evidence)
            for reason in case.reasons
        ),
    )


def _revision_known(case: Case, signal: Signal) -> int:
    source = signal.cause.source_id
    return max((reason.source_revision for reason in case.reasons if reason.source_id == source), default=0)


def _is_nothing_of_its_own(signal: Signal) -> bool:
    if signal.news is None:
        return signal.access is None and signal.cause.code == MEMBERSHIP
    return not signal.news.strong or signal.news.state == "merged"


def _of_incident(news: IncidentNews) -> Trigger:
    if news.state == "merged" and news.into:
        return "incident_merged"
    if news.again and news.strong and news.state != "merged":  # labels may prove it after it ended
        return "incident_again"
    if news.state == "ended":
        return "incident_quiet" if news.quiet else "incident_ended"
    if not news.strong or news.state == "merged":  # into what, nobody knows any more
        return "incident_weak"
    return "incident_risen" if news.risen else "incident_strong"


def _trigger(case: Case | None, signal: Signal, escalate_at_reasons: int) -> Trigger:
    if signal.news is not None:
        apart = case is not None and case.merged_into is not None and signal.news.state == "firing"
        return _of_incident(signal.news._replace(again=signal.news.again or apart))
    if signal.is_cluster:
        return "cluster"
    if signal.access is not None:
        return "access" if signal.access.begun else "access_ended"
    reasons = (*case.reasons, signal.cause) if case else (signal.cause,)
    count = sum(reason.code != MEMBERSHIP for reason in reasons)
    major = _severity(case, signal) == "high" or count >= escalate_at_reasons
    return "suspicion_major" if major else "suspicion_minor"


def _severity(case: Case | None, signal: Signal) -> EscalationSeverity:
    given = signal.cause.severity
    return given if case is None else max(case.severity, given, key=_RANK.__getitem__)


def _changed(case: Case | None, signal: Signal, state: EscalationStatus, now: datetime) -> Case:
    cause = signal.cause
    into = signal.news.into if signal.news and signal.news.state == "merged" else None
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
            task=signal.task,
            about=signal.access.of if signal.access else None,
        )
    kept = [reason for reason in case.reasons if (reason.source_id, reason.code) != (cause.source_id, cause.code)]
    return replace(
        case,
        state=state,
        severity=_severity(case, signal),
        revision=case.revision + 1,
        changed_at=now,
        reasons=tuple(sorted([*kept, cause], key=lambda reason: (reason.at, reason.source_id, reason.code))),
        merged_into=_case_id(signal, into) if into else None,
        task=_task(case, signal),
        about=signal.access.of if signal.access else case.about,
    )


def _task(case: Case, signal: Signal) -> Task:
    """Return what it asks of people now: of a person the gravest; of an incident what it asked for while it held."""
    if case.kind == "subject":
        return graver(case.task, signal.task)
    return signal.task if signal.news and signal.news.state == "firing" else case.task


def _case_id(signal: Signal, source_id: str) -> str:
    return identity.case_id(signal.tenant, signal.kind, source_id)
