"""Erasures that a restored database does not know: told again by the topic of erasures, by marks, without any name."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.audit.entry import Object
from proofwatch.audit.pending import act, enter
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ERASURE
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Erasure
from proofwatch.events.wire import JSON, Wire
from proofwatch.privacy.marks import transaction_mark
from services.privacy.adapters.acting import USER
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.core import acts
from services.privacy.core.erasure import Figures, Subject

if TYPE_CHECKING:
    import asyncpg

_KNOWN: Final = "select erasure_id, state from privacy.erasures where erasure_id = any($1::text[])"
_IDS: Final = "select * from ledger.ids_of($1, $2, $3)"
_DONE: Final = """
insert into privacy.erasures(erasure_id, tenant, mark, state, reason, requested_by, requested_at, approved_by,
                             approved_at, done_at)
values($1, $2, $3, 'done', 'told again after a restore', 'restored', $4, 'replay', $4, $5)
on conflict(erasure_id) do update set state = 'done', approved_by = excluded.approved_by,
  approved_at = excluded.approved_at, done_at = excluded.done_at, sealed = null, sealed_epoch = null"""
_MOVE: Final = """
insert into privacy.erasures_known as k (partition, topic_id, known) values($1, $2, $3)
on conflict(partition) do update set topic_id = excluded.topic_id, known = excluded.known"""
_AT_ONCE: Final = 10_000
_NOBODY: Final = ""


class UnreadableErasure(Exception):
    """A record of the topic of erasures cannot be read: nobody knows whom it is about."""


async def announced(bus: Bus, wire: Wire = JSON) -> dict[str, Erasure]:
    """Return every erasure that was ever announced, by id. Raises `UnreadableErasure`, `BusError`."""
    found: dict[str, Erasure] = {}
    decode = wire.decoder(ERASURE)
    for partition in range(await bus.partitions(topics.ERASURES)):
        async for record in bus.read(TopicPartition(topics.ERASURES, partition)):
            await wire.prepare([record.value])
            try:
                event = decode(record.value)
            except Rejected as error:
                raise UnreadableErasure(
                    f"{topics.ERASURES}/{partition} offset {record.offset} cannot be read ({error.message}); a newer "
                    "release may have written it"
                ) from None
            found[event.erasure_id] = event
    return found


async def remember(pool: "asyncpg.Pool", bus: Bus) -> None:
    """Remember up to where the database knows all that was announced, so that services need not read that again.

    Nothing where it does not. Raises `BusUnavailable`, `DatabaseAway`.
    """
    found = await ErasureLog(bus).announced(pool, USER)
    if found.unknown:
        return
    rows = [(partition, found.topic_id or "", end) for partition, end in sorted(found.ends.items())]
    async with transaction(pool, USER) as tx:
        await tx.executemany(_MOVE, rows)


class PostgresReplay:
    """What a database does not know, and the telling again; each in one transaction, with its entry."""

    def __init__(self, pool: "asyncpg.Pool", steps: PostgresSteps, secret: bytes) -> None:
        """`secret`: the deployment's for marks."""
        self._pool, self._steps, self._secret = pool, steps, secret

    async def unknown(self, told: dict[str, Erasure]) -> tuple[list[Erasure], Sequence[str]]:
        """Return what is to be told again, and the ids of those that were under way: they are gone on with."""
        async with session(self._pool, USER) as connection:
            states = {row[0]: row[1] for row in await connection.fetch(_KNOWN, sorted(told))}
        missing = [event for id_, event in sorted(told.items()) if states.get(id_) not in ("running", "done")]
        return missing, sorted(id_ for id_, state in states.items() if state == "running")

    async def tell(self, event: Erasure, now: datetime) -> Figures:
        """Erase by marks what the database has again; return what that was."""
        subject = Subject(event.tenant, _NOBODY, event.subject_mark)
        ids = await self._ids(event)
        async with transaction(self._pool, USER) as tx:
            ids |= await self._steps.transactions(tx, subject)
            await self._steps.suppress(tx, event.tenant, "subject", [event.subject_mark], event.erased_at)
            await self._steps.suppress(tx, event.tenant, "transaction", event.transaction_marks, event.erased_at)
            figures = await self._steps.unlink(tx, subject, ids, now)
            await tx.execute(_DONE, event.erasure_id, event.tenant, event.subject_mark, event.erased_at, now)
            what = Object("erasure", event.erasure_id)
            await enter(tx, act(acts.REPEATED, acts.PRIVACY, now, what, tenant=event.tenant, details=figures))
        return figures

    async def _ids(self, event: Erasure) -> frozenset[str]:
        """Return the ids of the tenant's rows that have one of the marks; ids are looked at page by page."""
        wanted, after, found = set(event.transaction_marks), "", set[str]()
        while wanted:
            async with session(self._pool, USER) as connection:
                page: list[Any] = await connection.fetch(_IDS, event.tenant, after, _AT_ONCE)
            for (each,) in map(tuple, page):
                if transaction_mark(self._secret, event.tenant, each) in wanted:
                    found.add(each)
            if len(page) < _AT_ONCE:
                break
            after = page[-1][0]
        return frozenset(found)
