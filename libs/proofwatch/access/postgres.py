"""Signing in, and who a session is, in PostgreSQL (schema `access`). Every act is an entry in the same transaction.

All times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer: nobody is
let in then.
"""

import asyncio
import secrets
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access import acts, attempts
from proofwatch.access.code_seal import PLAIN, CodeSeal
from proofwatch.access.errors import AccessDenied, ClockSetBack, NoSession, SignInRefused, Throttled
from proofwatch.access.judgement import Account, code_judged, judged
from proofwatch.access.passwords import is_outdated, rehashed, verified
from proofwatch.access.roles import known
from proofwatch.access.session import LIFETIMES, SKEW, TOKEN_BYTES, Lifetimes, Session, is_alive, token_hash, token_of
from proofwatch.access.stored import account_locked, account_named, entered, refused, session_in
from proofwatch.audit.pending import Draw
from proofwatch.bus.postgres.pool import session, transaction

if TYPE_CHECKING:
    import asyncpg

_LAST_SEEN: Final = "select max(seen_at) from access.sessions where ended_at is null"
_USE_CODE: Final = "update access.people set code_step = $2 where person_id = $1"
_SEAL: Final = "update access.people set code_secret = $2 where person_id = $1"
_STRENGTHEN: Final = "update access.people set password_hash = $2 where person_id = $1"
_BEGIN: Final = """
insert into access.sessions(session_id, token_hash, person_id, tenants, roles, signed_in_at, mfa_at, seen_at,
                            expires_at)
values($1, $2, $3, $4, $5, $6, $6, $6, $7)"""
_RUNNING: Final = "select * from access.running($1)"
_EACH_RUNNING: Final = "select r.* from unnest($1::bytea[]) as h(hash) cross join lateral access.running(h.hash) r"
_LOCKED: Final = "select * from access.held($1)"
_SEEN: Final = "select access.seen($1::bytea, $2)"
_CONFIRM: Final = "update access.sessions set mfa_at = $2 where session_id = $1 and ended_at is null returning 1"
_END: Final = """
with it as (select session_id from access.sessions where token_hash = $1)
update access.sessions set ended_at = $2, ended_by = 'signed_out' where ended_at is null
and (session_id = (select session_id from it) or handed_from = (select session_id from it))
returning person_id, session_id"""
_NOTED_EVERY: Final = timedelta(seconds=15)
"""A session's `seen_at` is written at most so often; its idle time is exact to that."""
_AT_ONCE: Final = 2
"""Passwords that are verified at a time: each takes 64 MiB and a processor."""
_MOST_AT_WORK: Final = 20
"""So many wait for that at most; who comes then is sent away before anything is counted or computed."""
_BUSY: Final = timedelta(seconds=5)


class PostgresPeople:
    """Who may come in. One for each process; it holds nothing but the pool."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        lifetimes: Lifetimes = LIFETIMES,
        seal: CodeSeal = PLAIN,
        draw: Draw = secrets.token_bytes,
    ) -> None:
        """`seal`: of the secrets of one-time codes; only `sign_in` and `confirm` need it. `draw`: ids, never tokens."""
        self._pool, self._seal, self._draw = pool, seal, draw
        self._lifetimes = lifetimes
        self._verifying = asyncio.Semaphore(_AT_ONCE)
        self._at_work = 0

    async def sign_in(self, name: str, password: str, code: str, now: datetime) -> tuple[str, Session]:
        """Return a token, which is stored nowhere, and the session that it opens.

        Raises `SignInRefused` in the same words for a name that is unknown, a wrong password, a wrong or used code;
        `Throttled` after too many of them; `ClockSetBack`; `CodesSealed`, which is the operator's to mend.
        """
        name = name.strip().lower()
        if self._at_work >= _MOST_AT_WORK:
            raise Throttled(_BUSY)
        asked = await self._admitted(name, acts.SIGN_IN_REFUSED, now)
        stored = asked.password_hash if asked else None
        holds, stronger = await self._verified(password, stored)
        token = token_of(secrets.token_bytes(TOKEN_BYTES))
        async with transaction(self._pool, "access") as tx:
            current = await account_named(tx, name, locked=True)
            holds = holds and current is not None and current.password_hash == stored
            step = judged(current and self._opened(current), password_holds=holds, code=code, now=now)
            opened = None
            if isinstance(step, str):
                await refused(tx, acts.SIGN_IN_REFUSED, current, step, now, self._draw)
            else:
                assert current is not None, "whom nobody knows has no step"
                await attempts.forget(tx, name)
                await attempts.forget_old(tx, now)
                await self._used(tx, current, step)
                if stronger:
                    await tx.execute(_STRENGTHEN, current.person_id, stronger)
                opened = await self._begin(tx, current, token, now)
        if opened is None:
            raise SignInRefused
        return token, opened

    async def session_of(self, token: str, now: datetime, *, used: bool = True) -> Session | None:
        """Return whose token it is; None: it is unknown, has ended (signed out, revoked, roles changed), was not used
        for too long, or the clock was set back. What this process said a moment ago counts for nothing.

        `used` False: nobody did anything, as when a page looks for news; the session ends as if it had not been asked.
        """
        async with session(self._pool, "access") as connection:
            row = await connection.fetchrow(_RUNNING, hashed := token_hash(token))
            if row is None or not self._is_alive(found := session_in(row), row, now):
                return None
            if not used or now - row["seen_at"] < _NOTED_EVERY:
                return found
            if not await connection.fetchval(_SEEN, hashed, now):
                return None  # it ended in between
            return found

    async def running(self, tokens: Collection[str], now: datetime) -> frozenset[str]:
        """Return those of the tokens whose session goes on, by one statement; nobody does anything by being asked."""
        by_hash = {token_hash(each): each for each in tokens}
        async with session(self._pool, "access") as connection:
            rows = await connection.fetch(_EACH_RUNNING, [*by_hash])
        alive = (each for each in rows if self._is_alive(session_in(each), each, now))
        return frozenset(by_hash[bytes(each["token_hash"])] for each in alive)

    async def confirm(self, token: str, code: str, now: datetime) -> Session:
        """Take a fresh one-time code of somebody who is signed in; return the session with its new `mfa_at`.

        Raises `NoSession`, `SignInRefused`, `Throttled`, `ClockSetBack`, `CodesSealed`.
        """
        found = await self.session_of(token, now)
        if found is None:
            raise NoSession
        async with session(self._pool, "access") as connection:
            name = await connection.fetchval("select name from access.people where person_id = $1", found.person_id)
        await self._admitted(name, acts.CONFIRM_REFUSED, now)
        denied: AccessDenied | None = None
        async with transaction(self._pool, "access") as tx:
            current = await account_locked(tx, found.person_id)
            assert current is not None, "nobody removes people"
            step = code_judged(self._opened(current), code, now)
            if isinstance(step, str):
                await refused(tx, acts.CONFIRM_REFUSED, current, step, now, self._draw)
                denied = SignInRefused()
            elif not await tx.fetchval(_CONFIRM, found.session_id, now):
                denied = NoSession()
            else:
                await attempts.forget(tx, name)
                await self._used(tx, current, step)
                await entered(tx, acts.CONFIRMED, current.person_id, {"session": found.session_id}, now, self._draw)
        if denied:
            raise denied
        return replace(found, mfa_at=now)

    async def sign_out(self, token: str, now: datetime) -> None:
        """End the session of a token, and what was handed over of it; one that has ended already is as good."""
        async with transaction(self._pool, "access") as tx:
            for row in await tx.fetch(_END, token_hash(token), now):
                await entered(tx, acts.SIGNED_OUT, row["person_id"], {"session": row["session_id"]}, now, self._draw)

    async def locked(self, tx: "asyncpg.Connection", session_id: str, now: datetime) -> Session | None:
        """Return the session within another's transaction, and keep it from ending until that has ended.

        Whoever signs it out, revokes the person or changes their roles waits for that. None: as `session_of`.
        """
        row = await tx.fetchrow(_LOCKED, session_id)
        if row is None or not self._is_alive(found := session_in(row), row, now):
            return None
        return found

    def _is_alive(self, found: Session, row: Any, now: datetime) -> bool:
        return is_alive(found, row["seen_at"], now, self._lifetimes, row["vouched_until"])

    async def _admitted(self, name: str, action: str, now: datetime) -> Account | None:
        """Count the attempt, and return the account, if there is one. Raises `Throttled`, `ClockSetBack`."""
        async with transaction(self._pool, "access") as tx:
            seen = await tx.fetchval(_LAST_SEEN)
            if seen and now < seen - SKEW:
                raise ClockSetBack(now, seen)
            verdict = await attempts.count(tx, name, now)
            found = await account_named(tx, name)
            if verdict.wait and verdict.after.unheard == 1:
                await refused(tx, action, found, "throttled", now, self._draw)
        if verdict.wait:
            raise Throttled(verdict.wait, for_ever=verdict.for_ever)
        return found

    def _opened(self, who: Account) -> Account:
        """Return the account with the secret of its codes. Raises `CodesSealed`."""
        if who.code_secret is None:
            return who
        return who._replace(code_secret=self._seal.opened(who.code_secret, who.person_id))

    async def _used(self, tx: Any, who: Account, step: int) -> None:
        """Let no code of this step or before count again; what is stored under an older key is so no more."""
        await tx.execute(_USE_CODE, who.person_id, step)
        if who.code_secret is not None and self._seal.is_outdated(who.code_secret):
            secret = self._seal.opened(who.code_secret, who.person_id)
            await tx.execute(_SEAL, who.person_id, self._seal.sealed(secret, who.person_id))

    async def _verified(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Return whether the password holds, and a new hash of it where the stored one is of an older strength."""
        self._at_work += 1
        try:
            async with self._verifying:
                holds = await asyncio.to_thread(verified, password, stored)
                if not (holds and stored and is_outdated(stored)):
                    return holds, None
                return holds, await asyncio.to_thread(rehashed, password)
        finally:
            self._at_work -= 1

    async def _begin(self, tx: Any, who: Account, token: str, now: datetime) -> Session:
        tenants = who.tenants
        opened = Session(
            session_id=str(uuid.UUID(bytes=self._draw(16), version=4)),
            person_id=who.person_id,
            tenants=tenants,
            roles=known(who.roles),
            signed_in_at=now,
            mfa_at=now,
            expires_at=now + self._lifetimes.whole,
        )
        whose = None if tenants is None else sorted(tenants)
        await tx.execute(
            _BEGIN,
            opened.session_id,
            token_hash(token),
            who.person_id,
            whose,
            sorted(who.roles),
            now,
            opened.expires_at,
        )
        details = {"session": opened.session_id, **acts.as_details(opened.roles, tenants)}
        await entered(tx, acts.SIGNED_IN, who.person_id, details, now, self._draw)
        return opened
