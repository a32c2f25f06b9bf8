"""Who may say what a case is, approve it, let it rest, open it anew: `(case, session, asked, now) → change | refusal`.

Deny is the default. What a deed leads to is a row of `core/life.py`; a deed without one is refused.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.access.roles import Act, may_approve
from proofwatch.access.session import Session
from services.triage.core.assignments import (
    CaseNow,
    Change,
    Deed,
    Refusal,
    about_yourself,
    is_a_part,
    is_restricted,
    may_work,
)
from services.triage.core.dispositions import Finding
from services.triage.core.life import Stage, after, is_listed

LONGEST_SNOOZE: Final = timedelta(days=30)
_STAGED: Final = frozenset[Deed]({"review", "know", "novel", "high_risk"})


class Asked(NamedTuple):
    """What somebody wants; `finding`: of `clear`, `threat`; `until`: of `snooze`; `four_eyes`: whether it takes two."""

    deed: Deed
    finding: Finding | None = None
    until: datetime | None = None
    four_eyes: bool = True


def judged(case: CaseNow, session: Session, asked: Asked, now: datetime) -> Change | Refusal:
    """Return what the deed does to a case that is there for this session."""
    if refusal := is_a_part(case) or about_yourself(case, session) or is_restricted(case, asked.deed):
        return refusal
    if not is_listed(case.stage, asked.deed):
        return _out_of_place(case.stage)
    if asked.deed in ("approve", "reject"):
        return _agreed(case, session, asked.deed)
    if asked.deed == "reopen":
        return _reopened(case, session)
    if asked.deed in ("snooze", "wake"):
        return _rested(case, session, asked, now)
    return _found(case, session, asked)


def path(case: CaseNow, deed: Deed, change: Change) -> tuple[Stage, ...]:
    """Return the stages that a change leads through; none: it stays where it is. Raises `UnlistedTransition`."""
    if change.decide:
        stage = after(case.stage, "clear" if change.decide.verdict == "cleared" else "threat")
        return (stage,) if stage == "cleared" else (stage, after(stage, "escalate"))  # a threat is told at once
    if change.propose or change.settle or not change.is_anything:
        return ()
    stage = after(case.stage, deed)
    return () if stage == case.stage else (stage,)


def _out_of_place(stage: Stage) -> Refusal:
    if stage == "closed":
        return Refusal("case_closed", "the case is closed: reopen it with a reason first")
    return Refusal("not_at_this_stage", f"that has no place while a case is {stage.replace('_', ' ')}")


def _found(case: CaseNow, session: Session, asked: Asked) -> Change | Refusal:
    judges = session.may(Act.PROPOSE_DISPOSITION) if asked.finding else may_work(case, session)
    if not judges:
        return Refusal("role_missing", "to say what a case is you need the role analyst; researcher, once it is theirs")
    if case.assignee != session.person_id:
        return Refusal("not_yours", "take the case first: who works on it says what it is")
    if asked.deed in _STAGED:
        return Change(staged=True)
    assert asked.finding is not None, "clear and threat say what was found"
    if asked.four_eyes:
        return Change(propose=asked.finding)
    return Change(decide=asked.finding)


def _agreed(case: CaseNow, session: Session, deed: Deed) -> Change | Refusal:
    pending = case.pending
    if pending is None:
        return Refusal("nothing_proposed", "nobody has proposed what it is, or that was decided already")
    if not session.may(Act.APPROVE_DISPOSITION):
        return Refusal("role_missing", "to approve what an analyst proposes you need the role checker")
    if not may_approve(session.roles, Act.APPROVE_DISPOSITION, session.person_id, pending.proposed_by):
        return Refusal("your_own", "you proposed it yourself: a second person approves it")
    if pending.on_revision != case.revision:
        return Refusal("evidence_changed", "the evidence has changed since it was proposed: the analyst looks again")
    if deed == "reject":
        return Change(settle="rejected")
    return Change(decide=pending.finding, settle="approved")


def _reopened(case: CaseNow, session: Session) -> Change | Refusal:
    if not session.may(Act.CLOSE_CASE):
        return Refusal("role_missing", "to open cases anew you need the role analyst or checker")
    if case.is_final:
        return Refusal("is_final", "it goes on in another case, or its subject was erased: it stays closed")
    return Change(reopen=True)


def _rested(case: CaseNow, session: Session, asked: Asked, now: datetime) -> Change | Refusal:
    if case.assignee != session.person_id and not session.may(Act.ASSIGN_CASE):
        return Refusal("not_yours", "take the case first; else a checker lets it rest")
    if asked.deed == "wake":
        return Change(wake=case.snoozed_until is not None)
    if asked.until is None or not now < asked.until <= now + LONGEST_SNOOZE:
        return Refusal("no_such_time", f"a case rests until a time to come, within {LONGEST_SNOOZE.days} days")
    return Change(snooze_until=asked.until)
