"""Who may what, since when and by whom, and whether they use it: for a review of access (ISO/IEC 27001 A.5.18)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from proofwatch.bus.postgres.pool import session

if TYPE_CHECKING:
    import asyncpg

DORMANT: Final = timedelta(days=90)
_PEOPLE: Final = """
select 'account' as kind, p.person_id as id, p.name,
  case when p.revoked_at is not null then 'revoked'
       when p.issuer is null and p.password_hash is null then 'not enrolled' else 'active' end as state,
  coalesce('provider ' || p.issuer, 'password and one-time code') as signs_in, p.roles as held, p.tenants,
  p.added_at, p.added_by, p.given_at, p.given_by, null::timestamptz as expires_at, p.revoked_at,
  p.signed_in_at, greatest(p.signed_in_at, s.seen_at) as used_at
from access.people p
left join (select person_id, max(seen_at) as seen_at from access.sessions group by person_id) s
  on s.person_id = p.person_id"""
_TOKENS: Final = """
select 'token', t.token_id, t.name,
  case when t.revoked_at is not null then 'revoked' when t.expires_at <= $1 then 'expired' else 'active' end,
  'token', t.scopes, t.tenants, t.created_at, t.created_by, t.created_at, t.created_by, t.expires_at, t.revoked_at,
  null, t.used_at
from access.tokens t"""
_ALL: Final = f"{_PEOPLE} union all {_TOKENS} order by 1, 4, 3, 2"
Finding = Literal["dormant", "never_used", "not_used_since_given", "given_by_one_who_is_gone", "given_by_unknown"]


class Reviewed(NamedTuple):
    """An account or a token. `held`: roles, of a token scopes; `tenants` None: all; times in UTC.

    `added_by`, `given_by`: the id of an account, operator, or provider; None: before this was kept, see the audit log.
    `used_at`: the last call, to a minute; of sessions older than thirty days when the last one began.
    """

    kind: Literal["account", "token"]
    id: str
    name: str
    state: Literal["active", "not enrolled", "expired", "revoked"]
    signs_in: str
    held: Sequence[str]
    tenants: Sequence[str] | None
    added_at: datetime
    added_by: str | None
    given_at: datetime | None
    given_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    signed_in_at: datetime | None
    used_at: datetime | None

    def findings(self, now: datetime, gone: frozenset[str]) -> list[Finding]:
        """Return what a reviewer should look at; `gone`: ids of accounts that were revoked. What is over has none."""
        if self.state in ("revoked", "expired"):
            return []
        since = self.given_at or self.added_at
        found: list[Finding] = []
        if self.used_at is None:
            found.append("never_used")
        elif self.used_at < since and self.held:
            found.append("not_used_since_given")
        if now - (self.used_at or self.added_at) > DORMANT:
            found.append("dormant")
        if self.given_by is None:
            found.append("given_by_unknown")
        elif self.given_by in gone:
            found.append("given_by_one_who_is_gone")
        return found


class RoleUsed(NamedTuple):
    """A role, or a scope: how many may use it, and when one of them did anything last; None: nobody did since."""

    held: str
    accounts: int
    used_at: datetime | None


async def reviewed(pool: "asyncpg.Pool", now: datetime) -> list[Reviewed]:
    """Return every account and token that there is and was."""
    async with session(pool, "access") as connection:
        return [Reviewed(**row) for row in await connection.fetch(_ALL, now)]


def roles_used(found: Sequence[Reviewed]) -> list[RoleUsed]:
    """Return roles and scopes that are held, with the latest use of an account since it was given them.

    A session has all roles of a person: which of them a call needed is not told apart.
    """
    held: dict[str, list[datetime | None]] = {}
    for each in found:
        if each.state in ("active", "not enrolled"):
            used = each.used_at if each.used_at and each.used_at >= (each.given_at or each.added_at) else None
            for name in each.held:
                held.setdefault(name, []).append(used)
    return [RoleUsed(name, len(uses), max(filter(None, uses), default=None)) for name, uses in sorted(held.items())]
