"""Sign-ins by a provider, in PostgreSQL (schema `access`): begun, come back, looked at again. Every act is an entry.

All times are given, aware and in UTC. Every call raises `DatabaseAway` when the database does not answer.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from proofwatch.access import acts
from proofwatch.access.acts import By
from proofwatch.access.claims import Given
from proofwatch.access.code_seal import CodeSeal
from proofwatch.access.session import LIFETIMES, TOKEN_BYTES, Lifetimes, Session, token_hash, token_of
from proofwatch.access.stored import entered
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import transaction

if TYPE_CHECKING:
    import asyncpg

GRACE: Final = timedelta(minutes=5)
"""So long a session goes on of which the provider has said nothing, as while it is away."""
AGAIN: Final = timedelta(seconds=25)
"""After so long a provider is asked about a session again; it is asked every quarter of a minute."""
_FLOW: Final = timedelta(minutes=10)
_MOST_FLOWS: Final = 10_000
_LONGEST_NAME: Final = 48
_NO_NAME: Final = re.compile(r"[^a-z0-9._@-]+")
_BEGIN: Final = """
insert into access.flows(state_hash, browser_hash, nonce, verifier, wanted, begun_at, session_id)
values($1, $2, $3, $4, $5, $6, $7)"""
_FORGET: Final = """
delete from access.flows where begun_at < $1
or state_hash in (select state_hash from access.flows order by begun_at desc offset $2)"""
_TAKE: Final = """
delete from access.flows where state_hash = $1 and browser_hash = $2 and begun_at >= $3
returning nonce, verifier, wanted, begun_at, session_id"""
_OF_PROVIDER: Final = "select * from access.of_provider($1, $2, $3, $4, $5, $6, $7, $8)"
_OPEN: Final = """
insert into access.sessions(session_id, token_hash, person_id, tenants, roles, signed_in_at, mfa_at, seen_at,
                            expires_at, vouched_until)
values($1, $2, $3, $4, $5, $6, $7, $6, $8, $9)"""
_VOUCHER: Final = "insert into access.vouchers(session_id, refresh_token, checked_at, sid) values($1, $2, $3, $4)"
_NEEDLESS: Final = """
delete from access.vouchers v using access.sessions s
where s.session_id = v.session_id and (s.ended_at is not null or s.expires_at <= $1)"""
_DUE: Final = """
with due as (
  select v.session_id from access.vouchers v join access.sessions s on s.session_id = v.session_id
  where s.ended_at is null and s.expires_at > $1 and s.seen_at > $4 and v.checked_at <= $2
  order by v.checked_at limit $3 for update of v skip locked),
taken as (
  update access.vouchers v set checked_at = $1 from due where v.session_id = due.session_id
  returning v.session_id, v.refresh_token)
select t.session_id, t.refresh_token, s.person_id, s.roles, s.tenants, p.issuer, p.subject
from taken t join access.sessions s on s.session_id = t.session_id join access.people p on p.person_id = s.person_id"""
_AGAIN: Final = "update access.vouchers set refresh_token = $2 where session_id = $1"
_UNTIL: Final = """
update access.sessions set vouched_until = $2 where (session_id = $1 or handed_from = $1) and ended_at is null"""
_ENDED: Final = """
update access.sessions set ended_at = $2, ended_by = 'provider'
where (session_id = $1 or handed_from = $1) and ended_at is null returning person_id, session_id"""
Why = Literal[
    "provider_refused", "code_refused", "not_believed", "no_roles", "roles_exclude", "second_factor_missing",
    "no_refresh_token", "revoked", "provider_says_no",
]  # fmt: skip


class Begun(NamedTuple):
    """A sign-in: what it was begun with and when, and where who signs in wants to go.

    `session_id`: that which is confirmed by it; None: a session begins.
    """

    nonce: str
    verifier: str
    wanted: str
    at: datetime
    session_id: str | None = None


class Due(NamedTuple):
    """A session that a provider is to be asked about."""

    session_id: str
    person_id: str
    issuer: str
    subject: str
    refresh_token: str
    roles: Collection[str]
    tenants: Collection[str] | None

    def has(self, given: Given) -> bool:
        """Return whether it has what claims give."""
        whose = None if self.tenants is None else frozenset(self.tenants)
        return frozenset(self.roles) == frozenset(given.roles) and whose == given.tenants


class PostgresSignOn:
    """Sign-ins by a provider. It holds nothing but the pool."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        seal: CodeSeal,
        lifetimes: Lifetimes = LIFETIMES,
        draw: Draw = secrets.token_bytes,
    ) -> None:
        """`seal`: of what the provider is asked with again; `draw`: ids and salts of entries, never tokens."""
        self._pool, self._seal, self._lifetimes, self._draw = pool, seal, lifetimes, draw

    async def begin(self, state: str, browser: str, begun: Begun) -> None:
        """Keep what a sign-in was begun with; `browser`: a secret of who began it."""
        async with transaction(self._pool, "access") as tx:
            await tx.execute(_FORGET, begun.at - _FLOW, _MOST_FLOWS)
            await tx.execute(_BEGIN, token_hash(state), token_hash(browser), *begun)

    async def taken(self, state: str, browser: str, now: datetime) -> Begun | None:
        """Return what a sign-in was begun with, to the browser that began it, once; None: there is none, or too old."""
        async with transaction(self._pool, "access") as tx:
            row = await tx.fetchrow(_TAKE, token_hash(state), token_hash(browser), now - _FLOW)
        return Begun(*row) if row else None

    async def sign_in(
        self, issuer: str, subject: str, name: str, given: Given, refresh_token: str, now: datetime,
        sid: str | None = None,
    ) -> str | None:  # fmt: skip
        """Return the token of a new session of the provider's person, who has from now on what claims give; None: they
        were revoked here. `name`: as the provider calls them, which decides nothing; `sid`: its own session.
        """
        token = token_of(secrets.token_bytes(TOKEN_BYTES))
        async with transaction(self._pool, "access") as tx:
            row = await self._follow(tx, issuer, subject, name, given, now, adds=True)
            if row is None or row["revoked_at"] is not None:
                await self._refuse(tx, "revoked", issuer, subject, now, row["person_id"] if row else None)
                return None
            opened = Session(
                session_id=str(uuid.UUID(bytes=self._draw(16), version=4)),
                person_id=row["person_id"],
                tenants=given.tenants,
                roles=given.roles,
                signed_in_at=now,
                mfa_at=given.mfa_at,
                expires_at=now + self._lifetimes.whole,
            )
            whose = None if given.tenants is None else sorted(given.tenants)
            await tx.execute(
                _OPEN, opened.session_id, token_hash(token), opened.person_id, whose, sorted(given.roles), now,
                given.mfa_at, opened.expires_at, now + GRACE,
            )  # fmt: skip
            sealed = self._seal.sealed(refresh_token, opened.person_id)
            await tx.execute(_VOUCHER, opened.session_id, sealed, now, sid)
            said = {"session": opened.session_id, **acts.as_details(given.roles, given.tenants), "by": "provider"}
            await entered(tx, acts.SIGNED_IN, opened.person_id, said, now, self._draw)
        return token

    async def refuse(self, why: Why, issuer: str, subject: str, now: datetime) -> None:
        """Enter that somebody was not let in; `subject` empty: nobody knows who it was."""
        async with transaction(self._pool, "access") as tx:
            await self._refuse(tx, why, issuer, subject, now, None)

    async def due(self, now: datetime, most: int) -> list[Due]:
        """Return sessions that the provider is to be asked about, each to one process. Raises `CodesSealed`."""
        idle = now - self._lifetimes.idle
        async with transaction(self._pool, "access") as tx:
            await tx.execute(_NEEDLESS, now)
            rows = await tx.fetch(_DUE, now, now - AGAIN, most, idle)
        return [
            Due(**{**row, "refresh_token": self._seal.opened(row["refresh_token"], row["person_id"])}) for row in rows
        ]

    async def vouched(self, session_id: str, person_id: str, refresh_token: str, now: datetime) -> None:
        """Let a session go on, which the provider has vouched for."""
        async with transaction(self._pool, "access") as tx:
            await tx.execute(_UNTIL, session_id, now + GRACE)
            await tx.execute(_AGAIN, session_id, self._seal.sealed(refresh_token, person_id))

    async def end(self, session_id: str, why: Why, now: datetime) -> None:
        """End a session, which the provider does not vouch for, and what was handed over of it."""
        async with transaction(self._pool, "access") as tx:
            for row in await tx.fetch(_ENDED, session_id, now):
                by, random = By(acts.THE_HOUSE), self._draw(acts.RANDOM_BYTES)
                said = {"session": row["session_id"], "why": why}
                await enter(tx, acts.act(random, now, acts.ENDED_BY_PROVIDER, by, row["person_id"], said))

    async def follow(self, issuer: str, subject: str, given: Given, now: datetime) -> None:
        """Give somebody what claims give now; other roles or tenants than before end all of their sessions."""
        async with transaction(self._pool, "access") as tx:
            await self._follow(tx, issuer, subject, "", given, now, adds=False)

    async def _follow(
        self, tx: Any, issuer: str, subject: str, name: str, given: Given, now: datetime, *, adds: bool
    ) -> Any:
        whose = None if given.tenants is None else sorted(given.tenants)
        person_id = str(uuid.UUID(bytes=self._draw(16), version=4))
        row = await tx.fetchrow(
            _OF_PROVIDER, issuer, subject, person_id, name_of(name), sorted(given.roles), whose, now, adds
        )
        if row is None or not (row["added"] or row["changed"]):
            return row
        said: dict[str, str | int] = {**acts.as_details(given.roles, given.tenants)}
        action = acts.ADDED_BY_PROVIDER
        if row["changed"]:
            action = acts.CHANGED_BY_PROVIDER
            before = row["tenants_before"]
            said["roles_before"] = " ".join(sorted(row["roles_before"]))
            said["tenants_before"] = "all" if before is None else " ".join(sorted(before))
            said["sessions_ended"] = row["sessions_ended"]
        by, random = By(acts.THE_HOUSE), self._draw(acts.RANDOM_BYTES)
        await enter(tx, acts.act(random, now, action, by, row["person_id"], said))
        return row

    async def _refuse(self, tx: Any, why: Why, issuer: str, subject: str, now: datetime, person_id: str | None) -> None:
        said = {"why": why, "by": "provider"}
        if subject and person_id is None:
            said["subject_sha256"] = hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
        by, random = By(acts.THE_HOUSE), self._draw(acts.RANDOM_BYTES)
        await enter(tx, acts.act(random, now, acts.SIGN_IN_REFUSED, by, person_id, said, "denied"))


def name_of(text: str) -> str:
    """Return a name that an account can have, as near as it comes to what a provider calls somebody."""
    found = _NO_NAME.sub("-", text.lower())[:_LONGEST_NAME].strip("._@-")
    return found or "person"
