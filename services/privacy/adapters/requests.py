"""Requests to erase in PostgreSQL: one person asks, another approves; who it is about stands wrapped, until the end."""

import secrets
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from proofwatch.access.errors import NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act, may_approve
from proofwatch.audit.entry import Entry, Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.holders import Tell, logged, unhindered
from proofwatch.privacy.data_keys import sealed
from proofwatch.privacy.key_encryption import NONCE_BYTES, KeyEncryption, Wrapped
from proofwatch.privacy.postgres_keys import PostgresKeys
from services.privacy.adapters.acting import USER, ActRefused, acting, alone, deciding
from services.privacy.adapters.holds import in_force
from services.privacy.core import acts
from services.privacy.core.erasure import Erasure, Held, Hold, Subject

if TYPE_CHECKING:
    import asyncpg

_ERASURES: Final = """
select e.erasure_id, e.tenant, e.mark, e.state, e.reason, e.requested_by, e.requested_at, e.approved_by, e.approved_at,
       e.forgotten_by,
       coalesce((select jsonb_object_agg(s.step, s.figures) from privacy.steps s
                 where s.erasure_id = e.erasure_id), '{}')::text as done
from privacy.erasures e """
_LOCK: Final = "select state from privacy.erasures where erasure_id = $1 for update"
_SEALED: Final = "select sealed_epoch, sealed from privacy.erasures where erasure_id = $1"
_OPEN: Final = """
select erasure_id, state from privacy.erasures where tenant = $1 and mark = $2 and state in ('requested', 'running')"""
_REQUEST: Final = """
insert into privacy.erasures(erasure_id, tenant, mark, state, reason, requested_by, requested_at, sealed_epoch, sealed)
values($1, $2, $3, 'requested', $4, $5, $6, $7, $8)"""
_APPROVE: Final = """
update privacy.erasures set state = 'running', approved_by = $2, approved_at = $3 where erasure_id = $1"""
_WITHDRAW: Final = """
update privacy.erasures set state = 'withdrawn', sealed = null, sealed_epoch = null where erasure_id = $1"""


class ErasureRefused(ActRefused):
    """An erasure is not as somebody wants it; the message says what it is and what would be right."""


class About(NamedTuple):
    """What an erasure is about, in the clear: the person, and transactions that are known to be theirs."""

    subject: Subject
    transactions: frozenset[str]


class _Sealed(msgspec.Struct, frozen=True):
    subject_ref: str
    transactions: tuple[str, ...]


class PostgresRequests:
    """Where erasures are asked for and approved; each act is an entry, refusals by a hold too."""

    def __init__(self, pool: "asyncpg.Pool", keys: KeyEncryption, tell: Tell = logged) -> None:
        """`tell`: is told who keeps an act waiting."""
        self._pool, self._keys, self._tell = pool, keys, tell
        self._people, self._data_keys = PostgresPeople(pool), PostgresKeys(keys)

    async def request(self, token: str, about: About, reason: str, now: datetime) -> str:
        """Ask for an erasure; return its id. Raises `NoSession`, `NotAllowed`, `Held`, `ErasureRefused`."""
        subject, erasure_id = about.subject, str(uuid.uuid4())
        async with self._deciding("the request to erase", acts.REQUESTED, now, reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_ERASURE, now, subject.tenant)
            await alone(tx, subject.tenant, subject.mark)
            if row := await tx.fetchrow(_OPEN, subject.tenant, subject.mark):
                message = f"erasure {row['erasure_id']} of this person is {row['state']} already"
                raise ErasureRefused(message, "asked_for_already", who.person_id, subject.tenant)
            by = person(who.person_id)
            hold = await self._unheld(tx, subject.tenant, subject.mark, erasure_id, by.id, now)
            if hold is None:
                wrapped = await self.wrapped(erasure_id, about)
                await tx.execute(
                    _REQUEST, erasure_id, subject.tenant, subject.mark, reason, who.person_id, now, *wrapped
                )
                what = Object("erasure", erasure_id)
                entry = act(acts.REQUESTED, by, now, what, tenant=subject.tenant, reason=reason)
                await enter(tx, await self._with_sealed(tx, entry, subject))
        if hold:
            raise Held(hold)
        return erasure_id

    async def approve(self, token: str, erasure_id: str, now: datetime) -> Erasure:
        """Let an erasure run that somebody else asked for. Raises as `request` does."""
        what = Object("erasure", erasure_id)
        async with self._deciding(f"the approval of erasure {erasure_id}", acts.APPROVED, now, what) as tx:
            found = await self._asked_for(tx, erasure_id)
            who = await acting(self._people, tx, token, Act.APPROVE_ERASURE, now, found.tenant if found else None)
            if found is None:
                raise _no_such(erasure_id, who.person_id)
            if not may_approve(who.roles, Act.APPROVE_ERASURE, who.person_id, found.requested_by):
                raise NotAllowed(
                    "who asked for an erasure does not approve it: somebody else of the role privacy does",
                    who.person_id,
                    "own_proposal",
                    found.tenant,
                )
            await alone(tx, found.tenant, found.mark)
            await _require_requested(tx, erasure_id, who.person_id, found.tenant)
            hold = await self._unheld(tx, found.tenant, found.mark, erasure_id, who.person_id, now)
            if hold is None:
                await tx.execute(_APPROVE, erasure_id, who.person_id, now)
                by = person(who.person_id)
                await enter(tx, act(acts.APPROVED, by, now, what, tenant=found.tenant))
        if hold:
            raise Held(hold)
        return found._replace(state="running", approved_by=who.person_id, approved_at=now)

    async def previewing(self, token: str, tenant: str, reason: str, now: datetime) -> None:
        """Enter that somebody looks what an erasure would touch. Raises `NoSession`, `NotAllowed`."""
        async with deciding(self._pool, acts.PREVIEWED, now, reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_ERASURE, now, tenant)
            by = person(who.person_id)
            await enter(tx, act(acts.PREVIEWED, by, now, tenant=tenant, reason=reason))

    async def withdraw(self, token: str, erasure_id: str, reason: str, now: datetime) -> None:
        """Take back what nobody has approved. Raises `NoSession`, `NotAllowed`, `ErasureRefused`."""
        async with deciding(self._pool, acts.WITHDRAWN, now, Object("erasure", erasure_id), reason=reason) as tx:
            found = await self._asked_for(tx, erasure_id)
            who = await acting(self._people, tx, token, Act.PROPOSE_ERASURE, now, found.tenant if found else None)
            if found is None:
                raise _no_such(erasure_id, who.person_id)
            await _require_requested(tx, erasure_id, who.person_id, found.tenant)
            await tx.execute(_WITHDRAW, erasure_id)
            by, what = person(who.person_id), Object("erasure", erasure_id)
            await enter(tx, act(acts.WITHDRAWN, by, now, what, tenant=found.tenant, reason=reason))

    async def listed(self, token: str, now: datetime, *, ended: bool) -> Sequence[Erasure]:
        """Return the erasures of the tenants that are there for who asks. Raises `NoSession`, `NotAllowed`."""
        async with deciding(self._pool, acts.LISTED, now, Object("list", "erasures")) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_ERASURE, now, None)
            where = "where ($1::text[] is null or e.tenant = any($1)) and ($2 or e.state in ('requested', 'running'))"
            tenants = None if who.tenants is None else sorted(who.tenants)
            rows = await tx.fetch(f"{_ERASURES}{where} order by e.requested_at, e.erasure_id", tenants, ended)
            await enter(tx, acts.listed("erasures", who.person_id, who.session_id, len(rows), now))
        return [_erasure(row) for row in rows]

    async def found(self, tx: Any, erasure_id: str) -> Erasure:
        """Return an erasure. Raises `ErasureRefused`."""
        found = await self._asked_for(tx, erasure_id)
        if found is None:
            raise _no_such(erasure_id)
        return found

    async def about(self, tx: Any, erasure: Erasure) -> About:
        """Return whom an erasure that has not ended is about. Raises `EpochDestroyed`, `Tampered`."""
        row = await tx.fetchrow(_SEALED, erasure.erasure_id)
        plain = await self._keys.unwrap(Wrapped(*row), f"erasure\0{erasure.erasure_id}")
        known = msgspec.json.decode(plain, type=_Sealed)
        return About(Subject(erasure.tenant, known.subject_ref, erasure.mark), frozenset(known.transactions))

    async def wrapped(self, erasure_id: str, about: About) -> Wrapped:
        """Return what an erasure is about as it is stored until it has ended."""
        known = _Sealed(about.subject.subject_ref, tuple(sorted(about.transactions)))
        return await self._keys.wrap(msgspec.json.encode(known), f"erasure\0{erasure_id}")

    @asynccontextmanager
    async def _deciding(
        self, what: str, action: str, now: datetime, *objects: Object, reason: str = ""
    ) -> AsyncIterator[Any]:
        async with (
            deciding(self._pool, action, now, *objects, reason=reason) as tx,
            unhindered(self._pool, tx, USER, what, self._tell),
        ):
            yield tx

    async def _asked_for(self, tx: Any, erasure_id: str) -> Erasure | None:
        row = await tx.fetchrow(f"{_ERASURES}where e.erasure_id = $1", erasure_id)
        return _erasure(row) if row else None

    async def _unheld(
        self, tx: Any, tenant: str, mark: str, erasure_id: str, person_id: str, now: datetime
    ) -> Hold | None:
        """Return the hold that forbids it, which is an entry then."""
        hold = await in_force(tx, tenant, mark, now)
        if hold:
            what = Object("erasure", erasure_id), Object("hold", hold.hold_id)
            by = person(person_id)
            await enter(tx, act(acts.REFUSED, by, now, *what, tenant=tenant, outcome="denied"))
        return hold

    async def _with_sealed(self, tx: Any, entry: Entry, subject: Subject) -> Entry:
        """Seal who it is about under their own key: as long as they are not erased, who holds keys can tell."""
        whose = (subject.tenant, subject.mark)
        key = (await self._data_keys.held_or_made(tx, {whose}))[whose]
        plain = msgspec.json.encode({"subject_ref": subject.subject_ref})
        return acts.with_sealed(entry, sealed(key, plain, entry.entry_id, secrets.token_bytes(NONCE_BYTES)))


async def _require_requested(tx: Any, erasure_id: str, by: str, tenant: str) -> None:
    found = await tx.fetchval(_LOCK, erasure_id)
    if found == "running":
        raise ErasureRefused(
            f"erasure {erasure_id} is approved already, and running; if it was interrupted: "
            f"proofwatch erase resume {erasure_id}",
            "erasure_not_waiting",
            by,
            tenant,
        )
    if found != "requested":
        message = f"erasure {erasure_id} is {found}, not requested; `proofwatch erase list` shows them"
        raise ErasureRefused(message, "erasure_not_waiting", by, tenant)


def _no_such(erasure_id: str, by: str | None = None) -> ErasureRefused:
    message = f"there is no erasure {erasure_id!r}; `proofwatch erase list` shows those that there are"
    return ErasureRefused(message, "no_such_erasure", by)


def _erasure(row: Any) -> Erasure:
    fields = dict(row)
    return Erasure(**{**fields, "done": msgspec.json.decode(fields["done"], type=dict[str, dict[str, int]])})


def known(ids: Collection[str]) -> frozenset[str]:
    """Return ids of transactions that a database can hold as text; what cannot be one is none of ours."""
    return frozenset(each for each in ids if each and "\0" not in each)
