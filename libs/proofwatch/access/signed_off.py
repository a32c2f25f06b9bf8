"""Sessions that end because the provider's did (back-channel logout), in PostgreSQL (schema `access`).

All times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer.
"""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.access import acts
from proofwatch.access.acts import By
from proofwatch.access.session import token_hash
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import transaction

if TYPE_CHECKING:
    import asyncpg

_KEPT: Final = timedelta(minutes=20)
"""Longer than a token is taken at all."""
_FORGET: Final = "delete from access.logouts where taken_at < $1"
_TAKEN: Final = "insert into access.logouts(jti_hash, taken_at) values($1, $2) on conflict do nothing returning 1"
_END: Final = """
with those as (
  select s.session_id from access.sessions s
  join access.people p on p.person_id = s.person_id
  join access.vouchers v on v.session_id = s.session_id
  where s.ended_at is null and p.issuer = $1 and ($2::text is null or p.subject = $2)
  and ($3::text is null or v.sid = $3 or (v.sid is null and $2 is not null)))
update access.sessions set ended_at = $4, ended_by = 'provider'
where ended_at is null and (session_id in (table those) or handed_from in (table those))
returning person_id, session_id"""


class Whose(NamedTuple):
    """Whose sessions: of the provider's session `sid`, or, where that is None, all of the subject.

    Where both are given, also those of the subject of which nobody said of what session they are.
    """

    issuer: str
    subject: str | None
    sid: str | None


class PostgresSignedOff:
    """Ends them. It holds nothing but the pool."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries."""
        self._pool, self._draw = pool, draw

    async def end(self, jti: str, whose: Whose, now: datetime) -> int | None:
        """End sessions, each with an entry; return how many that were. None: what said so, `jti`, was taken before."""
        async with transaction(self._pool, "access") as tx:
            await tx.execute(_FORGET, now - _KEPT)
            if not await tx.fetchval(_TAKEN, token_hash(f"{whose.issuer}\n{jti}"), now):
                return None
            ended = await tx.fetch(_END, *whose, now)
            for row in ended:
                by, random = By(acts.THE_HOUSE), self._draw(acts.RANDOM_BYTES)
                said = {"session": row["session_id"], "why": "provider_signed_out"}
                await enter(tx, acts.act(random, now, acts.ENDED_BY_PROVIDER, by, row["person_id"], said))
        return len(ended)
