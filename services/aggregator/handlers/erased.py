"""What comes to the ledger of people who were erased: it counts as ever, and its row is nobody's.

A verdict is joined and counted first, and unlinked in the same transaction, so that every figure is as it would be. A
label that comes after its transaction was unlinked finds nothing to join, and would bring the transaction's id back: it
is counted by its class as one of somebody who was erased, so that whoever reads error rates knows how many are missing.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from proofwatch.bus.records import Record
from proofwatch.instants import instant_of, instant_of_us, us_of
from services.aggregator.core.entries import Entry, Key
from services.aggregator.ports.ledger import ErasedStore

Arrivals = dict[Key, list[tuple[Entry, int]]]
_AHEAD: Final = timedelta(days=1)
"""Clocks of upstream systems may be so far ahead of ours: what was known to be theirs is theirs by its id."""


class Erased(Protocol):
    """What becomes of a batch's labels, before they are joined, and of its verdicts, when they are."""

    async def labels(self, arrivals: Arrivals, tx: Any) -> Arrivals:
        """Return the labels that may be joined. Raises `Blocked`."""
        ...

    async def verdicts(self, arrivals: Arrivals, subjects: Mapping[Key, str], tx: Any) -> None:
        """Unlink the rows that the verdicts of erased people have made. Raises `Blocked`."""
        ...


class NobodyErased:
    """Where nobody can have been: a run that ends with its database."""

    async def labels(self, arrivals: Arrivals, tx: Any) -> Arrivals:
        """Return all."""
        return arrivals

    async def verdicts(self, arrivals: Arrivals, subjects: Mapping[Key, str], tx: Any) -> None:
        """Unlink nothing."""


class ErasedPeople:
    """What becomes of a batch where people may have been erased."""

    def __init__(self, store: ErasedStore) -> None:
        self._store = store

    async def labels(self, arrivals: Arrivals, tx: Any) -> Arrivals:
        """Return the labels that may be joined; the others are counted. Raises `Blocked`."""
        latest = await self._latest(arrivals, tx)
        asked = [key for key in arrivals if key[0] in latest]
        if not asked:
            return arrivals
        gone = await self._store.transactions(tx, asked)
        if counts := _counted({key: arrivals[key] for key in gone}):
            await self._store.count_labels(tx, counts)
        return {key: arrived for key, arrived in arrivals.items() if key not in gone}

    async def verdicts(self, arrivals: Arrivals, subjects: Mapping[Key, str], tx: Any) -> None:
        """Unlink the rows that the verdicts of erased people have made; they are joined. Raises `Blocked`."""
        latest = await self._latest(arrivals, tx)
        asked: dict[Key, tuple[str, datetime]] = {}
        for key, arrived in arrivals.items():
            until, trial = latest.get(key[0]), arrived[0][0].trial
            if until is not None and trial is not None and trial.occurred_us <= us_of(until + _AHEAD):
                asked[key] = subjects[key], instant_of_us(trial.occurred_us)
        if not asked:
            return
        gone = await self._store.transactions(tx, list(asked))
        rest = {key: each for key, each in asked.items() if key not in gone}
        if gone := gone | await self._store.late(tx, rest):
            await self._store.unlink(tx, gone)

    async def _latest(self, arrivals: Arrivals, tx: Any) -> Mapping[str, datetime]:
        return await self._store.latest(tx, {tenant for tenant, _ in arrivals})


def _counted(labels: Arrivals) -> Counter[tuple[date, str, str, str]]:
    """Return how many assertions labels have, by day (UTC) of their log time, tenant, aspect and class."""
    return Counter(
        (instant_of(seen_ms).date(), tenant, aspect, said.trial_class)
        for (tenant, _), arrived in labels.items()
        for entry, seen_ms in arrived
        for aspect, said in (("pair", entry.pair), ("presentation", entry.presentation))
        if said
    )


def subject_of(record: Record, tenant: str) -> str:
    """Return whose verdict a record is, by its key."""
    return (record.key or b"").decode("utf-8", "replace").removeprefix(f"{tenant}/")
