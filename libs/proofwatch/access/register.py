"""The register of people in PostgreSQL: who is added, enrolled, given roles, revoked; each act with its entry.

Whoever changes a person's access ends their sessions in the same transaction: what they may is never older than that.
"""

import secrets
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proofwatch.access import acts, attempts
from proofwatch.access.acts import By
from proofwatch.access.code_seal import PLAIN, CodeSeal
from proofwatch.access.errors import NotAllowed
from proofwatch.access.judgement import Account, is_name
from proofwatch.access.one_time_codes import new_secret
from proofwatch.access.roles import Role, checked
from proofwatch.access.stored import account_named
from proofwatch.audit.entry import person
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.holders import Ended, Tell, logged, unhindered
from proofwatch.bus.postgres.pool import session, transaction

if TYPE_CHECKING:
    import asyncpg

_ADD: Final = """
insert into access.people(person_id, name, tenants, roles, added_at, added_by, given_at, given_by)
values($1, $2, $3, $4, $5, $6, $5, $6)
on conflict(name) do nothing returning 1"""
_ENROL: Final = """
update access.people set password_hash = $2, code_secret = $3, code_step = 0 where person_id = $1"""
_ROLES: Final = """
update access.people set roles = $2, tenants = $3, given_at = $4, given_by = $5 where person_id = $1"""
_REVOKE: Final = """
update access.people set revoked_at = $2, password_hash = null, code_secret = null where person_id = $1"""
_END: Final = """
with ended as (update access.sessions set ended_at = $2, ended_by = $3
               where person_id = $1 and ended_at is null returning 1)
select count(*) from ended"""
_END_ALL: Final = """
with ended as (update access.sessions set ended_at = $1, ended_by = 'all_ended' where ended_at is null returning 1)
select count(*) from ended"""
_ALONE: Final = "lock table access.people, access.sessions in exclusive mode"
"""Who comes later waits: of rows that are shared, others could take turns for ever. Reading goes on."""
_LIST: Final = """
select p.person_id, p.name, p.tenants, p.roles, p.password_hash is not null as enrolled, p.revoked_at,
       (select count(*) from access.sessions s
        where s.person_id = p.person_id and s.ended_at is null and s.expires_at > $1) as sessions
from access.people p order by p.revoked_at is not null, p.name"""


class NoSuchPerson(LookupError):
    """There is nobody of that name, or what is asked for is not for them; the message says what is."""


class Listed(NamedTuple):
    """A person as the list has them; `sessions`: how many have not ended. Nothing of it is a secret."""

    person_id: str
    name: str
    tenants: Sequence[str] | None
    roles: Sequence[str]
    enrolled: bool
    revoked_at: datetime | None
    sessions: int


class PostgresRegister:
    """The register. `by` is who changes it: an admin's session (`roles.Act.CHANGE_PEOPLE`), or the operator."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        seal: CodeSeal = PLAIN,
        draw: Draw = secrets.token_bytes,
        tell: Tell = logged,
    ) -> None:
        """`seal`: of the secrets of one-time codes; only `enrol` needs it. `draw`: ids, never secrets.

        `tell`: is told who keeps an act waiting.
        """
        self._pool, self._seal, self._draw, self._tell = pool, seal, draw, tell

    async def add(self, name: str, roles: Iterable[Role], tenants: Iterable[str] | None, by: By, now: datetime) -> str:
        """Add a person, who cannot sign in before `enrol`; return the id. `tenants` None: every one.

        Raises `NoSuchPerson` for a name that cannot be, or was given before; `RolesExclude`.
        """
        if not is_name(name):
            raise NoSuchPerson(
                f"{name!r} is no name of an account: lower case letters, digits and . _ @ -, at most 64, such as a.rao"
            )
        held, whose = checked(roles), None if tenants is None else frozenset(tenants)
        person_id = str(uuid.UUID(bytes=self._draw(16), version=4))
        async with transaction(self._pool, "access") as tx:
            if not await tx.fetchval(_ADD, person_id, name, _listed(whose), sorted(held), now, by.actor.id):
                raise NoSuchPerson(f"{name} is there already, or was: a name is given once")
            await self._enter(tx, acts.ADDED, by, person_id, acts.as_details(held, whose), now)
        return person_id

    async def enrol(self, name: str, password_hash: str, by: By, now: datetime) -> str:
        """Give a person a password and a new secret for one-time codes; return the secret, which is shown once.

        `password_hash`: of `passwords.hashed`. What they had before counts no more. Raises `NoSuchPerson`,
        `NotAllowed` for oneself.
        """
        secret = new_secret()
        async with self._alone("the enrolment") as (tx, hindered):
            who = _local(await _changed(tx, name, by))
            stored = self._seal.sealed(secret, who.person_id)
            await tx.execute(_ENROL, who.person_id, password_hash, stored)
            await attempts.forget(tx, name)
            await self._ended(tx, acts.ENROLLED, who, by, await _hindered(hindered), now)
        return secret

    async def give_roles(
        self, name: str, roles: Iterable[Role], tenants: Iterable[str] | None, by: By, now: datetime
    ) -> int:
        """Give a person these roles and tenants instead of those they have; return how many sessions that ended.

        Raises `NoSuchPerson`, `RolesExclude`, `NotAllowed` for oneself.
        """
        held, whose = checked(roles), None if tenants is None else frozenset(tenants)
        async with self._alone("the change of roles") as (tx, hindered):
            who = _local(await _changed(tx, name, by))
            before = acts.as_details((Role(each) for each in who.roles if each in set(Role)), who.tenants)
            await tx.execute(_ROLES, who.person_id, sorted(held), _listed(whose), now, by.actor.id)
            details = acts.as_details(held, whose) | {f"{key}_before": value for key, value in before.items()}
            return await self._ended(tx, acts.ROLES_GIVEN, who, by, details | await _hindered(hindered), now)

    async def revoke(self, name: str, by: By, now: datetime) -> int:
        """Let a person in no more, now and for good; return how many sessions that ended.

        Raises `NoSuchPerson`, `NotAllowed` for oneself.
        """
        async with self._alone("the revocation") as (tx, hindered):
            who = await _changed(tx, name, by)
            await tx.execute(_REVOKE, who.person_id, now)
            return await self._ended(tx, acts.REVOKED, who, by, await _hindered(hindered), now)

    async def end_sessions(self, by: By, now: datetime) -> int:
        """End every session of everybody, as after a clock that ran ahead, or a theft; return how many."""
        async with self._alone("the end of all sessions") as (tx, hindered):
            ended = int(await tx.fetchval(_END_ALL, now))
            details = {"sessions_ended": ended, **await _hindered(hindered)}
            await self._enter(tx, acts.SESSIONS_ENDED, by, None, details, now)
        return ended

    async def everybody(self, now: datetime) -> list[Listed]:
        """Return who is in the register, those who were revoked last."""
        async with session(self._pool, "access") as connection:
            return [Listed(**row) for row in await connection.fetch(_LIST, now)]

    @asynccontextmanager
    async def _alone(self, what: str) -> AsyncIterator[tuple[Any, Ended]]:
        """Give a transaction in which nobody else changes people or sessions, or keeps one from ending."""
        async with (
            transaction(self._pool, "access") as tx,
            unhindered(self._pool, tx, "access", what, self._tell) as hindered,
        ):
            await tx.execute(_ALONE)
            yield tx, hindered

    async def _ended(self, tx: Any, action: str, who: Account, by: By, details: dict[str, str], now: datetime) -> int:
        ended = int(await tx.fetchval(_END, who.person_id, now, action.partition(".")[2]))
        await self._enter(tx, action, by, who.person_id, {**details, "sessions_ended": ended}, now)
        return ended

    async def _enter(
        self, tx: Any, action: str, by: By, person_id: str | None, details: dict[str, Any], now: datetime
    ) -> None:
        await enter(tx, acts.act(self._draw(acts.RANDOM_BYTES), now, action, by, person_id, details))


async def _changed(tx: Any, name: str, by: By) -> Account:
    """Return the account of somebody whose access is changed, locked: it opens no session meanwhile."""
    who = await account_named(tx, name, locked=True)
    if who is None:
        raise NoSuchPerson(f"there is nobody of the name {name!r}; `proofwatch people list` shows who is there")
    if who.revoked_at is not None:
        raise NoSuchPerson(f"{name} was revoked at {who.revoked_at:%Y-%m-%d %H:%M} UTC, for good: add another account")
    if by.actor == person(who.person_id):
        raise NotAllowed("nobody changes their own access: let another admin do it", who.person_id, "own_access")
    return who


def _local(who: Account) -> Account:
    """Return an account whose password and roles are given here. Raises `NoSuchPerson`."""
    if who.issuer is not None:
        raise NoSuchPerson(
            f"{who.name} signs in with the provider {who.issuer}, which says what they are: change their groups there; "
            "here they can be revoked"
        )
    return who


async def _hindered(by: Ended) -> dict[str, str]:
    """Return, for the entry, whose sessions had to be ended for the act."""
    roles = await by.roles()
    return {"holders_ended": " ".join(roles)} if roles else {}


def _listed(tenants: frozenset[str] | None) -> list[str] | None:
    return None if tenants is None else sorted(tenants)
