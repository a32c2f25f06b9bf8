"""The broker's tables in PostgreSQL, schema `imagery`, and what it may look at of cases and people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from proofwatch.access.postgres import PostgresPeople
from proofwatch.audit.entry import Entry
from proofwatch.audit.pending import enter
from proofwatch.bus.errors import BusUnavailable, DatabaseAway, DatabaseUnfit, ErasuresUnknown
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.pool import transaction
from proofwatch.governance.purposes import Purpose
from proofwatch.instants import instant_of
from proofwatch.privacy.restriction import Restriction, restricted
from proofwatch.privacy.suppression import Erased, Whose, suppressed
from proofwatch.runtime.clock import Clock
from services.imagery.adapters.glasses import PostgresGlasses
from services.imagery.core.facts import CaseFacts, Flagged, Moment, Viewer
from services.imagery.core.lease import Lease, View, ViewState

if TYPE_CHECKING:
    import asyncpg

_log = structlog.get_logger(__name__)
_USER: Final = "imagery"
_CASE: Final = """
select c.tenant, c.state <> 'closed' as open, c.queue = 'research' as high_risk,
  (select person_id from triage.assignments a where a.case_id = c.case_id and a.released_at is null) as assignee,
  array(select unnest(array[p.case_id, p.part_of]) from triage.cases p
    where (p.case_id = c.case_id or p.part_of = c.case_id)
      and exists(select from triage.case_reasons r where r.case_id = p.case_id and r.transaction_id = $2)) as homes
from triage.cases o join triage.cases c on c.case_id = coalesce(o.part_of, o.case_id) where o.case_id = $1"""
_FLAGGED: Final = """
select tenant, transaction_id, subject_tag, imagery_ref, imagery_sha256, imagery_media_type, flagged_at
from imagery.flagged where tenant = $1 and transaction_id = $2"""
_CLOCK: Final = "select last_seen_at from imagery.clock for update"
_SEEN: Final = "update imagery.clock set last_seen_at = $1 where last_seen_at < $1"
_ADD_LEASE: Final = """
insert into imagery.leases(lease_id, session_id, person_id, tenant, case_id, transaction_id, purpose, reason,
  granted_at, expires_at, views_left, revoked_at, glass_id)
values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
_LEASE: Final = """
select lease_id, session_id, person_id, tenant, case_id, transaction_id, purpose, reason, granted_at, expires_at,
  views_left, revoked_at, glass_id from imagery.leases where lease_id = $1 for update"""
_SPEND: Final = "update imagery.leases set views_left = views_left - 1 where lease_id = $1"
_BEGIN: Final = """
insert into imagery.views(view_id, lease_id, person_id, sharp, state, intended_at)
values($1, $2, $3, $4, 'intended', $5)"""
_END: Final = """
update imagery.views set state = $2, code = $3, bytes = $4, ended_at = $5 where view_id = $1 and state = 'intended'
returning view_id"""
_OPEN: Final = """
select view_id, lease_id, person_id, sharp, intended_at from imagery.views where state = 'intended' and intended_at < $1
order by intended_at limit 100 for update skip locked"""
_FLAG: Final = """
insert into imagery.flagged(tenant, transaction_id, subject_tag, imagery_ref, imagery_sha256, imagery_media_type,
  flagged_at, keyed)
select u.*, $8::bool
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) as u
on conflict(tenant, transaction_id) do update set imagery_ref = coalesce(flagged.imagery_ref, excluded.imagery_ref),
  imagery_sha256 = coalesce(flagged.imagery_sha256, excluded.imagery_sha256),
  imagery_media_type = coalesce(flagged.imagery_media_type, excluded.imagery_media_type)
where flagged.subject_tag = excluded.subject_tag and flagged.keyed = excluded.keyed
  and coalesce(flagged.imagery_ref = excluded.imagery_ref, true)
returning 1"""


class PostgresBroker(PostgresGlasses):
    """See `ports.Store`, and `ports.Flags`."""

    def __init__(self, pool: "asyncpg.Pool", erasures: ErasureLog | None = None) -> None:
        """`erasures`: those that were announced; None: nobody looks, as where the lane has."""
        self._pool, self._erasures = pool, erasures
        self._people = PostgresPeople(pool)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Give a transaction. Raises `DatabaseAway`: also while the database, restored, has erased people again."""
        if self._erasures:
            try:
                await self._erasures.require_known(self._pool, _USER)
            except DatabaseAway:
                raise
            except (BusUnavailable, ErasuresUnknown) as error:
                raise DatabaseUnfit(str(error), "erasures") from None
        async with transaction(self._pool, _USER) as tx:
            yield tx

    async def viewer(self, tx: Any, session_id: str, now: datetime) -> Viewer | None:
        """Return who holds the session, as the tables say now."""
        session = await self._people.locked(tx, session_id, now)
        if session is None:
            return None
        roles = frozenset(str(role) for role in session.roles)
        return Viewer(session.person_id, session.session_id, roles, session.tenants, session.mfa_at)

    async def case(self, tx: Any, case_id: str, transaction_id: str) -> CaseFacts | None:
        """Return the case as it is now."""
        row = await tx.fetchrow(_CASE, case_id, transaction_id)
        if row is None:
            return None
        homes = frozenset(each for each in row["homes"] if each)
        return CaseFacts(case_id, **{**dict(row), "homes": homes}, has_transaction=bool(homes))

    async def flagged(self, tx: Any, tenant: str, transaction_id: str) -> Flagged | None:
        """Return the transaction, if it was flagged."""
        row = await tx.fetchrow(_FLAGGED, tenant, transaction_id)
        return Flagged(**dict(row)) if row else None

    async def restriction(self, tx: Any, flagged: Flagged, now: datetime) -> Restriction | None:
        """Return what restricts the processing of the transaction's person."""
        whose = flagged.tenant, flagged.subject_tag
        return (await restricted(tx, {whose}, now)).get(whose)

    async def moment(self, tx: Any, clock: Clock) -> Moment:
        """Wait for whoever decides, take the time, and remember it if it is the latest."""
        found: datetime = await tx.fetchval(_CLOCK)
        now = instant_of(clock.now_ms())
        await tx.execute(_SEEN, now)
        return Moment(now, found)

    async def views_since(self, tx: Any, person_id: str, since: datetime) -> int:
        """Return how many views a person has had begun since."""
        query = "select count(*) from imagery.views where person_id = $1 and intended_at >= $2"
        return int(await tx.fetchval(query, person_id, since))

    async def add_lease(self, tx: Any, lease: Lease) -> None:
        """Keep a lease."""
        await tx.execute(_ADD_LEASE, *lease._replace(purpose=lease.purpose.value))  # type: ignore[arg-type]

    async def lease(self, tx: Any, lease_id: str) -> Lease | None:
        """Return the lease, locked."""
        row = await tx.fetchrow(_LEASE, lease_id)
        return Lease(**{**dict(row), "purpose": Purpose(row["purpose"])}) if row else None

    async def begin_view(self, tx: Any, view: View) -> None:
        """Keep a view, and take it off its lease."""
        await tx.execute(_SPEND, view.lease_id)
        await tx.execute(_BEGIN, *view)

    async def end_view(self, tx: Any, view_id: str, state: ViewState, code: str, sent: int, now: datetime) -> bool:
        """Say what became of a view; False: it had ended already."""
        return await tx.fetchval(_END, view_id, state, code, sent, now) is not None

    async def begun_before(self, tx: Any, before: datetime) -> list[View]:
        """Return the oldest views that have not ended, locked."""
        return [View(**dict(row)) for row in await tx.fetch(_OPEN, before)]

    async def enter(self, tx: Any, *entries: Entry) -> None:
        """Enter what was done in the audit log."""
        await enter(tx, *entries)

    async def erased(self, tx: Any, subjects: set[Whose]) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        return await suppressed(tx, subjects)

    async def flag(self, tx: Any, flagged: list[Flagged], *, keyed: bool = False) -> None:
        """Keep what was flagged; see `Flagged.with_imagery_of` for what comes to it later."""
        first: dict[tuple[str, str], Flagged] = {}  # one statement takes a row once
        for each in flagged:
            key = each.tenant, each.transaction_id
            first[key] = first[key].with_imagery_of(each) if key in first else each
        kept = await tx.fetch(_FLAG, *map(list, zip(*first.values(), strict=True)), keyed)
        if len(kept) < len(first):
            _log.warning("imagery_of_others_left_out", flagged=len(first) - len(kept))
