"""The schemas `windows` and `ledger` as a source, in one snapshot and read only; closed windows only."""

from collections.abc import Sequence
from typing import Any, Final

from services.aggregator.adapters.postgres_ledger import edge_sets
from services.aggregator.adapters.postgres_windows import decoded_segments
from services.aggregator.core.labelled import Cell
from services.aggregator.core.labelled_counts import CellCounts, class_counts, transactions_by_policy
from services.aggregator.core.span import CountedWindow, LabelledWindow, Span, Stretch, cover
from services.aggregator.core.times import DAY_MS
from services.aggregator.queries.found import Found, Query, no_such_tenant, nothing_within

_TENANTS: Final = """
with recursive t as (
  (select tenant from windows.buckets order by tenant limit 1)
  union all
  select (select b.tenant from windows.buckets b where b.tenant > t.tenant order by b.tenant limit 1)
  from t where t.tenant is not null
) select tenant from t where tenant is not null
"""
_STRETCHES: Final = """
select length_s, start_ms from windows.buckets
where tenant = $1 and closed and start_ms >= coalesce($2, start_ms)
  and start_ms + length_s * 1000::bigint <= coalesce($3, start_ms + length_s * 1000::bigint)
  and length_s = coalesce($4, length_s)
"""
_EXTENT: Final = """
select min(start_ms) as first, max(start_ms + length_s * 1000::bigint) as last
from windows.buckets where tenant = $1 and closed
"""
_BODIES: Final = """
select length_s, start_ms, late, body from windows.buckets
where tenant = $1 and (length_s, start_ms) in (select * from unnest($2::int[], $3::bigint[]))
"""
_DAYS: Final = """
select window_key, day - date '1970-01-01' as day, segment_name, segment_value, revision, live,
       match_requested, liveness_requested
from ledger.windows where tenant = $1 collate "C"
  and day >= coalesce(date '1970-01-01' + $2::int, day) and day < coalesce(date '1970-01-01' + $3::int, day + 1)
  and (segment_name = '' or segment_name = any($4))
"""
_CELLS: Final = """
select window_key, policy_hash, class, outcome, edge_set_id, bin, n
from ledger.labelled_cells where window_key = any($1) and n <> 0
"""
_AT_ONCE: Final = 500


async def load_database(pool: Any, query: Query) -> Found:
    """Return what the deployment counted of the tenant. Raises `NothingFound`, and `BusError` by way of the pool."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        chosen = await _chosen(connection, query)
        counted = []
        for begin in range(0, len(chosen), _AT_ONCE):
            some = chosen[begin : begin + _AT_ONCE]
            rows = await connection.fetch(_BODIES, query.tenant, *map(list, zip(*some, strict=True)))
            counted += [each for row in rows for each in _counted(query, *row)]
        counted.sort(key=lambda each: each.at.start_ms)
        return Found(counted, await _labelled(connection, query))


async def _chosen(connection: Any, query: Query) -> list[Stretch]:
    rows = await connection.fetch(_STRETCHES, query.tenant, *query.span, query.length_s)
    stretches = [Stretch(*row) for row in rows]
    if stretches:
        return sorted(stretches if query.length_s is not None else cover(stretches, query.span))
    first, last = await connection.fetchrow(_EXTENT, query.tenant)
    if first is None:
        raise no_such_tenant(query.tenant, "the database", [row[0] for row in await connection.fetch(_TENANTS)])
    raise nothing_within(query, first, last)


def _counted(query: Query, length_s: int, start_ms: int, late: bool, body: bytes) -> list[CountedWindow]:
    return [
        CountedWindow(
            Stretch(length_s, start_ms),
            (each.name, each.value),
            each.revision,
            late,
            tuple(each.policies.values()),
            tuple(each.policies),
        )
        for each in decoded_segments(body)
        if query.wants((each.name, each.value))
    ]


async def _labelled(connection: Any, query: Query) -> list[LabelledWindow]:
    rows = await connection.fetch(_DAYS, query.tenant, *_days(query.span), list(query.names))
    rows = [row for row in rows if query.wants((row["segment_name"] or None, row["segment_value"] or None))]
    cells: dict[int, list[tuple[Cell, int]]] = {row["window_key"]: [] for row in rows}
    for key, *cell, n in await connection.fetch(_CELLS, list(cells)):
        cells[key].append((Cell(*cell), n))
    grids = await edge_sets(connection, (cell for each in cells.values() for cell, _ in each))
    found = []
    for row in sorted(rows, key=lambda row: (row["day"], row["segment_name"], row["segment_value"])):
        own: CellCounts = cells[row["window_key"]]
        found.append(
            LabelledWindow(
                row["day"],
                (row["segment_name"] or None, row["segment_value"] or None),
                row["revision"],
                not row["live"],
                class_counts(own, grids),
                (row["match_requested"], row["liveness_requested"]),
                tuple(transactions_by_policy(own)),
            )
        )
    return found


def _days(span: Span) -> Sequence[int | None]:
    """Return the first whole day of the span and the day after its last, in days since 1970."""
    since, until = span
    return (None if since is None else -(-since // DAY_MS), None if until is None else until // DAY_MS)
