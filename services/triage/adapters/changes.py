"""Cases in the order in which what changed them was committed, so that who follows them misses nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.triage.adapters.desk_reads import LISTED
from services.triage.adapters.desk_rows import listed_in, seen_in
from services.triage.adapters.firing import firing_of
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import ListedCase
from services.triage.core.life import stage_of
from services.triage.core.news import Changed, News, Place

_SELECT: Final = LISTED.format(
    cases="triage.cases c", restriction=restriction_of("c", "$5"), firing=firing_of("c"), more=", c.changed_in::text"
)
_CHANGED: Final = f"""{_SELECT}
where (c.changed_in, c.case_id collate "C") > ($1::text::xid8, $2) and c.changed_in < $6::text::xid8
  and ($3::text[] is null or c.tenant = any($3))
order by c.changed_in, c.case_id collate "C" limit $4"""
_OLDEST_THAT_RUNS: Final = "select pg_snapshot_xmin(pg_current_snapshot())::text"
_LAST: Final = "~"
"""Behind every case of a transaction."""
_NEWS: Final = """
select settled.before::text as settled, n.*
from (select pg_snapshot_xmin(pg_current_snapshot()) as before) settled
left join lateral (
  select c.case_id, c.tenant, c.queue, c.state, c.stage, c.revision, c.version, c.part_of, c.opened_at,
    c.changed_in::text as changed_in,
    (select person_id from triage.assignments a where a.case_id = c.case_id and a.released_at is null) as assignee
  from triage.cases c
  where (c.changed_in, c.case_id collate "C") > ($1::text::xid8, $2) and c.changed_in < settled.before
    and ($4::text[] is null or c.tenant = any($4))
  order by c.changed_in, c.case_id collate "C" limit $3) n on true
order by n.changed_in::xid8, n.case_id collate "C"
"""


async def changed_cases(
    tx: Any, after: Place, tenants: Sequence[str] | None, most: int, now: datetime
) -> tuple[list[ListedCase], Place] | None:
    """Return cases, parts too, by the transaction that changed them last, as they are now; and how far that is.

    Of transactions that still run none comes before that, so whoever goes on from there misses nothing. None: nobody
    can have come so far, as in a database that was restored.
    """
    oldest = await tx.fetchval(_OLDEST_THAT_RUNS)
    if after.transaction >= int(oldest):
        return None
    rows = await tx.fetch(_CHANGED, str(after.transaction), after.case_id, tenants, most, now, oldest)
    if len(rows) < most:
        return [*map(listed_in, rows)], Place(int(oldest) - 1, _LAST)
    return [*map(listed_in, rows)], Place(int(rows[-1]["changed_in"]), rows[-1]["case_id"])


def last_before(transaction: str) -> Place:
    """Return the last place before a transaction, as PostgreSQL names it."""
    return Place(int(transaction) - 1, _LAST)


async def settled(tx: Any) -> Place:
    """Return how far everything is told: what changes from now on comes behind it."""
    return last_before(await tx.fetchval(_OLDEST_THAT_RUNS))


async def news_after(
    tx: Any, after: Place, most: int, tenants: Sequence[str] | None = None
) -> tuple[list[Changed], Place] | None:
    """Return what changed, and how far that is, by one statement; as `changed_cases` has it.

    It reads ids, versions and how cases stand, and nothing of whom they are about.
    """
    rows = await tx.fetch(_NEWS, str(after.transaction), after.case_id, most, tenants)
    oldest = int(rows[0]["settled"])
    if after.transaction >= oldest:
        return None
    found = [_changed_in(each) for each in rows if each["case_id"] is not None]
    return found, found[-1].place if len(found) == most else Place(oldest - 1, _LAST)


def _changed_in(row: Any) -> Changed:
    news = News(
        case_id=row["case_id"],
        version=seen_in(row),
        tenant=row["tenant"],
        queue=row["queue"],
        state=row["state"],
        stage=stage_of(row["stage"], row["state"], row["assignee"]),
        part_of=row["part_of"],
        opened_at=row["opened_at"],
    )
    return Changed(Place(int(row["changed_in"]), row["case_id"]), news)
