"""The steps of an erasure that are in PostgreSQL; each with what it did, in one transaction."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from proofwatch.audit.entry import Actor, Object
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.holders import Tell, logged, unhindered
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.privacy.data_keys import tag_of
from proofwatch.privacy.key_encryption import EpochDestroyed, Wrapped
from proofwatch.privacy.postgres_keys import PostgresKeys
from services.privacy.adapters.acting import USER
from services.privacy.core import acts
from services.privacy.core.erasure import Erasure, Figures, Step, Subject

if TYPE_CHECKING:
    import asyncpg

_LOCK: Final = "select state from privacy.erasures where erasure_id = $1 for update"
_DONE: Final = "select 1 from privacy.steps where erasure_id = $1 and step = $2"
_MARK: Final = """
insert into privacy.steps(erasure_id, step, figures, done_at) values($1, $2, $3::jsonb, $4) on conflict do nothing"""
_SUPPRESS: Final = """
insert into privacy.suppressed(tenant, mark, kind, erased_at)
select $1, m, $2, $3 from unnest($4::text[]) as u(m)
on conflict(tenant, mark) do update set erased_at = greatest(suppressed.erased_at, excluded.erased_at)"""
_SEAL: Final = "update privacy.erasures set sealed_epoch = $2, sealed = $3 where erasure_id = $1"
_OF_CASES: Final = "select * from triage.transactions_of($1, $2)"
_OF_IMAGERY: Final = "select * from imagery.transactions_of($1, $2)"
_HITS: Final = "select triage.forget_hits($1, $2)"
_ATTEMPTS: Final = "select triage.forget_attempts($1, $2)"
_CASES: Final = "select forgotten, reasons from triage.forget($1, $2, $3)"
_IMAGERY: Final = "select flags, leases from imagery.forget($1, $2, $3, $4)"
_CONSENTS: Final = "select consents.forget($1, $2)"
_LEDGER: Final = "select ledger.forget($1, $2)"
_SENT: Final = "select notifier.sent_about($1)"
_EXPORTS: Final = (
    "select count(*) from audit.entries where action = 'training.exported' and outcome = 'done' and tenant = $1"
)
_UNENDED: Final = """
select greatest(0, count(*) filter (where action = 'data.asked' and outcome = 'granted'
                                      and position('"export training"'::bytea in leaf) > 0)
                 - count(*) filter (where action = 'training.exported'))
from audit.entries where action in ('data.asked', 'training.exported') and tenant = $1"""
"""Let through at the door, and nothing says how it ended: whoever died in between may have left a set."""
_EPOCH: Final = "select epoch from privacy.keys where tenant = $1 and mark = $2"
_DESTROY: Final = "delete from privacy.keys where tenant = $1 and mark = $2"
_INTERRUPTED: Final = """
select e.erasure_id from privacy.erasures e
where e.state = 'running' and e.approved_at < $1
  and not exists (select from privacy.steps s where s.erasure_id = e.erasure_id and s.done_at >= $1)
order by e.approved_at, e.erasure_id"""
_END: Final = """
update privacy.erasures set state = 'done', done_at = $2, forgotten_by = $3, sealed = null, sealed_epoch = null
where erasure_id = $1"""


class PostgresSteps:
    """What an erasure does in the database. Every call may come again."""

    def __init__(self, pool: "asyncpg.Pool", keys: PostgresKeys | None = None, tell: Tell = logged) -> None:
        """`keys` None: it is only asked where erasures stand. `tell`: is told who keeps a step waiting."""
        self._pool, self._keys, self._tell = pool, keys, tell

    @asynccontextmanager
    async def step(self, erasure: Erasure, step: Step) -> AsyncIterator[Any]:
        """Give a transaction in which nobody else works on this erasure; None: the step is done already."""
        what = f"step {step!r} of erasure {erasure.erasure_id}"
        async with transaction(self._pool, USER) as tx, unhindered(self._pool, tx, USER, what, self._tell):
            state = await tx.fetchval(_LOCK, erasure.erasure_id)
            done = state != "running" or await tx.fetchval(_DONE, erasure.erasure_id, step)
            yield None if done else tx

    async def done(self, tx: Any, erasure: Erasure, step: Step, figures: Figures, now: datetime) -> None:
        """Enter that a step is done."""
        await tx.execute(_MARK, erasure.erasure_id, step, msgspec.json.encode(figures).decode(), now)

    async def resumed(self, tx: Any, erasure: Erasure, step: Step, by: Actor, now: datetime) -> None:
        """Enter that somebody goes on with what others began, from which step on."""
        what = Object("erasure", erasure.erasure_id)
        await enter(tx, act(acts.RESUMED, by, now, what, tenant=erasure.tenant, details={"from": step}))

    async def interrupted(self, before: datetime) -> Sequence[str]:
        """Return the approved erasures that have not ended and of which no step was done since, the oldest first."""
        async with session(self._pool, USER) as connection:
            return [row[0] for row in await connection.fetch(_INTERRUPTED, before)]

    async def suppress(self, tx: Any, tenant: str, kind: str, marks: Collection[str], at: datetime) -> None:
        """Let nothing that happened by `at` bring these back; whoever asks from now on is told."""
        await tx.execute("select pg_advisory_xact_lock(49, 0)")
        await tx.execute(_SUPPRESS, tenant, kind, at, sorted(marks))

    async def tags(self, tx: Any, subject: Subject) -> list[str]:
        """Return every tag that tables may know the person by: of their key, and of earlier releases."""
        assert self._keys is not None, "whoever erases has keys"
        whose = (subject.tenant, subject.mark)
        try:
            found = await self._keys.held(tx, {whose})
        except EpochDestroyed:
            return [subject.mark]  # a key that nobody can read has no tag that anybody could find
        return [subject.mark, *map(tag_of, found.values())]

    async def transactions(self, tx: Any, subject: Subject) -> frozenset[str]:
        """Return the transactions that cases, attempts and the broker of imagery name as this person's."""
        tags = await self.tags(tx, subject)
        rows = [*await tx.fetch(_OF_CASES, subject.tenant, tags), *await tx.fetch(_OF_IMAGERY, subject.tenant, tags)]
        return frozenset(row[0] for row in rows)

    async def remember(self, tx: Any, erasure: Erasure, wrapped: Wrapped) -> None:
        """Keep what is known by now, wrapped, until the end."""
        await tx.execute(_SEAL, erasure.erasure_id, *wrapped)

    async def unlink(self, tx: Any, subject: Subject, ids: Collection[str], now: datetime) -> Figures:
        """Take the person from every table, and destroy their key; return how many rows of which were concerned.

        Who comes again has another key from then on.
        """
        tags, given = await self.tags(tx, subject), sorted(ids)
        cases, reasons = await tx.fetchrow(_CASES, subject.tenant, tags, now)
        flags, leases = await tx.fetchrow(_IMAGERY, subject.tenant, tags, given, now)
        return {
            "cases": len(cases),
            "case_reasons": reasons,
            "attempts": await tx.fetchval(_ATTEMPTS, subject.tenant, tags),
            "pattern_hits": await tx.fetchval(_HITS, subject.tenant, given),
            "imagery_references": flags,
            "imagery_leases": leases,
            "consents": await tx.fetchval(_CONSENTS, subject.tenant, tags),
            "ledger_rows": await tx.fetchval(_LEDGER, subject.tenant, given),
            "messages_sent": await tx.fetchval(_SENT, cases),
            "training_exports_of_tenant": await tx.fetchval(_EXPORTS, subject.tenant),
            "training_exports_unended": await tx.fetchval(_UNENDED, subject.tenant),
            **await self._destroyed(tx, subject.tenant, subject.mark),
        }

    async def _destroyed(self, tx: Any, tenant: str, mark: str) -> Figures:
        epoch = await tx.fetchval(_EPOCH, tenant, mark)
        count = _count(await tx.execute(_DESTROY, tenant, mark))
        return {"keys_destroyed": count} | ({} if epoch is None else {"backups_readable_while_epoch": epoch})

    async def settle(self, tx: Any, erasure: Erasure, forgotten: date, now: datetime) -> None:
        """Destroy what was known of the person for this, and enter the receipt."""
        assert erasure.approved_by is not None, "nothing runs that nobody approved"
        figures: dict[str, int] = {name: n for done in erasure.done.values() for name, n in done.items()}
        if "keys_destroyed" not in figures:  # unlinked by an earlier release, which did it here
            figures |= await self._destroyed(tx, erasure.tenant, erasure.mark)
        await tx.execute(_END, erasure.erasure_id, now, forgotten)
        ids = erasure.erasure_id, erasure.tenant, erasure.requested_by, erasure.approved_by
        await enter(tx, acts.receipt(*ids, now, forgotten, cannot_be_recalled(figures)))


def cannot_be_recalled(figures: Mapping[str, int]) -> dict[str, int]:
    """Return the figures of a receipt; what has left the house says so by its name."""
    left = {
        "messages_sent": "left_house.messages",
        "training_exports_of_tenant": "left_house.training_exports",
        "training_exports_unended": "left_house.training_exports_unended",
    }
    return {left.get(name, name): count for name, count in figures.items()}


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
