"""The schemas `windows` and `ledger` as a source, in one snapshot and read only; closed windows only."""

from collections.abc import Callable
from typing import Any, Final

from services.aggregator.adapters.bucket_bodies import wanted_segments, whole_tenant
from services.aggregator.adapters.postgres_ledger import edge_sets
from services.aggregator.core.found import Found, Query, everybody_sees, no_such_tenant, nothing_within
from services.aggregator.core.labelled import Cell
from services.aggregator.core.labelled_counts import CellCounts, class_counts, transactions_by_policy
from services.aggregator.core.lengths import LENGTHS_S
from services.aggregator.core.span import CountedWindow, LabelledWindow, Stretch, gaps
from services.aggregator.core.times import DAY_S

_TENANTS: Final = """
with recursive t as (
  (select tenant from windows.buckets order by tenant limit 1)
  union all
  select (select b.tenant from windows.buckets b where b.tenant > t.tenant order by b.tenant limit 1)
  from t where t.tenant is not null
) select tenant from t where tenant is not null
"""
_WINDOWS: Final = """
select b.length_s, b.start_ms, coalesce(b.end_ms, b.start_ms + b.length_s * 1000::bigint), b.late, b.body
from unnest($3::bigint[], $4::bigint[]) g(since_ms, until_ms) join windows.buckets b
on b.tenant = $1 and b.length_s = $2 and b.closed and b.start_ms >= g.since_ms and b.start_ms < g.until_ms
where coalesce(b.end_ms, b.start_ms + b.length_s * 1000::bigint) <= g.until_ms
"""
_PAGE: Final = """
select start_ms, coalesce(end_ms, start_ms + length_s * 1000::bigint), late, body from windows.buckets
where tenant = $1 and length_s = $2 and closed and start_ms >= $3 and start_ms < $4
  and coalesce(end_ms, start_ms + length_s * 1000::bigint) <= $4
order by start_ms limit $5
"""
_BEFORE_MS, _AFTER_MS = -(2**62), 2**62
_EXTENT: Final = """
select min(start_ms) as first, max(coalesce(end_ms, start_ms + length_s * 1000::bigint)) as last
from windows.buckets where tenant = $1 and closed
"""
_DAYS: Final = """
with d as (
  select *, coalesce(start_ms, (day - date '1970-01-01') * 86400000::bigint) as from_ms,
         coalesce(end_ms, (day - date '1970-01-01' + 1) * 86400000::bigint) as until_ms
  from ledger.windows where tenant = $1 collate "C"
)
select window_key, from_ms, until_ms, segment_name, segment_value, revision, live, match_requested, liveness_requested
from d where ($2::bigint is null or from_ms >= $2) and ($3::bigint is null or until_ms <= $3)
  and (segment_name = '' or segment_name = any($4))
"""
_CELLS: Final = """
select window_key, policy_hash, class, outcome, edge_set_id, bin, n
from ledger.labelled_cells where window_key = any($1) and n <> 0
"""
_AT_ONCE: Final = 500


async def load_database(pool: Any, query: Query, sees: Callable[[str], bool] = everybody_sees) -> Found:
    """Return what the deployment counted of the tenant. Raises `NothingFound`, and `BusError` by way of the pool.

    `sees`: whether who asks may know that there is such a tenant; of the others no refusal speaks.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        found = await _windows(connection, query, sees)
        return Found(found, await _labelled(connection, query))


async def tenants_counted(connection: Any) -> list[str]:
    """Return the tenants that have windows, in alphabetic order."""
    return [row[0] for row in await connection.fetch(_TENANTS)]


async def windows_page(connection: Any, query: Query, since_ms: int, until_ms: int, most: int) -> list[CountedWindow]:
    """Return the windows of the length asked for that lie in a span, of at most so many starts, the oldest first."""
    rows = await connection.fetch(_PAGE, query.tenant, query.length_s, since_ms, until_ms, most)
    return [
        each
        for start_ms, end_ms, late, body in rows
        for each in _counted(query, Stretch.between(query.length_s or 0, start_ms, end_ms), late, body)
    ]


async def _windows(connection: Any, query: Query, sees: Callable[[str], bool]) -> list[CountedWindow]:
    lengths = reversed(LENGTHS_S) if query.length_s is None else (query.length_s,)
    found: list[CountedWindow] = []
    taken: list[Stretch] = []
    for length_s in lengths:  # the longest first, shorter ones where these are not: a month is thirty days
        if left := gaps(taken, query.span):
            since = [_BEFORE_MS if each.since_ms is None else each.since_ms for each in left]
            until = [_AFTER_MS if each.until_ms is None else each.until_ms for each in left]
            rows = connection.cursor(_WINDOWS, query.tenant, length_s, since, until, prefetch=_AT_ONCE)
            async for own_length_s, start_ms, end_ms, late, body in rows:
                at = Stretch.between(own_length_s, start_ms, end_ms)
                taken.append(at)
                found += _counted(query, at, late, body)
    if taken:
        return sorted(found, key=lambda each: each.at.start_ms)
    first, last = await connection.fetchrow(_EXTENT, query.tenant)
    if first is None:
        there = [each for each in await tenants_counted(connection) if sees(each)]
        raise no_such_tenant(query.tenant, "the database", there)
    raise nothing_within(query, first, last)


def _counted(query: Query, at: Stretch, late: bool, body: bytes) -> list[CountedWindow]:
    segments = wanted_segments(body, query.wants) if query.names else whole_tenant(body)
    return [
        CountedWindow(
            at,
            (each.name, each.value),
            each.revision,
            late,
            tuple(each.policies.values()),
            tuple(each.policies),
        )
        for each in segments
    ]


async def _labelled(connection: Any, query: Query) -> list[LabelledWindow]:
    rows = await connection.fetch(_DAYS, query.tenant, *query.span, list(query.names))
    rows = [row for row in rows if query.wants((row["segment_name"] or None, row["segment_value"] or None))]
    cells: dict[int, list[tuple[Cell, int]]] = {row["window_key"]: [] for row in rows}
    for key, *cell, n in await connection.fetch(_CELLS, list(cells)):
        cells[key].append((Cell(*cell), n))
    grids = await edge_sets(connection, (cell for each in cells.values() for cell, _ in each))
    found = []
    for row in sorted(rows, key=lambda row: (row["from_ms"], row["segment_name"], row["segment_value"])):
        own: CellCounts = cells[row["window_key"]]
        found.append(
            LabelledWindow(
                Stretch.between(DAY_S, row["from_ms"], row["until_ms"]),
                (row["segment_name"] or None, row["segment_value"] or None),
                row["revision"],
                not row["live"],
                class_counts(own, grids),
                (row["match_requested"], row["liveness_requested"]),
                tuple(transactions_by_policy(own)),
            )
        )
    return found
