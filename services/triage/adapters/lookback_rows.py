"""What people want looked back for, in PostgreSQL: asked once, and worked on by one replica at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.triage.core.lookbacks import Lookback

_COLUMNS: Final = ", ".join(Lookback._fields)
_GIVEN: Final = 13
"""Columns that who asks gives; the others tell how far it is."""
_ASK: Final = f"""
insert into triage.lookbacks({", ".join(Lookback._fields[:_GIVEN])})
values({", ".join(f"${n}" for n in range(1, _GIVEN + 1))}) on conflict do nothing"""
_ONE: Final = f"select {_COLUMNS} from triage.lookbacks where lookback_id = $1"  # noqa: S608 — likewise
_HUNT: Final = f"""
select {_COLUMNS} from triage.lookbacks
where kind = 'hunt' and pattern_id = $1 and state in ('waiting', 'reading', 'opening')"""  # noqa: S608 — likewise
_OF_PATTERN: Final = f"""
select {_COLUMNS} from triage.lookbacks where pattern_id = $1 and form is null
order by asked_at desc, lookback_id limit $2"""  # noqa: S608 — likewise
_CLAIM: Final = f"""
update triage.lookbacks set taken_by = $1, taken_until = now() + interval '60 seconds', changed_at = now(),
  state = case state when 'waiting' then 'reading' else state end
where lookback_id = (
  select lookback_id from triage.lookbacks
  where state in ('waiting', 'reading', 'opening') and (taken_until is null or taken_until < now())
  order by asked_at, lookback_id limit 1 for update skip locked)
returning {_COLUMNS}"""  # noqa: S608 — likewise
_HELD: Final = "where lookback_id = $1 and taken_by = $2 and state in ('reading', 'opening') returning 1"
_TOLD: Final = f"""
update triage.lookbacks set progress = $3, read = $4, matched = $5, opened = $6, changed_at = now(),
  taken_until = now() + interval '60 seconds' {_HELD}"""  # noqa: S608 — ours
_CHOOSE: Final = f"""
update triage.lookbacks set state = 'opening', progress = 1, read = $3, matched = $4, chosen = $5, result = $6,
  changed_at = now(), taken_until = now() + interval '60 seconds' {_HELD}"""  # noqa: S608 — ours
_END: Final = f"""
update triage.lookbacks set state = $3, progress = 1, read = $4, matched = $5, opened = $6, result = $7, chosen = null,
  changed_at = now(), taken_until = null {_HELD}"""  # noqa: S608 — ours
_FORGET: Final = "delete from triage.lookbacks where changed_at < now() - interval '30 days'"
_MEMBERS: Final = """
select distinct r.transaction_id from triage.case_reasons r join triage.cases c using (case_id)
where (c.case_id = $1 or c.part_of = $1) and r.transaction_id is not null"""
_TENANT: Final = "select tenant from triage.cases where case_id = $1"


class Lost(Exception):
    """Another replica works on it, or nobody is to any more."""


async def keep(tx: Any, asked: Lookback) -> None:
    """Keep what is asked, once; of a pattern that is hunted for already, nothing."""
    await tx.execute(_ASK, *asked[:_GIVEN])


async def one(tx: Any, lookback_id: str) -> Lookback | None:
    """Return what was asked, with how far it is."""
    row = await tx.fetchrow(_ONE, lookback_id)
    return _lookback(row) if row else None


async def running_hunt(tx: Any, pattern_id: str) -> Lookback | None:
    """Return the hunt for a pattern that has not ended."""
    row = await tx.fetchrow(_HUNT, pattern_id)
    return _lookback(row) if row else None


async def of_pattern(tx: Any, pattern_id: str, most: int) -> list[Lookback]:
    """Return what was looked back for with a pattern that is kept, the newest first."""
    return [_lookback(row) for row in await tx.fetch(_OF_PATTERN, pattern_id, most)]


async def claim(tx: Any, by: str) -> Lookback | None:
    """Return the oldest that nobody works on, which `by` does from now on; None: there is none."""
    row = await tx.fetchrow(_CLAIM, by)
    return _lookback(row) if row else None


async def tell(tx: Any, job: Lookback, by: str) -> None:
    """Keep how far it is. Raises `Lost`."""
    _held(await tx.fetchval(_TOLD, job.lookback_id, by, job.progress, job.read, job.matched, job.opened))


async def choose(tx: Any, job: Lookback, by: str) -> None:
    """Keep which suspicions a hunt opens: from now on it opens no other. Raises `Lost`."""
    _held(await tx.fetchval(_CHOOSE, job.lookback_id, by, job.read, job.matched, list(job.chosen or ()), job.result))


async def end(tx: Any, job: Lookback, by: str) -> None:
    """Keep that it is done, or failed, with what was found. Raises `Lost`."""
    told = (job.state, job.read, job.matched, job.opened, job.result)
    _held(await tx.fetchval(_END, job.lookback_id, by, *told))


async def forget(tx: Any) -> None:
    """Remove what is older than thirty days."""
    await tx.execute(_FORGET)


async def members(tx: Any, case_id: str) -> tuple[str, frozenset[str]]:
    """Return the tenant of a case, empty where it is gone, and the transactions that it and its parts name."""
    tenant = await tx.fetchval(_TENANT, case_id)
    return tenant or "", frozenset(row[0] for row in await tx.fetch(_MEMBERS, case_id))


def _held(row: Any) -> None:
    if row is None:
        raise Lost


def _lookback(row: Mapping[str, Any]) -> Lookback:
    given = dict(row)
    tenants: Sequence[str] | None = given["tenants"]
    return Lookback(**{**given, "tenants": None if tenants is None else tuple(tenants)})
