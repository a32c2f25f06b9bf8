"""What triage needs from outside."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, Self, TypeVar

from proofwatch.privacy.suppression import Erased, Whose
from services.triage.core.cases import Case, Transition, case_id_of
from services.triage.core.clusters import Grown
from services.triage.core.due import Overdue
from services.triage.core.signals import Signal
from services.triage.core.traits import Trait

TxIn = TypeVar("TxIn", contravariant=True)


class Wanted(NamedTuple):
    """Which cases a batch can concern: incidents by case id, subjects by (tenant, tag), suspicions by their id."""

    case_ids: frozenset[str]
    subjects: frozenset[tuple[str, str]]
    suspicions: frozenset[str]

    @classmethod
    def of(cls, signals: Iterable[Signal]) -> Self:
        """Return what these signals need."""
        case_ids, subjects, suspicions = set(), set(), set()
        for signal in signals:
            if signal.subject_tag is None:
                case_ids.add(case_id_of(signal))
            else:
                subjects.add((signal.tenant, signal.subject_tag))
                suspicions.add(signal.cause.source_id)
        return cls(frozenset(case_ids), frozenset(subjects), frozenset(suspicions))


class Unsent(NamedTuple):
    """An event that somebody's act is to send: a label of a disposition, an escalation, or an attack pattern.

    `body`: as JSON.
    """

    kind: Literal["label", "escalation", "pattern"]
    body: str


class Noted(NamedTuple):
    """What a suspicion says of its case: when it happened, and when it was logged."""

    case_id: str
    traits: tuple[Trait, ...]
    at: datetime
    logged_at: datetime


class Unsettled(NamedTuple):
    """Of which cases, and of which alarms (by the case of their cluster), something is new; `numbers`: of the news."""

    cases: Sequence[str]
    alarms: Sequence[str]
    numbers: Sequence[int]


class ClusterStore(Protocol[TxIn]):
    """Where it is kept what cases have in common. All calls work inside the transaction that they are given."""

    async def keep(self, noted: Sequence[Noted], alarms: Sequence[Signal], tx: TxIn) -> None:
        """Keep what suspicions say of their cases, and which suspicions belong to incidents (`Signal.scope`)."""
        ...

    async def unsettled(self, most: int, tx: TxIn) -> Unsettled:
        """Return the cases (at most so many news) and alarms of which something is new. One lane alone asks this."""
        ...

    async def grown(self, new: Unsettled, tx: TxIn) -> Sequence[Grown]:
        """Return the clusters that have enough cases by what is new, and no case yet; the oldest first."""
        ...

    async def settle(self, new: Unsettled, opened: Sequence[Grown], tx: TxIn) -> None:
        """Make cases parts of the clusters that they belong to: those that nobody works on, judged, or took out.

        `opened`: clusters that have a case now. What others have locked is new again, for the next look.
        """
        ...


class Dealer(Protocol[TxIn]):
    """Who gives new cases to those who are there, in turn, inside the transaction that it is given."""

    async def deal(self, now: datetime, tx: TxIn) -> None:
        """Give what waits to whose turn it is. One lane alone does this."""
        ...


class CaseStore(Protocol[TxIn]):
    """Where cases are kept. Both calls work inside the transaction that they are given."""

    async def load(self, wanted: Wanted, tx: TxIn) -> Sequence[Case]:
        """Lock and return the wanted cases: of a subject, those not closed and those that know the suspicion."""
        ...

    async def erased(self, subjects: Collection[Whose], tx: TxIn) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        ...

    async def save(self, cases: Sequence[Case], transitions: Sequence[Transition], tx: TxIn, *, keyed: bool) -> None:
        """Save the cases as they are now, and the transitions (with their causes) that brought them there.

        `keyed`: their subjects' tags are under data keys.
        """
        ...

    async def unsent(self, most: int, tx: TxIn) -> Sequence[Unsent]:
        """Take at most so many events that people's acts are to send, the oldest first; they are sent but once."""
        ...

    async def overdue(self, now: datetime, most: int, tx: TxIn) -> Sequence[Overdue]:
        """Take at most so many cases whose time is over, which nobody was told; they are told but once."""
        ...
