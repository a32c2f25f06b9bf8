"""Cases as people work on them, in PostgreSQL: looked at, taken, given, released, closed; each act with its entry.

Whoever acts is locked as a session for as long as the transaction lasts, and so is the case: of two who take it at the
same moment one has it.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import AccessDenied, NoSession, NotAllowed
from proofwatch.access.judgement import is_name
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, person
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import transaction
from services.triage.adapters import entries
from services.triage.adapters.desk_rows import case_in, listed_in, worker_in
from services.triage.core.assignments import (
    CaseNow,
    Change,
    Deed,
    ListedCase,
    Refusal,
    Worker,
    decided,
    is_there,
)  # fmt: skip

if TYPE_CHECKING:
    import asyncpg

_CASES: Final = """
select c.case_id, c.tenant, c.kind, c.state, c.severity, c.queue, c.opened_at, c.changed_at, c.about::text as about,
       a.person_id, a.assigned_at, d.name,
       (select array_agg(r.code order by r.at desc, r.code)
        from triage.case_reasons r where r.case_id = c.case_id) as codes
from triage.cases c
left join triage.assignments a on a.case_id = c.case_id and a.released_at is null
left join access.directory d on d.person_id = a.person_id
where ($1::text is null or c.case_id = $1) and ($2::text[] is null or c.tenant = any($2))
  and ($3::text[] is null or c.state = any($3)) and ($4::text is null or a.person_id = $4)
order by c.queue = 'research' desc, c.severity = 'high' desc, c.changed_at desc, c.case_id limit $5"""
_LOCK: Final = """
select case_id, tenant, state, severity, queue, about::text as about from triage.cases where case_id = $1 for update"""
_ASSIGNEE: Final = "select person_id from triage.assignments where case_id = $1 and released_at is null"
_RELEASE: Final = """
update triage.assignments set released_at = $2, released_by = $3 where case_id = $1 and released_at is null"""
_ASSIGN: Final = """
insert into triage.assignments(case_id, person_id, assigned_at, assigned_by) values($1, $2, $3, $4)"""
_REFER: Final = "update triage.cases set queue = 'research' where case_id = $1"
_CLOSE: Final = """
with before as (select case_id, state from triage.cases where case_id = $1),
closed as (
  update triage.cases c set state = 'closed', revision = c.revision + 1, changed_at = greatest(c.changed_at, $2),
    closed_at = $2, closed_by = $3, closed_reason = $4
  where c.case_id = $1 returning c.case_id, c.revision, c.changed_at)
insert into triage.case_transitions(case_id, revision, from_state, to_state, trigger, why, source_id, source_revision,
                                    at)
select closed.case_id, closed.revision, before.state, 'closed', 'person', 'closed_by_person', $5, 1, closed.changed_at
from closed join before using (case_id)"""
_WORKER: Final = "select person_id, tenants, roles from access.directory where name = $1"
_ACTION: Final[Mapping[Deed, str]] = {
    "take": entries.ASSIGNED, "assign": entries.ASSIGNED, "release": entries.RELEASED, "refer": entries.REFERRED,
    "close": entries.CLOSED,
}  # fmt: skip


class NoSuchCase(LookupError):
    """There is no such case for this person: it is not there, not of their tenants, or not of their kind."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"there is no case {case_id!r} for you; `proofwatch cases list` shows those that are")


class CaseRefused(AccessDenied):
    """Somebody may see the case and not do this with it; the message says what would be right."""

    def __init__(self, refusal: Refusal) -> None:
        self.why = refusal.why
        super().__init__(refusal.sentence)


class PostgresDesk:
    """Where people work on cases."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries."""
        self._pool, self._draw = pool, draw
        self._people = PostgresPeople(pool)

    async def listed(
        self,
        token: str,
        now: datetime,
        *,
        case_id: str | None = None,
        states: Sequence[str] | None = None,
        mine: bool = False,
        most: int = 100,
    ) -> list[ListedCase]:
        """Return the cases that are there for this person, grave ones first, once it is on record that they look.

        Raises `NoSession`, `NotAllowed`.
        """
        asking = await self._session(token, now)
        tenants = None if asking.tenants is None else sorted(asking.tenants)
        whose = asking.person_id if mine else None
        async with transaction(self._pool, "cases") as tx:
            rows = await tx.fetch(_CASES, case_id, tenants, states, whose, most)
            found = [each for each in map(listed_in, rows) if is_there(each.now, asking)]
            await enter(tx, entries.read(asking, [each.now for each in found], case_id, now, self._draw))
        return found

    async def do(
        self, deed: Deed, case_id: str, token: str, now: datetime, *, to: str | None = None, reason: str = ""
    ) -> Change:
        """Take, give (`to`: the name of an account), release, refer or close a case; return what became of it.

        Raises `NoSession`, `NotAllowed`, `NoSuchCase`, and `CaseRefused`, which is an entry, too.
        """
        session_id = (await self._session(token, now)).session_id
        async with transaction(self._pool, "cases") as tx:
            acting = await self._people.locked(tx, session_id, now)
            if acting is None:
                raise NoSession
            case = await _locked(tx, case_id)
            if case is None or not is_there(case, acting):
                raise NoSuchCase(case_id)
            found = decided(case, acting, deed, await _worker(tx, to) if to else None)
            by = person(acting.person_id)
            if isinstance(found, Refusal):
                await enter(tx, entries.denied(_ACTION[deed], case, by, found, now, self._draw))
            else:
                await enter(tx, *await self._done(tx, case, found, acting.person_id, reason, now))
        if isinstance(found, Refusal):
            raise CaseRefused(found)
        return found

    async def _session(self, token: str, now: datetime) -> Session:
        found = await self._people.session_of(token, now)
        if found is None:
            raise NoSession
        if not found.may(Act.READ_CASES):
            async with transaction(self._pool, "cases") as tx:
                await enter(tx, entries.read(found, (), None, now, self._draw))
            raise NotAllowed("cases are for analysts, checkers and researchers; an admin gives roles")
        return found

    async def _done(
        self, tx: Any, case: CaseNow, change: Change, person_id: str, reason: str, now: datetime
    ) -> Sequence[Entry]:
        by, draw, found = person(person_id), self._draw, []
        if change.release:
            await tx.execute(_RELEASE, case.case_id, now, person_id)
            found.append(entries.released(case, by, now, draw))
        if change.assign_to:
            await tx.execute(_ASSIGN, case.case_id, change.assign_to, now, person_id)
            found.append(entries.assigned(case, by, change.assign_to, now, draw))
        if change.refer:
            await tx.execute(_REFER, case.case_id)
            found.append(entries.referred(case, by, reason, now, draw))
        if change.close:
            closing = entries.closed(case, by, reason, now, draw)
            await tx.execute(_CLOSE, case.case_id, now, person_id, reason, closing.entry_id)
            found.append(closing)
        return found


async def _locked(tx: Any, case_id: str) -> CaseNow | None:
    row = await tx.fetchrow(_LOCK, case_id)
    return case_in(row, await tx.fetchval(_ASSIGNEE, case_id)) if row else None


async def _worker(tx: Any, name: str) -> Worker | None:
    row = await tx.fetchrow(_WORKER, name) if is_name(name) else None
    return worker_in(row) if row else None
