"""The register of machines' tokens in PostgreSQL: made, listed, revoked; each act with its entry."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proofwatch.access import acts
from proofwatch.access.acts import By
from proofwatch.access.judgement import is_name
from proofwatch.access.register import NoSuchPerson
from proofwatch.access.scopes import Scope, new_token
from proofwatch.access.session import token_hash
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import session, transaction

if TYPE_CHECKING:
    import asyncpg

LONGEST: Final = timedelta(days=366)
_CREATE: Final = """
insert into access.tokens(token_id, token_hash, name, scopes, tenants, created_at, created_by, expires_at)
values($1, $2, $3, $4, $5, $6, $7, $8) on conflict(token_id) do nothing returning 1"""
_REVOKE: Final = """
update access.tokens set revoked_at = $2, revoked_by = $3 where token_id = $1 and revoked_at is null returning name"""
_LIST: Final = """
select token_id, name, scopes, tenants, created_at, created_by, expires_at, used_at, revoked_at, revoked_by
from access.tokens order by revoked_at is not null, expires_at <= $1, name, created_at"""


class NoSuchToken(NoSuchPerson):
    """There is no such token, or none like it can be made; the message says what is."""


class ListedToken(NamedTuple):
    """A token as the list has it. `tenants` None: all. `created_by`: an account's id, or operator. No secret."""

    token_id: str
    name: str
    scopes: Sequence[str]
    tenants: Sequence[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


class PostgresTokens:
    """The register of tokens. `by` is who changes it: an admin's session, or the operator."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries, never tokens."""
        self._pool, self._draw = pool, draw

    async def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        tenants: Iterable[str] | None,
        expires_at: datetime,
        by: By,
        now: datetime,
    ) -> str:
        """Return a new token, which is stored nowhere; `tenants` None: every one's data. Raises `NoSuchToken`."""
        held, whose = sorted(set(scopes)), None if tenants is None else sorted(set(tenants))
        if not is_name(name):
            raise NoSuchToken(
                f"{name!r} is no name of a machine: lower case letters, digits and . _ @ -, at most 64, such as siem"
            )
        if not held:
            raise NoSuchToken(f"a token without a scope opens nothing: give some of {', '.join(Scope)}")
        if not now < expires_at <= now + LONGEST:
            raise NoSuchToken(f"a token expires, within {LONGEST.days} days: make a new one before it does")
        async with transaction(self._pool, "access") as tx:
            while True:
                token_id, token = new_token()
                row = (token_id, token_hash(token), name, held, whose, now, by.actor.id, expires_at)
                if await tx.fetchval(_CREATE, *row):
                    break
            details = {"machine": name, "scopes": " ".join(held), "expires": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"}
            details["tenants"] = "all" if whose is None else " ".join(whose)
            await self._enter(tx, acts.MACHINE_ADDED, by, token_id, details, now)
        return token

    async def revoke(self, token_id: str, by: By, now: datetime) -> str:
        """Let a token open nothing more, at once and for good; return whose it was. Raises `NoSuchToken`.

        `token_id`: also with `pw_` before it, as the token itself begins, or the token whole.
        """
        found = token_id.removeprefix("pw_")[:8]
        async with transaction(self._pool, "access") as tx:
            name = await tx.fetchval(_REVOKE, found, now, by.actor.id)
            if name is None:
                raise NoSuchToken(
                    "there is no such token, or it is revoked already: `proofwatch tokens list` shows the ids, which "
                    "stand in a token behind pw_"
                )
            await self._enter(tx, acts.MACHINE_REVOKED, by, found, {"machine": name}, now)
        return str(name)

    async def everything(self, now: datetime) -> list[ListedToken]:
        """Return the tokens that there are and were; what opens nothing any more last."""
        async with session(self._pool, "access") as connection:
            return [ListedToken(**row) for row in await connection.fetch(_LIST, now)]

    async def _enter(self, tx: Any, action: str, by: By, token_id: str, details: dict[str, str], now: datetime) -> None:
        await enter(tx, acts.act(self._draw(acts.RANDOM_BYTES), now, action, by, token_id, details, kind="token"))
