"""The ledger's counts (`deploy/migrations/ledger.sql`): cells and labelled windows, a few statements per batch.

Every transaction locks in one order, so lanes never deadlock: fence row, rows of `transactions` by key (first all
inserts, then all existing rows), `grids`, rows of `windows` by key, cells. Due windows are locked last and never waited
for (`skip locked`): whoever holds one either restates it or leaves it dirty for the next step.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from proofwatch.biometrics.edges import EdgeSet, edge_set
from proofwatch.bus.postgres.pool import attend as attend
from proofwatch.bus.postgres.setup import fence_progress
from proofwatch.bus.records import TopicPartition
from services.aggregator.adapters.postgres_joins import columns_of, integers
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.labelled import TRANSACTIONS, Cell, Deltas, WindowKey
from services.aggregator.core.labelled_counts import Cohorts, class_counts, with_unlabelled
from services.aggregator.core.labelled_days import Closed
from services.aggregator.ports.ledger import Due

SCHEMA: Final = "ledger"
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_GRIDS = """
insert into ledger.grids select $1, $2, $3 on conflict do nothing
"""
_WINDOWS = """
insert into ledger.windows as w
  (day, tenant, segment_name, segment_value, match_requested, liveness_requested, labelled, dirty, live, start_ms,
   end_ms)
select day, tenant, name, value, match, liveness, labelled, labelled, live, start_ms, end_ms
from unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[], $8::boolean[],
  $9::bigint[], $10::bigint[]) k(day, tenant, name, value, match, liveness, labelled, live, start_ms, end_ms)
on conflict (day, tenant, segment_name, segment_value) do update set
  match_requested = w.match_requested + excluded.match_requested,
  liveness_requested = w.liveness_requested + excluded.liveness_requested,
  labelled = w.labelled or excluded.labelled,
  live = (w.dirty and w.live) or excluded.live,
  dirty = w.dirty or w.labelled or excluded.labelled
returning w.window_key, w.day, w.tenant, w.segment_name, w.segment_value, w.dirty
"""
_CELLS = """
insert into ledger.labelled_cells as c (window_key, policy_hash, class, outcome, edge_set_id, bin, n)
select window_key, policy_hash, class, outcome, edge_set_id, bin, n
from unnest($1::text::bigint[], $2::text::integer[], $3::text::integer[], $4::text::bigint[])
  c(window_key, kind, bin, n)
join unnest($5::text[], $6::text[], $7::text[], $8::text[]) with ordinality
  k(policy_hash, class, outcome, edge_set_id, kind) using (kind)
on conflict (window_key, policy_hash, class, outcome, edge_set_id, bin) do update set n = c.n + excluded.n
"""
_DUE = """
select window_key, day, tenant, segment_name, segment_value, revision, match_requested, liveness_requested, live
from ledger.windows as w where dirty and day <= coalesce((
  select until from unnest($2::text[], $3::date[]) as o(tenant, until) where o.tenant = w.tenant), $1)
order by day, tenant, segment_name, segment_value limit $4 for update skip locked
"""
_RESTATED = "update ledger.windows set revision = revision + 1, dirty = false where window_key = any($1)"
_CELLS_OF = """
select window_key, policy_hash, class, outcome, edge_set_id, bin, n
from ledger.labelled_cells where window_key = any($1) and n <> 0
"""
_GRIDS_OF = "select edge_set_id, grid, thresholds from ledger.grids where edge_set_id = any($1)"
_TOTALS = """
select w.segment_name, w.segment_value, c.class, c.outcome, c.edge_set_id, c.bin, sum(c.n)::bigint as n
from ledger.windows w join ledger.labelled_cells c using (window_key)
where ($1::text is null or w.tenant = $1 collate "C") and c.class <> $2
group by 1, 2, 3, 4, 5, 6 having sum(c.n) <> 0
"""
_PUBLISHING = 0x4C_45_44_47_45_52  # key of the advisory lock, this database's own


async def progress(tx: Any) -> Mapping[TopicPartition, int | None]:
    """Return how far every lane of the ledger has come in time."""
    return await fence_progress(tx, SCHEMA)


async def calendars_since(tx: Any) -> int:
    """Return since when days are told by tenants' own calendars, in ms since 1970; before that they are UTC's."""
    return await tx.fetchval("select since_ms from ledger.calendars") or 0


async def apply(tx: Any, deltas: Deltas, live: Container[WindowKey], days_of: DaysOf) -> set[WindowKey]:
    """Merge net changes into windows and cells; the rows of the windows stay locked.

    `live`: the windows whose changes, or some of them, came in time to be acted upon.
    Returns the labelled windows among them.
    """
    for edges in (deltas.grids[name] for name in sorted(deltas.grids)):
        await tx.execute(_GRIDS, edges.edge_set_id, edges.grid, edges.thresholds)
    labelled = {window for window, _ in deltas.cells}
    windows = sorted(labelled.union(deltas.requested))
    if not windows:
        return set()
    rows = [
        (
            _date(key.day),
            *key[1:],
            *deltas.requested.get(key, (0, 0)),
            key in labelled,
            key in live,
            *days_of(key.tenant).numbered(key.day)[:2],
        )
        for key in windows
    ]
    found = await tx.fetch(_WINDOWS, *columns_of(rows))
    keys = {_window(row): row["window_key"] for row in found}
    if deltas.cells:
        await tx.execute(_CELLS, *_cell_columns(keys, deltas.cells))
    return {_window(row) for row in found if row["dirty"]}


async def sole_publisher(tx: Any) -> bool:
    """Return whether this transaction alone publishes until it ends; never waits.

    Baselines and anomalies are read, judged and written back: two at once would lose one another's.
    """
    alone: bool = await tx.fetchval("select pg_try_advisory_xact_lock($1)", _PUBLISHING)
    return alone


async def take_due(tx: Any, closed: Closed, limit: int) -> list[Due]:
    """Take at most `limit` changed windows of closed days, in order, each with its next revision.

    Whoever changes a window's cells holds its row, so what is read after the row is locked is whole.
    """
    rows = await tx.fetch(
        _DUE, _date(closed.others), list(closed.own), [_date(day) for day in closed.own.values()], limit
    )
    if not rows:
        return []
    keys = [row["window_key"] for row in rows]
    cells: dict[int, list[tuple[Cell, int]]] = {key: [] for key in keys}
    for row in await tx.fetch(_CELLS_OF, keys):
        window_key, *cell, n = row
        cells[window_key].append((Cell(*cell), n))
    await tx.execute(_RESTATED, keys)
    return [
        Due(
            _window(row),
            row["revision"] + 1,
            (row["match_requested"], row["liveness_requested"]),
            row["live"],
            cells[row["window_key"]],
        )
        for row in rows
    ]


async def edge_sets(tx: Any, cells: Iterable[Cell]) -> dict[str, EdgeSet]:
    """Return the edge sets that the cells are counted on."""
    names = sorted({cell.grid for cell in cells if cell.grid})
    rows = await tx.fetch(_GRIDS_OF, names) if names else []
    return {row["edge_set_id"]: edge_set(row["thresholds"], row["grid"]) for row in rows}


async def labelled_cohorts(tx: Any, tenant: str | None = None, segments: Sequence[str] | None = None) -> Cohorts:
    """Return outcomes and sketches of all labelled trials by cohort and class, over all days and policies.

    This is what `proofwatch.biometrics.evaluation.evaluate_counts` takes. `tenant` None: all of them. For each of
    `segments` (None: those that were ever met) the trials without a value are the cohort (segment, unlabelled).
    """
    counted: dict[tuple[str, str] | None, list[tuple[Cell, int]]] = {}
    for name, value, *cell, n in await tx.fetch(_TOTALS, tenant, TRANSACTIONS):
        counted.setdefault((name, value) if name else None, []).append((Cell("", *cell), n))
    edges = await edge_sets(tx, (cell for cells in counted.values() for cell, _ in cells))
    cohorts = {cohort: class_counts(cells, edges) for cohort, cells in counted.items()}
    return with_unlabelled(cohorts, segments)


def _cell_columns(keys: Mapping[WindowKey, int], cells: Mapping[tuple[WindowKey, Cell], int]) -> list[Any]:
    """Return cells ordered by window and bin; what a bin is of, which many of them share, is sent once."""
    kinds: dict[tuple[str, str, str, str], int] = {}
    rows = sorted(
        (keys[window], kinds.setdefault(cell[:4], len(kinds) + 1), cell.bin, n) for (window, cell), n in cells.items()
    )
    return [*map(integers, zip(*rows, strict=True)), *columns_of([*kinds])]


def _date(day: int) -> date:
    return date.fromordinal(_EPOCH_DAY + day)


def _window(row: Any) -> WindowKey:
    day = row["day"].toordinal() - _EPOCH_DAY
    return WindowKey(day, row["tenant"], row["segment_name"], row["segment_value"])
