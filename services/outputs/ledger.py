"""What the ledger has of a tenant's month, by the tenant's own days, in one snapshot.

A day has a row for the whole tenant and one for each segment value, all with its bounds. That of the whole tenant has
every transaction of the day, so its counts are the largest: no segment's name or value needs to be read for a bill.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import orjson

from proofwatch.bus.postgres.errors import translated
from proofwatch.instants import instant_of
from services.outputs.core.cells import Row, Segments
from services.outputs.core.month import Day, Month, Usage

_DAYS: Final = """
select day, coalesce(max(start_ms), (day - date '1970-01-01') * 86400000::bigint) as start_ms,
       coalesce(max(end_ms), (day - date '1970-01-01' + 1) * 86400000::bigint) as end_ms,
       max(match_requested) as match, max(liveness_requested) as liveness
from ledger.windows where tenant = $1 collate "C" and day >= $2 and day < $3 group by day order by day"""
_BOUNDS: Final = """
select min(coalesce(start_ms, (day - date '1970-01-01') * 86400000::bigint)) as start_ms,
       max(coalesce(end_ms, (day - date '1970-01-01' + 1) * 86400000::bigint)) as end_ms, max(day) as last
from ledger.windows where tenant = $1 collate "C" and day >= $2 and day < $3"""
_TRANSACTIONS: Final = """
select width_bucket(occurred_us / 1000, $2::bigint[]) as nth, count(*) from ledger.transactions
where tenant = $1 collate "C" and logged_ms is not null
  and occurred_us >= $3::bigint * 1000 and occurred_us < $4::bigint * 1000
group by 1"""
_COMBINATIONS: Final = """
with month as (
  select coalesce(segments, '{}') as segments, decision = 'accept' as accepted, nullif(person, 0) as person
  from ledger.transactions
  where tenant = $1 collate "C" and logged_ms is not null
    and occurred_us >= $2::bigint * 1000 and occurred_us < $3::bigint * 1000
), told as (
  select segments, accepted, person,
    row_number() over (partition by accepted, person order by segments collate "C") = 1 as of_outcome,
    row_number() over (partition by person order by segments collate "C") = 1 as of_all
  from month)
select segments, count(*) filter (where accepted), count(*) filter (where not accepted),
       count(*) filter (where accepted and of_outcome and person is not null),
       count(*) filter (where not accepted and of_outcome and person is not null),
       count(*) filter (where of_all and person is not null)
from told group by 1"""
"""A person is counted to one combination, for each outcome and for both together: sums of people are never too large.
Whose row names nobody, because it is older than the column or was erased, is no person."""
_KNOWN: Final = 'select exists(select from ledger.windows where tenant = $1 collate "C")'
_REMOVED: Final = 'select max(before_ms) from ledger.removed where tenant = $1 collate "C"'
_PROGRESS: Final = "select min(progress_ms) from ledger.fence where topic = 'biometrics.verdicts.v1'"


class NoFigures(Exception):
    """There is nothing to state, or no longer all of it; the message says why."""


class Combination(NamedTuple):
    """How many of a combination of segment values were accepted and not; people by outcome, and whatever it was."""

    segments: Segments
    counts: tuple[int, int]
    people: tuple[int, int]
    people_of_both: int

    def by_outcome(self) -> Row:
        """Return it with outcomes told apart."""
        return Row(self.segments, self.counts, self.people)

    def of_both(self) -> Row:
        """Return it without."""
        return Row(self.segments, (sum(self.counts),), (self.people_of_both,))


class Counted(NamedTuple):
    """Every combination of segment values of a month; as `Usage` otherwise."""

    rows: Sequence[Combination]
    read_until_ms: int | None
    over: bool


@asynccontextmanager
async def snapshot(pool: Any) -> AsyncIterator[Any]:
    """Give a connection that sees the database as it is now, and changes nothing. Raises `DatabaseAway`."""
    try:
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    except BaseException as error:
        if known := translated(error, pool.where):
            raise known from error
        raise


async def usage(connection: Any, tenant: str, month: Month) -> Usage:
    """Return what was used in a month. Raises `NoFigures` where transactions of it were removed already."""
    rows = await connection.fetch(_DAYS, tenant, month.first, month.after)
    if not rows:
        await _require_known(connection, tenant)
        return Usage((), *await _read(connection, month, None))
    first_ms, after_ms = rows[0]["start_ms"], rows[-1]["end_ms"]
    await _require_kept(connection, tenant, month, first_ms)
    starts = [row["start_ms"] for row in rows]
    counts = dict(map(tuple, await connection.fetch(_TRANSACTIONS, tenant, starts, first_ms, after_ms)))
    days = [Day(row["day"], counts.get(at, 0), row["match"], row["liveness"]) for at, row in enumerate(rows, 1)]
    return Usage(days, *await _read(connection, month, after_ms if month.is_last(rows[-1]["day"]) else None))


async def counted(connection: Any, tenant: str, month: Month) -> Counted:
    """Return what is to be counted of a month. Raises `NoFigures` likewise."""
    first_ms, after_ms, last = await connection.fetchrow(_BOUNDS, tenant, month.first, month.after)
    if last is None:
        await _require_known(connection, tenant)
        return Counted((), *await _read(connection, month, None))
    await _require_kept(connection, tenant, month, first_ms)
    found = [
        Combination(orjson.loads(segments), (accepted, not_accepted), (one, other), both)
        for segments, accepted, not_accepted, one, other, both in map(
            tuple, await connection.fetch(_COMBINATIONS, tenant, first_ms, after_ms)
        )
    ]
    return Counted(found, *await _read(connection, month, after_ms if month.is_last(last) else None))


async def _read(connection: Any, month: Month, after_ms: int | None) -> tuple[int | None, bool]:
    """Return up to when verdicts were read, and whether the month was over then; `after_ms`: its last day's end."""
    read_ms = await connection.fetchval(_PROGRESS)
    ends_ms = month.over_everywhere_ms() if after_ms is None else after_ms
    return read_ms, read_ms is not None and read_ms >= ends_ms


async def _require_known(connection: Any, tenant: str) -> None:
    if not await connection.fetchval(_KNOWN, tenant):
        raise NoFigures(f"the ledger knows no tenant {tenant!r}; is its name right?")


async def _require_kept(connection: Any, tenant: str, month: Month, first_ms: int) -> None:
    removed_ms = await connection.fetchval(_REMOVED, tenant)
    if removed_ms is not None and removed_ms > first_ms:
        raise NoFigures(
            f"transactions of {tenant} that were logged before {instant_of(removed_ms):%Y-%m-%d} were kept as long as "
            f"agreed and removed: {month.name} can no longer be counted"
        )
