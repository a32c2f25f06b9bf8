"""What counts towards the promised limits, and what is judged of them: `ledger.limit_counts`, `ledger.limits`."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from proofwatch.governance.cohort import Cohort
from services.aggregator.adapters.postgres_joins import columns_of
from services.aggregator.core.labelled_days import Closed
from services.aggregator.core.limits.judging import breach, quiet_from
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.segments import Segment

_ADD: Final = """
insert into ledger.limit_counts as c (tenant, segment_name, segment_value, metric, species, day, effective, k, n)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bigint[],
  $9::bigint[])
on conflict (tenant, segment_name, segment_value, metric, species, day, effective)
do update set k = c.k + excluded.k, n = c.n + excluded.n
"""
_DUE: Final = """
with own as (select * from unnest($2::text[], $3::int[]) as o(tenant, until))
select tenant from ledger.limit_counts left join own using (tenant) where effective <= coalesce(until, $1)
union select tenant from ledger.limits left join own using (tenant) where quiet_from <= coalesce(until, $1)
order by 1 limit $4
"""
_TAKE: Final = """
delete from ledger.limit_counts as c using unnest($1::text[], $2::int[]) as o(tenant, until)
where c.tenant = o.tenant and effective <= until
returning c.tenant, segment_name, segment_value, metric, species, day, effective, k, n
"""
_LOAD: Final = "select tenant, segment_name, segment_value, body from ledger.limits where tenant = any($1)"
_BREACHED: Final = "select tenant, segment_name, segment_value from ledger.limits where breach and tenant = any($1)"
_SAVE: Final = """
insert into ledger.limits (tenant, segment_name, segment_value, quiet_from, breach, body)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::boolean[], $6::bytea[])
on conflict (tenant, segment_name, segment_value)
do update set quiet_from = excluded.quiet_from, breach = excluded.breach, body = excluded.body
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CohortState).decode


async def add(tx: Any, counts: Mapping[Counted, tuple[int, int]]) -> None:
    """Add what a batch counted; rows are locked in one order."""
    rows = [(*each, *counts[each]) for each in sorted(counts) if counts[each] != (0, 0)]
    if rows:
        await tx.execute(_ADD, *columns_of(rows))


async def due(tx: Any, closed: Closed, limit: int) -> list[str]:
    """Return at most `limit` tenants of whom something is to be judged by the evaluation of closed days, in order."""
    own = list(closed.own), list(closed.own.values())
    return [row["tenant"] for row in await tx.fetch(_DUE, closed.others, *own, limit)]


async def take(tx: Any, tenants: Collection[str], closed: Closed) -> dict[str, dict[Counted, tuple[int, int]]]:
    """Take what became known of these tenants by the evaluation of closed days."""
    found: dict[str, dict[Counted, tuple[int, int]]] = {tenant: {} for tenant in tenants}
    for *each, k, n in await tx.fetch(_TAKE, list(tenants), [closed.of(tenant) for tenant in tenants]):
        found[each[0]][Counted(*each)] = k, n
    return found


async def load(tx: Any, tenants: Collection[str]) -> dict[str, dict[Segment, CohortState]]:
    """Return what is judged of these tenants' cohorts."""
    found: dict[str, dict[Segment, CohortState]] = {tenant: {} for tenant in tenants}
    for tenant, name, value, body in await tx.fetch(_LOAD, list(tenants)):
        found[tenant][name or None, value or None] = _decode(body)
    return found


async def breached(tx: Any, tenants: Collection[str]) -> set[Cohort]:
    """Return the cohorts of these tenants whose APCER is found to be above its limit."""
    rows = await tx.fetch(_BREACHED, list(tenants)) if tenants else ()
    return {Cohort(tenant, name or None, value or None) for tenant, name, value in rows}


async def save(tx: Any, cohorts: Mapping[Cohort, CohortState]) -> None:
    """Store the cohorts that changed."""
    rows = sorted(
        (tenant, name or "", value or "", quiet_from(state), breach(state) is not None, _encode(state))
        for (tenant, name, value), state in cohorts.items()
    )
    if rows:
        await tx.execute(_SAVE, *columns_of(rows))
