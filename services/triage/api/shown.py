"""Cases as bodies, for who asks."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.detection.case_words import attempt_words, numbers_words, part_words, reason_words, similar_words
from proofwatch.web.cursors import written
from services.triage.api.bodies import (
    Acted,
    Attempt,
    Attempts,
    Case,
    CaseReason,
    Deed,
    Ended,
    Finding,
    ListedCase,
    Moved,
    Note,
    Part,
    Proposed,
    Similar,
    Worked,
)
from services.triage.core.assignments import NOTHING, CaseNow, Change, Refusal, decided
from services.triage.core.assignments import ListedCase as Listed
from services.triage.core.dispositions import Finding as Found
from services.triage.core.judgements import Asked, judged
from services.triage.core.parts import may_be_taken_out, may_become_part, merged
from services.triage.core.signals import CaseReason as Reason
from services.triage.core.tasks import TABLE
from services.triage.core.timeline import AttemptPlace, Timeline
from services.triage.core.whole import WholeCase

_OF_WORK: Final[tuple[Deed, ...]] = ("take", "release", "refer", "close")
_OF_JUDGEMENT: Final[tuple[Deed, ...]] = (
    "clear", "threat", "approve", "reject", "review", "know", "novel", "high_risk", "snooze", "wake", "reopen",
)  # fmt: skip
_A_WHILE: Final = timedelta(hours=1)


def shown_listed(case: Listed, to: Session) -> ListedCase:
    """Return a case as lists have it."""
    return ListedCase(**_listed(case, to))


def shown_whole(case: WholeCase, to: Session) -> Case:
    """Return a case whole."""
    return Case(
        **_listed(case.listed, to),
        why=[shown_reason(each) for each in case.reasons],
        merged_into=case.merged_into,
        ended=Ended(**case.ended._asdict()) if case.ended else None,
        said=[
            Finding(**{name: value for name, value in each._asdict().items() if name in Finding.model_fields})
            for each in case.said
        ],
        moves=[Moved(**each._asdict()) for each in case.moves],
        work=[Worked(**each._asdict()) for each in case.work],
        acts=[Acted(**each._asdict()) for each in case.acts],
        notes=[Note(**each._asdict()) for each in case.notes],
        left_out=case.left_out,
        members=[Part(**each._asdict(), words=part_words(each.why, each.left_why)) for each in case.parts],
        similar=[Similar(**each._asdict(), words=similar_words(each.by)) for each in case.similar],
        timeline=shown_timeline(case.timeline),
    )


def shown_timeline(timeline: Timeline) -> Attempts:
    """Return attempts beside a case."""
    given = {name: getattr(timeline, name) for name in ("total", "of_people", "accepted", "people")}
    attempts = [Attempt(**each._asdict(), words=attempt_words(each.by)) for each in timeline.attempts]
    return Attempts(attempts=attempts, next=written(_place(timeline.last)) if timeline.more else None, **given)


def _place(place: AttemptPlace) -> tuple[str, str, str]:
    return place.at.isoformat(), place.transaction_id, place.attempt_id


_OF_REASON: Final = tuple(each.name for each in fields(Reason) if each.name in CaseReason.model_fields)


def shown_reason(reason: Reason) -> CaseReason:
    """Return why somebody is to look, with its numbers in words."""
    given = {name: getattr(reason, name) for name in _OF_REASON}
    return CaseReason(words=reason_words(reason.code), numbers=numbers_words(reason.evidence), **given)


def why_not(case: WholeCase, into: WholeCase, to: Session) -> str | None:
    """Return why somebody cannot make a case a part of another; None: they can."""
    found = merged(case.listed.now, into.listed.now, to)
    return found.sentence if isinstance(found, Refusal) else None if found.is_anything else "it is a part of it already"


def _listed(case: Listed, to: Session) -> dict[str, Any]:
    given = {name: value for name, value in case.now._asdict().items() if name not in ("about", "pending")}
    return {
        **given,
        "version": case.seen,
        "kind": case.kind,
        "task": case.task,
        "owner": TABLE[case.task].owner,
        "assignee_name": case.assignee_name,
        "opened_at": case.opened_at,
        "changed_at": case.changed_at,
        "assigned_at": case.assigned_at,
        "fires_since": case.now.firing.since,
        "reasons": list(case.reasons),
        "proposal": _proposal(case),
        "about": msgspec.to_builtins(case.about) if case.about else None,
        "deeds": [*_deeds(case, to)],
    }


def _deeds(case: Listed, of: Session) -> list[Deed]:
    """Return what would change something if this person did it now; to whom it is given, is asked when it is."""
    found = {each: decided(case.now, of, each) for each in _OF_WORK}
    found |= {each: _judged(case.now, of, each, case.changed_at) for each in _OF_JUDGEMENT}
    deeds: list[Deed] = [each for each, what in found.items() if isinstance(what, Change) and what != NOTHING]
    if case.now.state != "closed" and of.person_id not in case.now.about and of.may(Act.ASSIGN_CASE):
        deeds.append("assign")
    if may_become_part(case.now, of):
        deeds.append("merge")
    if may_be_taken_out(case.now, of):
        deeds.append("unmerge")
    return deeds


def _proposal(case: Listed) -> Proposed | None:
    found = case.now.pending
    if found is None:
        return None
    finding = dict.fromkeys(Found._fields) if case.now.restricted else found.finding._asdict()
    return Proposed(
        **finding,
        proposed_by=found.proposed_by,
        proposed_by_name=case.proposed_by_name,
        proposed_at=found.proposed_at,
        void=found.on_revision != case.now.revision,
    )


def _judged(case: CaseNow, of: Session, deed: Deed, at: datetime) -> Change | Refusal:
    finding = {"clear": Found.of("cleared", ""), "threat": Found.of("threat", "")}.get(deed)
    return judged(case, of, Asked(deed, finding, until=at + _A_WHILE), at)
