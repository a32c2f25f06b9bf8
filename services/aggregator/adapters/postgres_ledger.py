"""The ledger's tables (`deploy/migrations/ledger.sql`): joins, cells, labelled windows; a few statements per batch.

Every transaction locks in one order, so lanes never deadlock: fence row, rows of `transactions` by key (first all
inserts, then all existing rows), `grids`, rows of `windows` by key, cells. Due windows are locked last and never waited
for (`skip locked`): whoever holds one either restates it or leaves it dirty for the next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from proofwatch.biometrics.edges import EdgeSet, edge_set
from services.aggregator.core.labelled import (
    TRANSACTIONS,
    Assertion,
    Cell,
    Deltas,
    Entry,
    Key,
    Trial,
    WindowKey,
)
from services.aggregator.core.labelled_counts import Cohorts, class_counts, with_unlabelled

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TRIAL = Trial._fields
_PAIR = ("pair_authority", "pair_asserted_us", "pair_label_id", "pair_class", "pair_probability")
_PRESENTATION = tuple(name.replace("pair", "presentation", 1) for name in _PAIR)
_TYPES = {
    "smallint": {"pair_authority", "presentation_authority"},
    "bigint": {"logged_ms", "occurred_us", "pair_asserted_us", "presentation_asserted_us"},
    "double precision": {
        "match_score",
        "liveness_score",
        "match_threshold",
        "liveness_threshold",
        "pair_probability",
        "presentation_probability",
    },
}


def _unnest(columns: Sequence[str]) -> str:
    types = (next((kind for kind, names in _TYPES.items() if name in names), "text") for name in columns)
    return "unnest(" + ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 1)) + ")"


def _insert(columns: Sequence[str]) -> str:
    names = ", ".join(("tenant", "transaction_id", *columns))
    return f"""
insert into ledger.transactions ({names}) select {names} from ledger_incoming order by tenant, transaction_id
on conflict do nothing returning tenant, transaction_id
"""  # noqa: S608 — column names of this module


def _update(columns: Sequence[str]) -> str:
    names = ("tenant", "transaction_id", *columns)
    return f"""
update ledger.transactions t set {", ".join(f"{name} = k.{name}" for name in columns)}
from {_unnest(names)} k({", ".join(names)})
where t.tenant = k.tenant collate "C" and t.transaction_id = k.transaction_id collate "C"
"""  # noqa: S608 — column names of this module


_LABELS = (*_PAIR, *_PRESENTATION)
_INSERT_TRIALS, _UPDATE_TRIALS = _insert(_TRIAL), _update(_TRIAL)
_INSERT_LABELS, _UPDATE_LABELS = _insert(_LABELS), _update(_LABELS)
_LOCK_EXISTING = f"""
select t.tenant, t.transaction_id, {", ".join(f"t.{name}" for name in (*_TRIAL, *_LABELS))}
from unnest($1::text[], $2::text[]) k(tenant, transaction_id)
join ledger.transactions t
  on t.tenant = k.tenant collate "C" and t.transaction_id = k.transaction_id collate "C"
order by t.tenant, t.transaction_id for update of t
"""  # noqa: S608 — column names of this module
_GRIDS = """
insert into ledger.grids select $1, $2, $3 on conflict do nothing
"""
_WINDOWS = """
insert into ledger.windows as w
  (day, tenant, segment_name, segment_value, match_requested, liveness_requested, labelled, dirty)
select day, tenant, name, value, match, liveness, labelled, labelled
from unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::boolean[])
  k(day, tenant, name, value, match, liveness, labelled)
on conflict (day, tenant, segment_name, segment_value) do update set
  match_requested = w.match_requested + excluded.match_requested,
  liveness_requested = w.liveness_requested + excluded.liveness_requested,
  labelled = w.labelled or excluded.labelled,
  dirty = w.dirty or w.labelled or excluded.labelled
returning w.window_key, w.day, w.tenant, w.segment_name, w.segment_value, w.dirty
"""
_CELLS = """
insert into ledger.labelled_cells as c (window_key, policy_hash, class, outcome, edge_set_id, bin, n)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[])
on conflict (window_key, policy_hash, class, outcome, edge_set_id, bin) do update set n = c.n + excluded.n
"""
_DUE = """
select window_key, day, tenant, segment_name, segment_value, revision, match_requested, liveness_requested
from ledger.windows where dirty and day <= $1
order by day, tenant, segment_name, segment_value limit $2 for update skip locked
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
# Tables grow a hundredfold within a session: a plan that was made for the small table must not be kept.
_PREPARE = """
set local plan_cache_mode = force_custom_plan; set local jit = off; set local client_min_messages = warning;
create temporary table if not exists ledger_incoming (like ledger.transactions) on commit delete rows
"""


class Joined(NamedTuple):
    """A transaction whose entry a batch changed."""

    key: Key
    old: Entry
    new: Entry


class Due(NamedTuple):
    """A labelled window to be published, with what it was counted from."""

    key: WindowKey
    revision: int
    requested: tuple[int, int]
    cells: Sequence[tuple[Cell, int]]


async def prepare(connection: Any) -> None:
    """Set up the open transaction; before anything else."""
    await connection.execute(_PREPARE)


async def join_verdicts(connection: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
    """Store the trials of a batch, ordered by key, and return every entry that they changed."""
    rows = [(*key, *entry.trial) for key, entry in entries.items() if entry.trial]
    joined, changed = await _join(connection, _TRIAL, _INSERT_TRIALS, rows, entries)
    if changed := [each for each in changed if each.old.trial != each.new.trial]:
        await _store(connection, _UPDATE_TRIALS, [(*each.key, *(each.new.trial or ())) for each in changed])
    return joined + changed


async def join_labels(connection: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
    """Store the assertions of a batch, ordered by key, and return every entry that they changed."""
    rows = [_label_row(key, entry) for key, entry in entries.items()]
    joined, changed = await _join(connection, _LABELS, _INSERT_LABELS, rows, entries)
    if changed := [each for each in changed if each.old != each.new]:
        await _store(connection, _UPDATE_LABELS, [_label_row(each.key, each.new) for each in changed])
    return joined + changed


async def apply(connection: Any, deltas: Deltas) -> int | None:
    """Merge net changes into windows and cells; the rows of the windows stay locked.

    Returns the earliest day with a labelled window among them.
    """
    for edges in (deltas.grids[name] for name in sorted(deltas.grids)):
        await connection.execute(_GRIDS, edges.edge_set_id, edges.grid, edges.thresholds)
    labelled = {window for window, _ in deltas.cells}
    windows = sorted(labelled.union(deltas.requested))
    if not windows:
        return None
    rows = [(_date(key.day), *key[1:], *deltas.requested.get(key, (0, 0)), key in labelled) for key in windows]
    found = await connection.fetch(_WINDOWS, *_columns(rows))
    keys = {_window(row): row["window_key"] for row in found}
    cells = sorted((keys[window], *cell, n) for (window, cell), n in deltas.cells.items())
    if cells:
        await connection.execute(_CELLS, *_columns(cells))
    return min((_window(row).day for row in found if row["dirty"]), default=None)


async def sole_publisher(connection: Any) -> bool:
    """Return whether this transaction alone publishes until it ends; never waits.

    Baselines and anomalies are read, judged and written back: two at once would lose one another's.
    """
    alone: bool = await connection.fetchval("select pg_try_advisory_xact_lock($1)", _PUBLISHING)
    return alone


async def take_due(connection: Any, last_day: int, limit: int) -> list[Due]:
    """Take at most `limit` changed windows of days up to `last_day`, in order, each with its next revision.

    Whoever changes a window's cells holds its row, so what is read after the row is locked is whole.
    """
    rows = await connection.fetch(_DUE, _date(last_day), limit)
    if not rows:
        return []
    keys = [row["window_key"] for row in rows]
    cells: dict[int, list[tuple[Cell, int]]] = {key: [] for key in keys}
    for row in await connection.fetch(_CELLS_OF, keys):
        window_key, *cell, n = row
        cells[window_key].append((Cell(*cell), n))
    await connection.execute(_RESTATED, keys)
    return [
        Due(
            _window(row),
            row["revision"] + 1,
            (row["match_requested"], row["liveness_requested"]),
            cells[row["window_key"]],
        )
        for row in rows
    ]


async def edge_sets(connection: Any, cells: Iterable[Cell]) -> dict[str, EdgeSet]:
    """Return the edge sets that the cells are counted on."""
    names = sorted({cell.grid for cell in cells if cell.grid})
    rows = await connection.fetch(_GRIDS_OF, names) if names else []
    return {row["edge_set_id"]: edge_set(row["thresholds"], row["grid"]) for row in rows}


async def labelled_cohorts(
    connection: Any, tenant: str | None = None, segments: Sequence[str] | None = None
) -> Cohorts:
    """Return outcomes and sketches of all labelled trials by cohort and class, over all days and policies.

    This is what `proofwatch.biometrics.evaluation.evaluate_counts` takes. `tenant` None: all of them. For each of
    `segments` (None: those that were ever met) the trials without a value are the cohort (segment, unlabelled).
    """
    counted: dict[tuple[str, str] | None, list[tuple[Cell, int]]] = {}
    for name, value, *cell, n in await connection.fetch(_TOTALS, tenant, TRANSACTIONS):
        counted.setdefault((name, value) if name else None, []).append((Cell("", *cell), n))
    edges = await edge_sets(connection, (cell for cells in counted.values() for cell, _ in cells))
    cohorts = {cohort: class_counts(cells, edges) for cohort, cells in counted.items()}
    return with_unlabelled(cohorts, segments)


async def _join(
    connection: Any, columns: Sequence[str], insert: str, rows: Sequence[tuple[Any, ...]], entries: Mapping[Key, Entry]
) -> tuple[list[Joined], list[Joined]]:
    """Insert what is new; lock what exists. Return the new ones and the existing ones, joined."""
    if not rows:
        return [], []
    names = ["tenant", "transaction_id", *columns]
    await connection.copy_records_to_table("ledger_incoming", records=rows, columns=names)
    inserted = {(row[0], row[1]) for row in await connection.fetch(insert)}
    new = [Joined(key, Entry(), entries[key]) for key in entries if key in inserted]
    rest = [key for key in entries if key not in inserted]
    if not rest:
        return new, []
    existing = [(_key(row), _entry(row)) for row in await connection.fetch(_LOCK_EXISTING, *_columns(rest))]
    return new, [Joined(key, old, old.join(entries[key])) for key, old in existing]


async def _store(connection: Any, update: str, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.execute(update, *_columns(rows))


def _label_row(key: Key, entry: Entry) -> tuple[Any, ...]:
    return (*key, *(entry.pair or _NOTHING), *(entry.presentation or _NOTHING))


_NOTHING = (None,) * len(_PAIR)
_N_TRIAL, _N_ASSERTION = len(_TRIAL), len(_PAIR)


def _key(row: Sequence[Any]) -> Key:
    return row[0], row[1]


def _entry(row: Any) -> Entry:
    values = tuple(row)[2:]
    trial, rest = values[:_N_TRIAL], values[_N_TRIAL:]
    pair, presentation = rest[:_N_ASSERTION], rest[_N_ASSERTION:]
    return Entry(
        None if trial[0] is None else Trial(*trial),
        None if pair[0] is None else Assertion(*pair),
        None if presentation[0] is None else Assertion(*presentation),
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def _date(day: int) -> date:
    return date.fromordinal(_EPOCH_DAY + day)


def _window(row: Any) -> WindowKey:
    day = row["day"].toordinal() - _EPOCH_DAY
    return WindowKey(day, row["tenant"], row["segment_name"], row["segment_value"])
