"""How much there is to do, for who asks: counts, which name nobody and leave no entry."""

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.bus.postgres.pool import session, transaction
from services.triage.adapters.changes import last_before
from services.triage.adapters.desk_reads import AS_IS_ASKED
from services.triage.adapters.restricted import shut_cases
from services.triage.core.assignments import RESEARCH
from services.triage.core.limits import Limits
from services.triage.core.news import Place

if TYPE_CHECKING:
    import asyncpg

# Verdicts open no case.
_READ_UNTIL: Final = """
select to_timestamp(max(progress_ms) / 1000.0) from triage.fence where topic <> 'biometrics.verdicts.v1'"""
# One look into what is taken or shut for each case that runs, whose rows are in an index (`cases_running_whole`).
_COUNTS: Final = f"""
with {shut_cases("$5")},
not_free as materialized (
  select case_id, coalesce(bool_or(person_id = $3), false) as mine
  from (select case_id, person_id from triage.assignments where released_at is null
        union all select case_id, null from shut) n group by 1)
select count(*) as running, count(*) filter (where free) as waiting,
  count(*) filter (where free and grave) as grave,
  count(*) filter (where free and opened_at < $5::timestamptz - interval '1 hour') as over_an_hour,
  count(*) filter (where free and opened_at < $5::timestamptz - interval '1 day') as over_a_day,
  count(*) filter (where mine) as mine,
  (select count(*) from triage.dispositions f
   join triage.cases c on c.case_id = f.case_id and c.revision = f.on_revision
   where $6 and f.state = 'proposed' and f.proposed_by <> $3 and c.state <> 'closed' and c.part_of is null
     and ($1::text[] is null or c.tenant = any($1)) and ($2::text is null or c.queue = $2)
     and c.case_id not in (select case_id from shut)
     and $3 is distinct from c.about->>'person' and $3 is distinct from c.about->>'second_person') as to_agree,
  min(opened_at) filter (where free) as oldest_at, max(opened_at) as newest_at,
  count(*) filter (where opened_at > $4) as new,
  ({_READ_UNTIL}) as read_until,
  pg_snapshot_xmin(pg_current_snapshot())::text as oldest_that_runs
from (
  select c.opened_at, c.severity = 'high' or c.parts_grave as grave, n.mine,
    n.case_id is null and (c.snoozed_until is null or c.snoozed_until <= $5) as free
  from triage.cases c left join not_free n on n.case_id = c.case_id
  where c.state <> 'closed' and c.part_of is null
    and ($1::text[] is null or c.tenant = any($1)) and ($2::text is null or c.queue = $2)
  offset 0) there"""  # noqa: S608 - statements of ours; `offset`: else what is free is worked out again for each count


class Waiting(NamedTuple):
    """What there is to do.

    running: cases that are not closed; waiting: of them, those that nobody works on, that do not rest and are not
    restricted; grave, over_an_hour, over_a_day: of these; mine: those that who asks works on; to_agree: what others
    proposed and they may agree to; newest_at, new: the newest of all, and how many were opened since; read_until: up to
    when triage has read what cases are made of; settled: what is not counted here changes behind that place.
    """

    running: int
    waiting: int
    grave: int
    over_an_hour: int
    over_a_day: int
    mine: int
    to_agree: int
    oldest_at: datetime | None
    newest_at: datetime | None
    new: int
    read_until: datetime | None
    settled: Place


_HELD: Final = """
select count(*) as n, (select name from access.directory where person_id = $1) as name
from triage.assignments a join triage.cases c using (case_id)
where a.person_id = $1 and a.released_at is null and c.part_of is null"""


class Held(NamedTuple):
    """How many cases somebody works on, of whatever tenant, and how many at most."""

    held: int
    most: int


async def held(pool: "asyncpg.Pool", asking: Session, limits: Limits) -> Held:
    """Count the cases that who asks works on. Raises `DatabaseAway`."""
    async with session(pool, "cases") as connection:
        row = await connection.fetchrow(_HELD, asking.person_id)
    return Held(row["n"], limits.of(row["name"]))


async def read_until(pool: "asyncpg.Pool") -> datetime | None:
    """Return up to when triage has read what it makes cases of; None: nothing yet. Raises `DatabaseAway`."""
    async with session(pool, "cases") as connection:
        found: datetime | None = await connection.fetchval(_READ_UNTIL)
    return found


async def waiting(pool: "asyncpg.Pool", asking: Session, since: datetime, now: datetime) -> Waiting:
    """Count the cases that are there for this session. Raises `NotAllowed`, `DatabaseAway`."""
    if not asking.may(Act.READ_CASES):
        raise NotAllowed("cases are for analysts, checkers and researchers; an admin gives roles")
    tenants = None if asking.tenants is None else sorted(asking.tenants)
    queue = None if asking.may(Act.TAKE_CASE) or asking.may(Act.ASSIGN_CASE) else RESEARCH
    agrees = asking.may(Act.APPROVE_DISPOSITION)
    async with transaction(pool, "cases") as connection:
        await connection.execute(AS_IS_ASKED)
        row = await connection.fetchrow(_COUNTS, tenants, queue, asking.person_id, since, now, agrees)
    counts = {name: each for name, each in row.items() if name != "oldest_that_runs"}
    return Waiting(**counts, settled=last_before(row["oldest_that_runs"]))
