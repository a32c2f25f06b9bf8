"""Looks back for people, one thing at a time, beside the lanes: read in portions, and bounded.

Whoever takes over what another left begins to read anew, which changes nothing. Which suspicions a hunt opens is
settled once, before the first of them is published, and each has the id that the scorer would have given it: so it
opens what it was to open, and nothing twice, whatever dies.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.errors import BusError
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.events.types import Suspicion, Transaction
from proofwatch.events.wire import Wire
from proofwatch.instants import instant_of
from proofwatch.privacy.restriction import restricted_subjects
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from services.triage.adapters import lookback_rows as rows
from services.triage.adapters import pattern_rows
from services.triage.adapters.past import Read, open_for_review, policies_of, portions, verdicts_of
from services.triage.adapters.pattern_desk import HUNTED
from services.triage.adapters.pattern_hits import found_among, known_among
from services.triage.core.lookbacks import Found, Lookback, Sharing, attempts_of, days_found, people_of
from services.triage.core.looking_back import Kept, LookBack, attempt_of, opened, suspicions, under

if TYPE_CHECKING:
    import asyncpg

USER: Final = "lookbacks"
MOST_READ: Final = 5_000_000
_AT_ONCE: Final = 100
_POLL_S: Final = 1.0
_WITHDRAWN: Final = "the pattern was withdrawn before anything was opened"
_log = structlog.get_logger(__name__)
Take = Callable[[Transaction, int], None]


class LookbackRunner:
    """A part of triage (`runtime.service.Part`) that does what was asked; where nothing was, it looks every second."""

    def __init__(self, bus: Bus, pool: "asyncpg.Pool", secret: bytes, clock: Clock, wire: Wire) -> None:
        """`secret`: by which subjects whose processing is restricted are known."""
        self._bus, self._pool, self._secret, self._clock, self._wire = bus, pool, secret, clock, wire
        self._name = secrets.token_hex(8)
        self._stopped = asyncio.Event()
        self._away = Condition(_log, "lookback_waits")

    async def start(self) -> None:
        """Nothing is needed."""

    async def step(self, *, idle: bool = False) -> int:
        """Do one thing that was asked, when there is nothing else to do."""
        if not idle:
            return 0
        async with transaction(self._pool, USER) as tx:
            job = await rows.claim(tx, self._name)
        if job is None:
            return 0
        try:
            await (self._share(job) if job.kind == "traits" else self._match(job))
        except rows.Lost:
            _log.info("lookback_lost", lookback=job.lookback_id)
        return 1

    async def run(self) -> None:
        """Do what is asked until `stop`; where Kafka or the database is away, later."""
        async with transaction(self._pool, USER) as tx:
            await rows.forget(tx)
        while not self._stopped.is_set():
            try:
                done = await self.step(idle=True)
                self._away.clears()
            except BusError as error:
                self._away.holds(type(error).__name__)
                done = 0
            if not done:
                await asyncio.wait([asyncio.ensure_future(self._stopped.wait())], timeout=_POLL_S)

    async def stop(self) -> None:
        """Begin nothing more; what was begun another goes on with."""
        self._stopped.set()

    def unready(self) -> Sequence[str]:
        """Return nothing: no lane waits for it."""
        return ()

    async def _share(self, job: Lookback) -> None:
        async with session(self._pool, USER) as connection:
            tenant, members = await rows.members(connection, job.case_id or "")
            restricted = await restricted_subjects(connection, tenant, lambda: self._secret)
        sharing = Sharing(tenant, members)

        def take(event: Transaction, partition: int) -> None:
            if event.tenant == tenant and not restricted.has(event.subject_ref):
                sharing.take(event, partition)

        job, read = await self._read(job, take, lambda: (sharing.read, sharing.of_members))
        found = Found(shared=sharing.shared(), is_all=read.is_all, refused=read.refused)
        await self._end(job, "done", found)

    async def _match(self, job: Lookback) -> None:
        back = LookBack(job.pattern, job.sees)
        job, read = await self._read(job, back.take, lambda: (back.read, len(back.kept) + back.beyond))
        async with session(self._pool, USER) as connection:
            whose = {event.tenant for event, _ in back.kept}
            restricted = {each: await restricted_subjects(connection, each, lambda: self._secret) for each in whose}
        kept = [each for each in back.kept if not restricted[each[0].tenant].has(each[0].subject_ref)]
        left = len(back.kept) - len(kept)
        job = job._replace(matched=len(kept) + back.beyond)
        found = Found(restricted=left, refused=read.refused, is_all=read.is_all, left_out=back.beyond)
        await (self._hunt(job, kept, found) if job.kind == "hunt" else self._preview(job, kept, found))

    async def _preview(self, job: Lookback, kept: Kept, found: Found) -> None:
        judged = await verdicts_of(self._bus, self._wire, _ms(job.since), attempts_of(kept), _nobody)
        days = days_found(kept, {each: of.decision for each, of in judged.items()})
        async with session(self._pool, USER) as connection:
            matched = sorted({(event.tenant, event.transaction_id) for event, _ in kept})
            threats, looked_at, cases = await found_among(connection, matched)
        accepted = sum(each.accepted for each in days)
        more = {"days": days, "people": people_of(kept), "accepted": accepted}
        of_cases = {"cases": cases, "judged": looked_at, "threats": threats}
        await self._end(job, "done", msgspec.structs.replace(found, **more, **of_cases))

    async def _hunt(self, job: Lookback, kept: Kept, found: Found) -> None:
        if job.chosen is None:
            to_open = await self._chosen(job, kept, found)
            if to_open is None:
                return
        else:
            wanted = set(job.chosen)
            to_open = [each for each in _each_once(suspicions(job.pattern, kept)) if each[0].suspicion_id in wanted]
        asked = {attempt_of(each) for each, _ in to_open}
        to_open = under(to_open, await policies_of(self._bus, self._wire, _ms(job.since), asked, _nobody))
        for begin in range(0, len(to_open), _AT_ONCE):
            await open_for_review(self._bus, self._wire, to_open[begin : begin + _AT_ONCE], _nobody)
            job = job._replace(opened=min(begin + _AT_ONCE, len(to_open)), progress=1.0)
            async with transaction(self._pool, USER) as tx:
                await rows.tell(tx, job, self._name)
        async with transaction(self._pool, USER) as tx:
            kept_so = await rows.one(tx, job.lookback_id)
            await rows.end(tx, job._replace(state="done", result=kept_so.result if kept_so else None), self._name)

    async def _chosen(self, job: Lookback, kept: Kept, found: Found) -> list[tuple[Suspicion, int]] | None:
        """Settle what a hunt opens; None: nothing, since its pattern is compared no more."""
        ids = sorted({each.suspicion_id for each, _ in suspicions(job.pattern, kept)})
        async with transaction(self._pool, USER) as tx:
            pattern = await pattern_rows.found(tx, job.pattern_id or "")
            if pattern is None or not pattern.is_compared:
                failed = msgspec.structs.replace(found, failed=_WITHDRAWN)
                await rows.end(tx, job._replace(state="failed", result=_json(failed)), self._name)
                return None
            known = await known_among(tx, ids)
            to_open = opened(job.pattern, kept, known, job.most)
            left_out = len(ids) - len(known) - len(to_open) + found.left_out
            found = msgspec.structs.replace(found, known=len(known), left_out=left_out)
            chosen = [each.suspicion_id for each, _ in to_open]
            await rows.choose(tx, job._replace(chosen=chosen, result=_json(found)), self._name)
            details: dict[str, str | int] = {"opened": len(chosen), "left_out": left_out, "revision": job.revision or 0}
            what, who = Object("attack_pattern", pattern.pattern_id), person(job.person_id)
            now = instant_of(self._clock.now_ms())
            await enter(tx, act(HUNTED, who, now, what, details=details, outcome="done"))
        return to_open

    async def _read(self, job: Lookback, take: Take, counted: Callable[[], tuple[int, int]]) -> tuple[Lookback, Read]:
        read = Read(0, 0, True)
        async for portion in portions(self._bus, self._wire, _ms(job.since), MOST_READ):
            for event, partition in portion.events:
                take(event, partition)
            read, (compared, matched) = portion.read, counted()
            job = job._replace(progress=portion.share, read=compared, matched=matched)
            async with transaction(self._pool, USER) as tx:
                await rows.tell(tx, job, self._name)
        return job, read

    async def _end(self, job: Lookback, state: Any, found: Found) -> None:
        async with transaction(self._pool, USER) as tx:
            await rows.end(tx, job._replace(state=state, result=_json(found)), self._name)


def _each_once(found: Sequence[tuple[Suspicion, int]]) -> list[tuple[Suspicion, int]]:
    return list({each.suspicion_id: (each, partition) for each, partition in found}.values())


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _json(found: Found) -> str:
    return msgspec.json.encode(found).decode()


def _nobody(done: int, total: int | None, /) -> None:
    """Tell nobody: how far it is stands with what was asked."""
