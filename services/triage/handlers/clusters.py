"""Which cases belong together: every lane keeps what is said of it, and one lane makes clusters of that."""

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from proofwatch.events.types import Escalation
from services.triage.core.clusters import opening
from services.triage.core.signals import Signal
from services.triage.core.unit_of_work import UnitOfWork
from services.triage.ports import CaseStore, ClusterStore, Noted

Tx = TypeVar("Tx")

_MOST: Final = 5_000


class Told(NamedTuple):
    """An escalation, and the log time of what it follows from (ms since 1970)."""

    escalation: Escalation
    timestamp_ms: int


class Clusters(Generic[Tx]):
    """Keeps what cases have in common, and opens clusters."""

    def __init__(self, store: ClusterStore[Tx], cases: CaseStore[Tx], escalate_at_reasons: int) -> None:
        self._store, self._cases, self._escalate_at_reasons = store, cases, escalate_at_reasons

    async def keep(self, noted: Sequence[Noted], signals: Sequence[Signal], tx: Tx) -> None:
        """Keep what a batch says: of its suspicions, and of incidents that are of a slice of handsets."""
        alarms = [each for each in signals if each.scope is not None]
        if noted or alarms:
            await self._store.keep(noted, alarms, tx)

    async def join(self, tx: Tx) -> Sequence[Told]:
        """Open the clusters that have enough cases, and let cases be parts of them; return what is told of it."""
        new = await self._store.unsettled(_MOST, tx)
        if not new.cases and not new.alarms:
            return []
        grown = await self._store.grown(new, tx)
        work = UnitOfWork((), self._escalate_at_reasons)
        outcomes = [(each.at, work.apply(opening(each), each.at)) for each in grown]
        await self._cases.save(work.changed, work.transitions, tx, keyed=False)
        await self._store.settle(new, grown, tx)
        return [
            Told(outcome.escalation, round(at.timestamp() * 1000)) for at, outcome in outcomes if outcome.escalation
        ]
