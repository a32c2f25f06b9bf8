"""The ledger's transactions: verdicts and labels joined in `ledger.transactions`, a few statements per batch.

Rows are locked by key, first all inserts, then all existing rows; `postgres_ledger` has the whole order of locks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.aggregator.core.entries import Assertion, Entry, Key, Trial
from services.aggregator.core.people import Month
from services.aggregator.ports.ledger import Joined

_TRIAL = Trial._fields
_PAIR = (
    "pair_authority",
    "pair_asserted_us",
    "pair_label_id",
    "pair_class",
    "pair_probability",
    "pair_minus_logged_ms",
)
_PRESENTATION = tuple(name.replace("pair", "presentation", 1) for name in _PAIR)


def _insert(columns: Sequence[str]) -> str:
    names = ", ".join(("tenant", "transaction_id", *columns))
    return f"""
insert into ledger.transactions ({names}) select {names} from ledger_incoming order by tenant, transaction_id
on conflict do nothing returning tenant, transaction_id
"""  # noqa: S608 — column names of this module


def _update(columns: Sequence[str]) -> str:
    return f"""
update ledger.transactions t set {", ".join(f"{name} = k.{name}" for name in columns)}
from ledger_incoming k
where t.tenant = k.tenant collate "C" and t.transaction_id = k.transaction_id collate "C"
"""  # noqa: S608 — column names of this module


# One step along the index from tenant to tenant: what they have is not read.
_TENANTS = """
with recursive known as (
  (select tenant from ledger.transactions order by tenant limit 1)
  union all
  select (select t.tenant from ledger.transactions t where t.tenant > k.tenant order by t.tenant limit 1)
  from known k where k.tenant is not null
)
select tenant from known where tenant is not null
"""
# A label whose transaction was never seen, or is removed already, is as old as it says.
_FORGET = """
with past as (
  select tenant, transaction_id from ledger.transactions
  where tenant = $1 collate "C" and (logged_ms < $2
    or (logged_ms is null and greatest(pair_asserted_us, presentation_asserted_us) < $2 * 1000))
  limit $3 for update skip locked
), gone as (
  delete from ledger.transactions t using past p
  where t.tenant = p.tenant and t.transaction_id = p.transaction_id returning 1
), counted as (
  select count(*) as n from gone
), told as (
  insert into ledger.removed as r (day, tenant, rows, before_ms) select current_date, $1, n, $2 from counted where n > 0
  on conflict (day, tenant) do update set rows = r.rows + excluded.rows, before_ms = excluded.before_ms
)
select n from counted
"""
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
_NEW_SALTS = """
insert into ledger.month_salts (tenant, month)
select tenant, month from unnest($1::text[], $2::integer[]) k(tenant, month) order by 1, 2 on conflict do nothing
"""
_SALTS = """
select s.tenant, s.month, s.salt from unnest($1::text[], $2::integer[]) k(tenant, month)
join ledger.month_salts s on s.tenant = k.tenant collate "C" and s.month = k.month
"""
# Tables grow a hundredfold within a session: a plan that was made for the small table must not be kept.
_PREPARE = """
set local plan_cache_mode = force_custom_plan; set local jit = off; set local client_min_messages = warning;
create temporary table if not exists ledger_incoming (like ledger.transactions) on commit delete rows
"""


async def prepare(tx: Any) -> None:
    """Set up the open transaction; before anything else."""
    await tx.execute(_PREPARE)


async def join_verdicts(tx: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
    """Store the trials of a batch, ordered by key, and return every entry that they changed."""
    rows = [(*key, *entry.trial) for key, entry in entries.items() if entry.trial]
    joined, changed = await _join(tx, _TRIAL, _INSERT_TRIALS, rows, entries)
    if changed := [each for each in changed if each.old.trial != each.new.trial]:
        await _store(tx, _TRIAL, _UPDATE_TRIALS, [(*each.key, *(each.new.trial or ())) for each in changed])
    return joined + changed


async def join_labels(tx: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
    """Store the assertions of a batch, ordered by key, and return every entry that they changed."""
    rows = [_label_row(key, entry) for key, entry in entries.items()]
    joined, changed = await _join(tx, _LABELS, _INSERT_LABELS, rows, entries)
    if changed := [each for each in changed if each.old != each.new]:
        await _store(tx, _LABELS, _UPDATE_LABELS, [_label_row(each.key, each.new) for each in changed])
    return joined + changed


async def salts(tx: Any, months: Collection[Month]) -> Mapping[Month, bytes]:
    """Return the salt of each of these months; one that has none gets one. Rows are locked in their order."""
    if not months:
        return {}
    wanted = columns_of(sorted(months))
    rows = await tx.fetch(_SALTS, *wanted)
    if len(rows) < len(months):
        await tx.execute(_NEW_SALTS, *wanted)
        rows = await tx.fetch(_SALTS, *wanted)
    return {Month(tenant, number): salt for tenant, number, salt in map(tuple, rows)}


async def forget_salts(tx: Any, before: int) -> None:
    """Throw away the salts of earlier months, by number: from then on nobody can tell whose a row is."""
    await tx.execute("delete from ledger.month_salts where month < $1", before)


async def tenants(tx: Any) -> list[str]:
    """Return the tenants of whom there are transactions, in order."""
    return [row[0] for row in await tx.fetch(_TENANTS)]


async def forget(tx: Any, before_ms: Mapping[str, int], limit: int) -> dict[str, int]:
    """Delete at most `limit` transactions whose verdict was logged before their tenant's moment (ms since 1970).

    Returns how many went, by tenant; those of whom nothing did are left out. What they were counted in stays. How many
    went, and up to when, is added up by tenant in `ledger.removed`. Rows that somebody holds are left for another time,
    so that the order of locks does not matter.
    """
    removed: dict[str, int] = {}
    for tenant, moment_ms in before_ms.items():
        left = limit - sum(removed.values())
        if left and (rows := await tx.fetchval(_FORGET, tenant, moment_ms, left)):
            removed[tenant] = rows
    return removed


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows as columns, for unnest."""
    return list(zip(*rows, strict=True))


def integers(values: Iterable[int]) -> str:
    """Return an array as PostgreSQL reads it, for `$1::text::bigint[]`.

    Of a list the client asks each element whether it is an array itself, which costs more than all the rest.
    """
    return f"{{{','.join(map(str, values))}}}"


async def _join(
    tx: Any, columns: Sequence[str], insert: str, rows: Sequence[tuple[Any, ...]], entries: Mapping[Key, Entry]
) -> tuple[list[Joined], list[Joined]]:
    """Insert what is new; lock what exists. Return the new ones and the existing ones, joined."""
    if not rows:
        return [], []
    names = ["tenant", "transaction_id", *columns]
    await tx.copy_records_to_table("ledger_incoming", records=rows, columns=names)
    inserted = {(row[0], row[1]) for row in await tx.fetch(insert)}
    new = [Joined(key, Entry(), entries[key]) for key in entries if key in inserted]
    rest = [key for key in entries if key not in inserted]
    if not rest:
        return new, []
    existing = [(_key(row), _entry(row)) for row in await tx.fetch(_LOCK_EXISTING, *columns_of(rest))]
    return new, [Joined(key, old, old.join(entries[key])) for key, old in existing]


async def _store(tx: Any, columns: Sequence[str], update: str, rows: Sequence[tuple[Any, ...]]) -> None:
    await tx.execute("delete from ledger_incoming")  # a table more would cost every commit more than this does
    await tx.copy_records_to_table("ledger_incoming", records=rows, columns=["tenant", "transaction_id", *columns])
    await tx.execute(update)


def _label_row(key: Key, entry: Entry) -> tuple[Any, ...]:
    return (*key, *(entry.pair or _NOTHING), *(entry.presentation or _NOTHING))


_NOTHING = (None,) * len(_PAIR)
_N_TRIAL, _N_ASSERTION = len(_TRIAL), len(_PAIR)


def _key(row: Sequence[Any]) -> Key:
    return row[0], row[1]


def _assertion(values: Sequence[Any]) -> Assertion | None:
    if values[0] is None:
        return None
    authority, asserted_us, label_id, trial_class, probability, logged = values
    return Assertion(authority, asserted_us, label_id, trial_class, probability, logged or 0)


def _entry(row: Any) -> Entry:
    values = tuple(row)[2:]
    trial, rest = values[:_N_TRIAL], values[_N_TRIAL:]
    pair, presentation = rest[:_N_ASSERTION], rest[_N_ASSERTION:]
    return Entry(
        None if trial[0] is None else Trial(*trial)._replace(person=trial[-1] or 0),
        _assertion(pair),
        _assertion(presentation),
    )
