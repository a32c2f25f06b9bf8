"""Cases that go on as one: one becomes a part of another, and is taken out again: `(case, whole) → change | refusal`.

A part keeps what it is (reasons, state, stage, history, due time) and goes on as evidence comes; it is only listed,
worked on and judged with the whole. So taking it out restores it exactly: nothing was moved. Parts have no parts.
"""

from datetime import datetime
from typing import Final, NamedTuple, Self

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from services.triage.core.assignments import NOTHING, CaseNow, Change, Refusal, about_yourself, is_restricted
from services.triage.core.life import UNDECIDED, is_listed

OVER: Final = frozenset({"incident_ended", "incident_quiet", "incident_merged", "access_ended"})
"""Triggers after which an incident, or access, fires no more; a subject's case never does."""


class Part(NamedTuple):
    """A case that is a part of another, or was: why, since when and by whom (a person, or `triage`).

    `restricted`: the processing of its person's data is (GDPR Art. 18). Then, or if the whole's is, it is `withheld`.
    """

    case_id: str
    kind: str
    state: str
    severity: str
    reasons: int | None
    joined_at: datetime
    joined_by: str
    why: str | None
    left_at: datetime | None
    left_by: str | None
    left_why: str | None
    restricted: bool = False

    def withheld(self) -> Self:
        """Return it without why it is, or was, a part, and without how many reasons it has."""
        return self._replace(reasons=None, why=None, left_why=None)


def merged(case: CaseNow, whole: CaseNow | None, session: Session) -> Change | Refusal:
    """Return what becomes of a case that somebody merges into another; None: that one is not there for them."""
    if whole is None or whole.tenant != case.tenant or whole.case_id == case.case_id:
        return Refusal("no_such_whole", "into what must be another case of the same tenant that is there for you")
    if case.part_of == whole.case_id:
        return NOTHING
    for each in (case, whole):
        if refusal := _hindered(each, session):
            return refusal
    if case.parts:
        return Refusal("has_parts", "it has parts itself: merge the other one into this, or take its parts out first")
    if case.queue != whole.queue:
        return Refusal("another_queue", "one of the two is the Research Group's: refer the other one, too, first")
    if _is_due_before(case, whole):
        return Refusal("due_before", "it is due before the other one: merge the other one into it")
    return Change(merge_into=whole.case_id)


def taken_out(case: CaseNow, whole: CaseNow | None, session: Session) -> Change | Refusal:
    """Return what becomes of a part that somebody takes out of its whole; whole None: the case is no part."""
    if case.part_of is None or whole is None:
        return Refusal("no_part", "it is not a part of another case")
    if refusal := about_yourself(case, session) or about_yourself(whole, session) or _may(whole, session):
        return refusal
    if whole.state == "closed":
        return Refusal("case_closed", "the whole is closed: reopen it first")
    if whole.judged_at is not None and whole.judged_at >= (case.joined_at or whole.judged_at):
        return Refusal("is_judged", "what was decided of the whole was decided of its parts, too: they stay")
    if _is_pending(whole):
        return Refusal("being_approved", "a checker approves what was proposed of the whole, or sends it back, first")
    return Change(unmerge=True)


def may_become_part(case: CaseNow, session: Session) -> bool:
    """Return whether somebody may merge a case into another, as far as that depends on the case itself."""
    return not case.parts and _hindered(case, session) is None


def may_be_taken_out(case: CaseNow, session: Session) -> bool:
    """Return whether somebody may take a case out of its whole, as far as that depends on the case itself."""
    return case.part_of is not None and session.may(Act.CLOSE_CASE) and about_yourself(case, session) is None


def _hindered(case: CaseNow, session: Session) -> Refusal | None:
    if case.part_of:
        return Refusal("part_of_another", f"{case.case_id} is a part of {case.part_of} already: take it out first")
    if case.state == "closed":
        return Refusal("case_closed", f"{case.case_id} is closed: reopen it with a reason first")
    if refusal := about_yourself(case, session) or is_restricted(case, "merge") or _may(case, session):
        return refusal
    if case.stage not in UNDECIDED or not is_listed(case.stage, "merge"):
        said = f"{case.case_id} was judged already: only what nobody has judged becomes one"
        return Refusal("not_at_this_stage", said)
    if _is_pending(case):
        said = f"a checker approves what was proposed of {case.case_id}, or sends it back, first"
        return Refusal("being_approved", said)
    return None


def _may(case: CaseNow, session: Session) -> Refusal | None:
    if not session.may(Act.CLOSE_CASE):
        return Refusal("role_missing", "to merge cases, or take them apart, you need the role analyst or checker")
    if case.assignee not in (None, session.person_id) and not session.may(Act.ASSIGN_CASE):
        return Refusal("not_yours", f"somebody else works on {case.case_id}: they do it, or a checker does")
    return None


def _is_pending(case: CaseNow) -> bool:
    return case.pending is not None and case.pending.on_revision == case.revision


def _is_due_before(case: CaseNow, whole: CaseNow) -> bool:
    return case.due_at is not None and (whole.due_at is None or case.due_at < whole.due_at)
