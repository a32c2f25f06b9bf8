"""A case whole: what it is, every reason with its numbers, and how it came to be so; and the next case for somebody."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from proofwatch.access.roles import Act
from services.triage.core.assignments import RESEARCH, ListedCase, Who
from services.triage.core.cases import QUEUE, Queue
from services.triage.core.dispositions import Attack, Verdict
from services.triage.core.life import Deed, Stage
from services.triage.core.notes import Note
from services.triage.core.parts import Part
from services.triage.core.signals import CaseReason, CohortRate
from services.triage.core.similar import Similar
from services.triage.core.timeline import NONE, Timeline

NextWhy = Literal["grave", "overdue", "oldest"]


class Moved(NamedTuple):
    """A change of a case."""

    revision: int
    from_state: str
    to_state: str
    trigger: str
    why: str
    at: datetime


class Worked(NamedTuple):
    """Somebody's time with a case; `released_at` None: they work on it now. By: ids of people, or `triage`.

    `why`: `take`, `assign`, `turn`, or of the next case why it was that one; None: it was before that was kept.
    """

    person_id: str
    name: str | None
    assigned_at: datetime
    assigned_by: str
    released_at: datetime | None
    released_by: str | None
    assigned_by_name: str | None = None
    why: str | None = None


class Acted(NamedTuple):
    """A deed that moved a case, or let it rest."""

    at: datetime
    deed: Deed
    from_stage: Stage
    to_stage: Stage
    person_id: str
    reason: str | None


class Said(NamedTuple):
    """What somebody found a case to be, and what became of that: `state` as in `triage.dispositions`."""

    disposition_id: str
    verdict: Verdict | None
    attack: Attack | None
    species: str | None
    reason: str | None
    proposed_by: str
    proposed_at: datetime
    on_revision: int
    state: str
    settled_by: str | None
    settled_at: datetime | None


class Ended(NamedTuple):
    """That a person closed a case; `by`: their id."""

    at: datetime
    by: str | None
    reason: str | None


class WholeCase(NamedTuple):
    """A case whole. All that is several: the oldest first; `merged_into`: the case that goes on for it.

    While it is restricted nothing of what it was found to be or why is in it (`withheld`): that is None.
    """

    listed: ListedCase
    rate: CohortRate | None
    merged_into: str | None
    ended: Ended | None
    reasons: tuple[CaseReason, ...]
    moves: tuple[Moved, ...] = ()
    work: tuple[Worked, ...] = ()
    acts: tuple[Acted, ...] = ()
    said: tuple[Said, ...] = ()
    parts: tuple[Part, ...] = ()
    """Those that go on with it, and those that did; the newest first, and of very many the newest alone."""
    notes: tuple[Note, ...] = ()
    """Those of its parts, too; where somebody looks at it."""
    left_out: int = 0
    """So many of its parts are restricted: their reasons are not shown, and what it is found to be is not of them."""
    similar: tuple[Similar, ...] = ()
    """What is shown beside it, where somebody looks at it."""
    timeline: Timeline = NONE
    """The newest attempts of its people and their handsets, where somebody looks at it."""

    @property
    def seen(self) -> str:
        """Return what is another with everything that people would see of it."""
        return self.listed.seen


def withheld(case: WholeCase) -> WholeCase:
    """Return a case whose processing is restricted (GDPR Art. 18): what was done by whom and when, and not what of it.

    Findings and what people wrote are None; reasons and notes are none; why its parts belong to it is not there.
    """
    return case._replace(
        ended=case.ended._replace(reason=None) if case.ended else None,
        reasons=(),
        acts=tuple(each._replace(reason=None) for each in case.acts),
        said=tuple(each._replace(verdict=None, attack=None, species=None, reason=None) for each in case.said),
        notes=(),
        parts=tuple(each.withheld() for each in case.parts),
    )


class NextCase(NamedTuple):
    """The case that somebody was given, and why this one; `waiting`: how many waited for them, this one too."""

    case: WholeCase
    why: NextWhy
    waiting: int

    @property
    def sentence(self) -> str:
        """Return why, in words."""
        of = "the only one that waits for you" if self.waiting == 1 else f"the oldest of {self.waiting} that wait"
        if self.why == "grave":
            return f"high severity comes first, and nobody works on it; {self.waiting} wait for you"
        if self.why == "overdue":
            return f"nothing graver waits, and its time is over; {self.waiting} wait for you"
        return f"nothing graver waits, and it is {of}"


def queues_of(who: Who) -> Collection[Queue]:
    """Return the queues that somebody may take cases from."""
    soc: tuple[Queue, ...] = (QUEUE,) if who.may(Act.TAKE_CASE) else ()
    return (*soc, RESEARCH) if who.may(Act.TAKE_HIGH_RISK_CASE) else soc
