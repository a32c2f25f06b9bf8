"""Cases as bodies, for who asks."""

from dataclasses import asdict
from typing import Any, Final

import msgspec

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.detection.case_words import numbers_words, reason_words
from services.triage.api.bodies import Case, CaseReason, Ended, ListedCase, Moved, Worked
from services.triage.core.assignments import NOTHING, Change, Deed, decided
from services.triage.core.assignments import ListedCase as Listed
from services.triage.core.whole import WholeCase

_ALONE: Final[tuple[Deed, ...]] = ("take", "release", "refer", "close")


def shown_listed(case: Listed, to: Session) -> ListedCase:
    """Return a case as lists have it."""
    return ListedCase(**_listed(case, to))


def shown_whole(case: WholeCase, to: Session) -> Case:
    """Return a case whole."""
    return Case(
        **_listed(case.listed, to),
        why=[
            CaseReason(
                words=reason_words(each.code),
                numbers=numbers_words(each.evidence),
                **{name: value for name, value in asdict(each).items() if name in CaseReason.model_fields},
            )
            for each in case.reasons
        ],
        merged_into=case.merged_into,
        ended=Ended(**case.ended._asdict()) if case.ended else None,
        moves=[Moved(**each._asdict()) for each in case.moves],
        work=[Worked(**each._asdict()) for each in case.work],
    )


def _listed(case: Listed, to: Session) -> dict[str, Any]:
    given = {name: value for name, value in case.now._asdict().items() if name != "about"}
    return {
        **given,
        "version": case.seen,
        "kind": case.kind,
        "assignee_name": case.assignee_name,
        "opened_at": case.opened_at,
        "changed_at": case.changed_at,
        "assigned_at": case.assigned_at,
        "reasons": list(case.reasons),
        "about": msgspec.to_builtins(case.about) if case.about else None,
        "deeds": [*_deeds(case, to)],
    }


def _deeds(case: Listed, of: Session) -> list[Deed]:
    """Return what would change something if this person did it now; to whom it is given, is asked when it is."""
    found = {each: decided(case.now, of, each) for each in _ALONE}
    deeds: list[Deed] = [each for each, what in found.items() if isinstance(what, Change) and what != NOTHING]
    if case.now.state != "closed" and of.person_id not in case.now.about and of.may(Act.ASSIGN_CASE):
        deeds.append("assign")
    return deeds
