"""A session of the console that is handed over to another page of ours, in PostgreSQL (schema `access`).

The page keeps a secret and sends its SHA-256; the console gives a ticket for it; the page gives ticket and secret for
a session of its own. So neither the address with the ticket, nor whoever began it in another browser, is enough. All
times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer.
"""

import base64
import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from proofwatch.access import acts
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.session import TOKEN_BYTES, token_hash, token_of
from proofwatch.access.stored import entered
from proofwatch.audit.pending import Draw
from proofwatch.bus.postgres.pool import transaction

if TYPE_CHECKING:
    import asyncpg

WITHIN: Final = timedelta(minutes=1)
"""So long a ticket holds, from one page to the next."""
_FORGET: Final = "delete from access.handovers where given_at < $1"
_GIVE: Final = "insert into access.handovers(ticket_hash, challenge, session_id, given_at) values($1, $2, $3, $4)"
_TAKE: Final = """
delete from access.handovers where ticket_hash = $1 and challenge = $2 and given_at >= $3 and given_at <= $4
returning session_id"""
_OPEN: Final = """
insert into access.sessions(session_id, token_hash, person_id, tenants, roles, signed_in_at, mfa_at, seen_at,
                            expires_at, vouched_until, handed_from)
select $2, $3, person_id, tenants, roles, $4, mfa_at, $4, expires_at, vouched_until, session_id
from access.sessions where session_id = $1 and ended_at is null and vouched_until is not null
returning person_id"""
_SKEW: Final = timedelta(seconds=5)


def challenge_of(verifier: str) -> str:
    """Return what a page sends of its secret: its SHA-256 in base64url, as PKCE has it (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class PostgresHandover:
    """Gives tickets, and sessions for them. It holds nothing but the pool."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries, never tokens."""
        self._pool, self._draw = pool, draw
        self._people = PostgresPeople(pool)

    async def give(self, session_id: str, challenge: str, now: datetime) -> str:
        """Return a ticket for a session, good once, for who knows of what `challenge` is the SHA-256."""
        ticket = token_of(secrets.token_bytes(TOKEN_BYTES))
        async with transaction(self._pool, "access") as tx:
            await tx.execute(_FORGET, now - WITHIN)
            await tx.execute(_GIVE, token_hash(ticket), challenge, session_id, now)
        return ticket

    async def take(self, ticket: str, verifier: str, now: datetime) -> str | None:
        """Return the token of a session that begins for a ticket, and ends with that which it comes from.

        None: there is no such ticket, or it was used, is older than a minute, was asked for by another page, or is of a
        session that is over, or of no provider.
        """
        token, name = token_of(secrets.token_bytes(TOKEN_BYTES)), str(uuid.UUID(bytes=self._draw(16), version=4))
        async with transaction(self._pool, "access") as tx:
            given = token_hash(ticket), challenge_of(verifier), now - WITHIN, now + _SKEW
            session_id = await tx.fetchval(_TAKE, *given)
            if session_id is None or await self._people.locked(tx, session_id, now) is None:
                return None
            person_id = await tx.fetchval(_OPEN, session_id, name, token_hash(token), now)
            if person_id is None:
                return None
            said = {"session": name, "from_session": session_id, "by": "handover"}
            await entered(tx, acts.SIGNED_IN, person_id, said, now, self._draw)
        return token
