"""An erasure from where it stands to its end. Every step may come again; a process that dies between two loses nothing.

What is outside of the database is done before its step is entered there, and is the same when it is done again. What is
inside is entered in the same transaction.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from proofwatch.audit.entry import Actor
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.instants import instant_of, ms_of
from proofwatch.privacy.marks import transaction_mark
from proofwatch.runtime.clock import Clock
from services.privacy.adapters.acting import USER
from services.privacy.adapters.requests import About, PostgresRequests, known
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.core.erasure import Erasure, Figures, Step, next_step
from services.privacy.ports import Cache, Topics

if TYPE_CHECKING:
    import asyncpg

Told = Callable[[Step, Figures], None]


class Erasing:
    """Carries erasures out."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        requests: PostgresRequests,
        steps: PostgresSteps,
        topics: Topics,
        cache: Cache,
        secret: bytes,
        forgotten_by: Callable[[datetime], date],
        clock: Clock,
    ) -> None:
        """`secret`: the deployment's for marks; `forgotten_by`: by which day every topic has forgotten."""
        self._pool, self._requests, self._steps = pool, requests, steps
        self._topics, self._cache = topics, cache
        self._secret, self._forgotten_by, self._clock = secret, forgotten_by, clock

    async def run(self, erasure_id: str, told: Told = lambda step, figures: None, by: Actor | None = None) -> Erasure:
        """Do what is left of an approved erasure; return it as it is then. Raises `ErasureRefused`, `BusError`,
        `EpochDestroyed`, `RedisError`; whoever calls again goes on.

        `by`: who goes on with what others began; it is entered with the first step that is done. None: a person.
        """
        while True:
            async with session(self._pool, USER) as connection:
                erasure = await self._requests.found(connection, erasure_id)
                step = next_step(erasure.done) if erasure.state == "running" else None
                about = await self._requests.about(connection, erasure) if step else None
            if step is None or about is None:
                return erasure
            figures = await self._one(step, erasure, about, by)
            if figures is not None:
                by = None
                told(step, figures)

    async def preview(self, about: About) -> Figures:
        """Return what an erasure would touch: all of it is done in a transaction, which is taken back."""
        ids = about.transactions | known(await self._topics.transactions(about.subject))
        async with transaction(self._pool, USER) as tx:
            begun = tx.transaction()  # a savepoint: what is done behind it is taken back
            await begun.start()
            ids |= await self._steps.transactions(tx, about.subject)
            found = await self._steps.unlink(tx, about.subject, ids, self._now())
            await begun.rollback()
        return {"transactions": len(ids), **found}

    async def _one(self, step: Step, erasure: Erasure, about: About, by: Actor | None) -> Figures | None:
        """Do one step; return what it did, None: somebody else has done it meanwhile."""
        ids = known(await self._topics.transactions(about.subject)) if step == "found" else frozenset[str]()
        outside = await self._outside(step, erasure, about)
        async with self._steps.step(erasure, step) as tx:
            if tx is None:
                return None
            figures = {
                **outside,
                **await self._inside(tx, step, erasure, About(about.subject, about.transactions | ids)),
            }
            await self._steps.done(tx, erasure, step, figures, self._now())
            if by:
                await self._steps.resumed(tx, erasure, step, by, self._now())
            if step == "settled":
                now = self._now()
                whole = await self._requests.found(tx, erasure.erasure_id)
                await self._steps.settle(tx, whole, self._forgotten_by(now), now)
        return figures

    async def _outside(self, step: Step, erasure: Erasure, about: About) -> Figures:
        subject = about.subject
        if step == "announced":
            await self._topics.announce(erasure.erasure_id, subject, self._marks(about), _approved(erasure))
        if step == "tombstoned":
            return {"tombstones": await self._topics.tombstone(subject, ms_of(self._now()))}
        if step == "uncached":
            return {"cache_keys": await self._cache.forget(subject)}
        return {}

    async def _inside(self, tx: Any, step: Step, erasure: Erasure, about: About) -> Figures:
        subject, tenant = about.subject, erasure.tenant
        if step == "suppressed":
            await self._steps.suppress(tx, tenant, "subject", [subject.mark], _approved(erasure))
        if step == "found":
            whole = About(subject, about.transactions | await self._steps.transactions(tx, subject))
            await self._steps.remember(tx, erasure, await self._requests.wrapped(erasure.erasure_id, whole))
            await self._steps.suppress(tx, tenant, "transaction", self._marks(whole), _approved(erasure))
            return {"transactions": len(whole.transactions)}
        if step == "unlinked":
            return await self._steps.unlink(tx, subject, about.transactions, self._now())
        return {}

    def _marks(self, about: About) -> list[str]:
        return [transaction_mark(self._secret, about.subject.tenant, each) for each in sorted(about.transactions)]

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


def _approved(erasure: Erasure) -> datetime:
    assert erasure.approved_at is not None, "nothing runs that nobody approved"
    return erasure.approved_at
