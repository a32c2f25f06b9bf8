"""Whose a machine's token is, in PostgreSQL (schema `access`). Every call asks it: a revocation is seen at once.

All times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer.
"""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from proofwatch.access import acts
from proofwatch.access.acts import By
from proofwatch.access.scopes import is_machines, known_scopes
from proofwatch.access.session import SKEW, Session, token_hash
from proofwatch.audit.entry import Actor
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import session, transaction

if TYPE_CHECKING:
    import asyncpg

_OF: Final = "select * from access.token_of($1)"
_EACH: Final = "select h.hash, t.* from unnest($1::bytea[]) as h(hash) cross join lateral access.token_of(h.hash) t"
_USED: Final = "select access.token_used($1::bytea, $2)"
_REFUSED: Final = "select access.token_refused($1::bytea, $2)"
_NOTED_EVERY: Final = timedelta(minutes=1)
"""A token's `used_at` is written at most so often."""
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
WhyNot = Literal["expired", "revoked", "scope_missing", "clock"]


class PostgresMachines:
    """Who calls by a token. It holds nothing but the pool."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries, never tokens."""
        self._pool, self._draw = pool, draw

    async def session_of(self, token: str, now: datetime) -> Session | None:
        """Return the machine whose token it is; None: it is unknown, expired or revoked, of which the last two leave an
        entry, at most one an hour for each token.
        """
        if not is_machines(token):
            return None
        async with session(self._pool, "access") as connection:
            row = await connection.fetchrow(_OF, hashed := token_hash(token))
            if row is None:
                return None
            why: WhyNot | None = None
            if row["revoked_at"] is not None:
                why = "revoked"
            elif now >= row["expires_at"]:
                why = "expired"
            elif now < row["created_at"] - SKEW:
                why = "clock"
            elif row["used_at"] is None or now - row["used_at"] >= _NOTED_EVERY:
                why = None if await connection.fetchval(_USED, hashed, now) else "revoked"
        if why is not None:
            await self.refused(token, row["token_id"], row["name"], why, now)
            return None
        tenants = row["tenants"]
        return Session(
            session_id=row["token_id"],
            person_id=row["token_id"],
            tenants=None if tenants is None else frozenset(tenants),
            roles=frozenset(),
            signed_in_at=row["created_at"],
            mfa_at=_NEVER,
            expires_at=row["expires_at"],
            machine=row["name"],
            scopes=known_scopes(row["scopes"]),
        )

    async def running(self, tokens: Collection[str], now: datetime) -> frozenset[str]:
        """Return those of the tokens that hold, by one statement; it is no use of them, and no entry."""
        by_hash = {token_hash(each): each for each in tokens if is_machines(each)}
        if not by_hash:
            return frozenset()
        async with session(self._pool, "access") as connection:
            rows = await connection.fetch(_EACH, [*by_hash])
        return frozenset(
            by_hash[bytes(row["hash"])]
            for row in rows
            if row["revoked_at"] is None and row["created_at"] - SKEW <= now < row["expires_at"]
        )

    async def refused(self, token: str, token_id: str, name: str, why: WhyNot, now: datetime) -> None:
        """Enter that a token that is known was refused, at most once an hour."""
        async with transaction(self._pool, "access") as tx:
            if await tx.fetchval(_REFUSED, token_hash(token), now):
                by = By(Actor("service", f"machine {name}"))
                random, details = self._draw(acts.RANDOM_BYTES), {"why": why}
                made = acts.act(random, now, acts.MACHINE_REFUSED, by, token_id, details, "denied", kind="token")
                await enter(tx, made)
