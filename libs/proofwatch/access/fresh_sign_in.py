"""A session that is confirmed by signing in afresh with the provider, in PostgreSQL (schema `access`).

It stands in for the one-time code, which people of a provider do not have. Every act is an entry, refused ones too.
All times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer.
"""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from proofwatch.access import acts
from proofwatch.access.acts import By
from proofwatch.access.claims import WhyNotFresh
from proofwatch.access.code_seal import CodeSeal
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.stored import entered
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import session, transaction

if TYPE_CHECKING:
    import asyncpg

_WHOSE: Final = """
select p.person_id, p.issuer, p.subject from access.sessions s join access.people p on p.person_id = s.person_id
where s.session_id = $1 and s.ended_at is null and p.revoked_at is null and p.issuer is not null"""
_CONFIRM: Final = """
update access.sessions set mfa_at = greatest(mfa_at, $2) where session_id = $1 and ended_at is null"""
_AGAIN: Final = "update access.vouchers set refresh_token = $2 where session_id = $1"
_OF: Final = "update access.vouchers set sid = $2 where session_id = $1"
Why = WhyNotFresh | Literal["provider_refused", "code_refused", "not_believed", "other_person", "session_over"]


class Whose(NamedTuple):
    """The provider's person of a session."""

    person_id: str
    issuer: str
    subject: str


class PostgresFreshSignIns:
    """Confirms sessions. It holds nothing but the pool."""

    def __init__(self, pool: "asyncpg.Pool", seal: CodeSeal, draw: Draw = secrets.token_bytes) -> None:
        """`seal`: of what the provider is asked with again; `draw`: ids and salts of entries."""
        self._pool, self._seal, self._draw = pool, seal, draw
        self._people = PostgresPeople(pool)

    async def whose(self, session_id: str) -> Whose | None:
        """Return whose session it is; None: it is over, or of somebody who has a password here."""
        async with session(self._pool, "access") as connection:
            row = await connection.fetchrow(_WHOSE, session_id)
        return Whose(*row) if row else None

    async def confirm(
        self,
        session_id: str,
        who: tuple[str, str],
        shown_at: datetime,
        refresh_token: str | None,
        now: datetime,
        sid: str | None = None,
    ) -> Literal["other_person", "session_over"] | None:
        """Note when the person of a session signed in afresh; or return why not, with an entry of it.

        `who`: issuer and subject of who has; `refresh_token`: what the provider is asked with from now on, if new;
        `sid`: its own session.
        """
        async with transaction(self._pool, "access") as tx:
            alive = await self._people.locked(tx, session_id, now)
            row = await tx.fetchrow(_WHOSE, session_id) if alive else None
            if row is None:
                await self._refuse(tx, session_id, "session_over", now)
                return "session_over"
            whose = Whose(*row)
            if (whose.issuer, whose.subject) != who:
                await self._refuse(tx, session_id, "other_person", now)
                return "other_person"
            await tx.execute(_CONFIRM, session_id, shown_at)
            if sid:
                await tx.execute(_OF, session_id, sid)
            if refresh_token:
                await tx.execute(_AGAIN, session_id, self._seal.sealed(refresh_token, whose.person_id))
            said = {"session": session_id, "by": "provider"}
            await entered(tx, acts.CONFIRMED, whose.person_id, said, now, self._draw)
        return None

    async def refuse(self, session_id: str, why: Why, now: datetime) -> None:
        """Enter that a session was not confirmed."""
        async with transaction(self._pool, "access") as tx:
            await self._refuse(tx, session_id, why, now)

    async def _refuse(self, tx: "asyncpg.Connection", session_id: str, why: Why, now: datetime) -> None:
        person_id = await tx.fetchval("select person_id from access.sessions where session_id = $1", session_id)
        by, random = By(acts.THE_HOUSE), self._draw(acts.RANDOM_BYTES)
        said = {"why": why, "by": "provider", "session": session_id}
        await enter(tx, acts.act(random, now, acts.CONFIRM_REFUSED, by, person_id, said, "denied"))
