"""What is counted of a time in PostgreSQL: transactions by the ledger's days, opened ones by views, cases by triage."""

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from proofwatch.bus.postgres.pool import session
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.metric_catalogue import IMAGERY_TRANSACTIONS
from services.imagery.core.share import Counted

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "imagery share"
_DAYS: Final = """
select tenant, min(coalesce(start_ms, (day - date '1970-01-01') * 86400000::bigint)) as start_ms,
       max(coalesce(end_ms, (day - date '1970-01-01' + 1) * 86400000::bigint)) as end_ms,
       sum(greatest(match_requested, liveness_requested))::bigint as transactions
from ledger.windows
where segment_name = '' and segment_value = '' and day >= $1 and day < $2
  and ($3::text is null or tenant = $3 collate "C") group by tenant order by tenant"""
_OPENED: Final = """
select count(*) from imagery.flagged f where f.tenant = $1 and f.flagged_at >= $2 and f.flagged_at < $3
and exists(select from imagery.leases l join imagery.views v using (lease_id)
           where l.tenant = f.tenant and l.transaction_id = f.transaction_id
             and v.state in ('intended', 'delivered', 'presumed_seen'))"""
_RESEARCH: Final = """
select count(distinct r.transaction_id)
from triage.case_reasons r join triage.cases c using (case_id) left join triage.cases m on m.case_id = c.merged_into
where c.tenant = $1 and r.at >= $2 and r.at < $3 and r.transaction_id is not null
  and 'research' in (c.queue, m.queue)"""
_LOOK_EVERY_S: Final = 600.0
_SHOWN_DAYS: Final = 30


async def counted(connection: Any, first: date, after: date, tenant: str | None = None) -> dict[str, Counted]:
    """Return the counts of each tenant's own days from `first` until before `after`; None: of every tenant."""
    found = {}
    for name, start_ms, end_ms, transactions in map(tuple, await connection.fetch(_DAYS, first, after, tenant)):
        between: tuple[datetime, datetime] = (instant_of(start_ms), instant_of(end_ms))
        opened = await connection.fetchval(_OPENED, name, *between)
        research = await connection.fetchval(_RESEARCH, name, *between)
        found[name] = Counted(transactions, opened, research)
    return found


class ShareSample:
    """The counts of all tenants over the last days, for the metrics; looked up every ten minutes."""

    def __init__(self, pool: "asyncpg.Pool", clock: Clock, small_cell: int) -> None:
        """Counts of fewer than `small_cell` are not shown."""
        self._pool, self._clock, self._k = pool, clock, small_cell
        self._seen: Sequence[Sample] = ()
        self._again_at = 0.0

    async def sample(self) -> Sequence[Sample]:
        """Ask the database, if it is time. Raises `DatabaseAway`."""
        if time.monotonic() >= self._again_at:
            today = instant_of(self._clock.now_ms()).date()
            async with session(self._pool, _USER) as connection:
                of_tenants = await counted(connection, today - timedelta(days=_SHOWN_DAYS), today)
            sums = Counted(*(sum(each) for each in zip(*of_tenants.values(), strict=True))) if of_tenants else None
            self._seen = [
                Sample(IMAGERY_TRANSACTIONS.name, (what,), count)
                for what, count in (sums._asdict() if sums else {}).items()
                if count >= self._k
            ]
            self._again_at = time.monotonic() + _LOOK_EVERY_S
        return self._seen
