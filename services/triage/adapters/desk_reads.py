"""What the desk reads: cases as lists have them, whole ones, those that are to be changed, and the next one."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from proofwatch.access.judgement import is_name
from services.triage.adapters.desk_rows import (
    acted_in,
    case_in,
    listed_in,
    moved_in,
    part_in,
    reason_in,
    said_in,
    seen_in,
    whole_in,
    worked_in,
    worker_in,
)  # fmt: skip
from services.triage.adapters.disposition_rows import pending_of
from services.triage.adapters.family import locked_with_wholes
from services.triage.adapters.firing import firing_of
from services.triage.adapters.restricted import restriction_of
from services.triage.adapters.running import FIRST_RUNNING, ORDER
from services.triage.adapters.search import LETTERS, cases_by
from services.triage.core.assignments import CaseNow, ListedCase, Worker
from services.triage.core.cases import Queue
from services.triage.core.signals import CaseReason
from services.triage.core.wanted import ANY, Wanted
from services.triage.core.whole import NextWhy, WholeCase, withheld

LISTED: Final = """
select c.case_id, c.tenant, c.kind, c.state, case when c.parts_grave then 'high' else c.severity end as severity,
       c.queue, c.opened_at, c.changed_at, c.about::text as about, c.part_of,
       case when restriction.holds is null then c.task end as task,
       (select count(*) from triage.cases p where p.part_of = c.case_id) as parts,
       c.revision, c.version, c.stage, c.snoozed_until, c.due_at, c.segment_name, c.segment_value, c.metric,
       c.merged_into, c.closed_at, c.closed_by, c.closed_reason,
       a.person_id, a.assigned_at, d.name, restriction.holds is not null as restricted,
       f.disposition_id, f.verdict, f.reason, f.attack, f.species, f.proposed_by, f.proposed_at, f.on_revision,
       (select name from access.directory where person_id = f.proposed_by) as proposed_by_name,
       firing.fires_since, firing.part_fires_since, agreed.agreed_verdict, agreed.agreed_by,
       (select array_agg(r.code order by r.at desc, r.code) from triage.case_reasons r
        where r.case_id = c.case_id and restriction.holds is null) as codes{more}
from {cases}{restriction}
left join triage.assignments a on a.case_id = c.case_id and a.released_at is null
left join access.directory d on d.person_id = a.person_id
left join triage.dispositions f on f.case_id = c.case_id and f.state = 'proposed'
{firing}"""
# First, so that all else is looked up of these: of so many joins the planner takes the order as it is written.
_FOUND: Final = "found join triage.cases c on c.case_id = found.case_id"
# Which cases, and in what order, is settled first, of what that takes; what lists show is looked up of these alone.
_CASES: Final = f"""
with found as materialized (
  select c.case_id, o.*
  from triage.cases c{ORDER.format(as_of="$10")}
  where case when $1::text is null then c.part_of is null else c.case_id = $1 end
    and ($2::text[] is null or c.tenant = any($2))
    and ($3::text[] is null or c.state = any($3))
    and ($4::text is null or c.case_id in (
      select case_id from triage.assignments where person_id = $4 and released_at is null))
    and ($6::int is null
         or (o.later, o.not_grave, o.not_overdue, o.since_us, c.case_id collate "C") > ($6, $7, $8, $9, $11))
    and (not $12 or o.not_overdue = 0)
    and (not $13 or c.case_id in (select case_id from triage.dispositions where state = 'proposed'))
    and ($15::text[] is null or c.case_id = any($15)) and ($16::text is null or c.kind = $16)
    and ($17::text is null or (case when c.parts_grave then 'high' else c.severity end) = $17)
    and ($18::text is null or c.task = $18)
  order by o.later, o.not_grave, o.not_overdue, o.since_us, c.case_id collate "C" limit $5)
{LISTED.format(cases=_FOUND, restriction=restriction_of("c", "$14"), firing=firing_of("c"), more="")}
where $18::text is null or restriction.holds is null
order by found.later, found.not_grave, found.not_overdue, found.since_us, c.case_id collate "C" """  # noqa: S608 - a join of ours
_RUNNING: Final = f"""{FIRST_RUNNING}
{LISTED.format(cases=_FOUND, restriction=restriction_of("c", "$10"), firing=firing_of("c"), more="")}
where $13::text is null or restriction.holds is null
order by found.later, found.not_grave, found.not_overdue, found.since_us, c.case_id collate "C" """
_REASONS: Final = f"""
select source_id, source_revision, code, at, transaction_id, r.severity, evidence::text as evidence
from triage.case_reasons r join triage.cases c using (case_id){restriction_of("c", "$2")}
where case_id in (select $1::text union all select p.case_id from triage.cases p where p.part_of = $1)
  and restriction.holds is null
order by at desc, source_id collate "C" desc, code collate "C" desc limit 2000"""  # noqa: S608 - a join of ours
_MOVES: Final = """
select revision, from_state, to_state, trigger, why, at from triage.case_transitions where case_id = $1
order by revision"""
_WORK: Final = """
select a.person_id, d.name, a.assigned_at, a.assigned_by, a.released_at, a.released_by,
  g.name as assigned_by_name, a.why
from triage.assignments a left join access.directory d on d.person_id = a.person_id
left join access.directory g on g.person_id = a.assigned_by
where a.case_id = $1 order by a.assignment_id"""
_ACTS: Final = """
select at, deed, from_stage, to_stage, person_id, reason from triage.case_acts where case_id = $1 order by act_id"""
_SAID: Final = """
select disposition_id, verdict, attack, species, reason, proposed_by, proposed_at, on_revision, state, settled_by,
  settled_at
from triage.dispositions where case_id = $1 order by number"""
_PARTS: Final = f"""
select p.part_id as case_id, c.kind, c.state, c.severity, p.joined_at, p.joined_by, p.why, p.left_at, p.left_by,
  p.left_why, (select count(*) from triage.case_reasons r where r.case_id = c.case_id) as reasons,
  restriction.holds is not null as restricted
from triage.parts p join triage.cases c on c.case_id = p.part_id{restriction_of("c", "$2")}
where p.whole_id = $1 order by p.number desc limit 500"""  # noqa: S608 - a join of ours
_LEFT_OUT: Final = f"""
select count(*) from triage.cases c{restriction_of("c", "$2")}
where c.part_of = $1 and restriction.holds is not null"""  # noqa: S608 - a join of ours
# Whoever locks several cases does so in the order of their ids, a part's whole with it: nobody waits for each other.
_LOCK_ALL: Final = """
select case_id, part_of from triage.cases c
where c.case_id = any($1::text[] || $3::text[]) or ($2 and c.part_of = any($1::text[]))
  or c.case_id in (select p.part_of from triage.cases p where p.case_id = any($1::text[]))
order by c.case_id for update"""
_LOCK: Final = f"""
select c.case_id, c.tenant, state, case when parts_grave then 'high' else severity end as severity, queue,
  restriction.holds is not null as restricted,
  about::text as about, revision, version, stage, snoozed_until, due_at, due_s, merged_into, closed_by, part_of,
  (select count(*) from triage.cases p where p.part_of = c.case_id) as parts,
  firing.fires_since, firing.part_fires_since, agreed.agreed_verdict, agreed.agreed_by,
  (select joined_at from triage.parts p where p.part_id = c.case_id and p.left_at is null) as joined_at,
  (select max(settled_at) from triage.dispositions p
   where p.case_id = c.case_id and p.state in ('decided', 'approved')) as judged_at,
  state = 'closed' and exists(select from triage.cases o where o.tenant = c.tenant and o.subject_tag = c.subject_tag
                              and o.state <> 'closed') as goes_on
from triage.cases c{restriction_of("c", "$2")}
{firing_of("c")}where c.case_id = any($1::text[]) order by case_id for update of c"""  # noqa: S608 - a join of ours
_ASSIGNEES: Final = """
select case_id, person_id from triage.assignments where case_id = any($1::text[]) and released_at is null"""
_NAMED: Final = """
select case_id from triage.cases where case_id = $1
union
select case_id from triage.cases
where $3 and tenant = $2 and state <> 'closed' and part_of is null and starts_with(case_id, $1) limit 2"""
ASSIGNEE: Final = "select person_id from triage.assignments where case_id = $1 and released_at is null"
_WORKER: Final = "select person_id, tenants, roles from access.directory where name = $1"

_ONE_AT_A_TIME: Final = "select pg_advisory_xact_lock(hashtext('triage.cases in hand'), hashtext($1))"
_IN_HAND: Final = """
select c.queue, count(*) as n from triage.assignments a join triage.cases c using (case_id)
where a.person_id = $1 and a.released_at is null and c.part_of is null group by 1"""
_NAME_OF: Final = "select name from access.directory where person_id = $1"
_WAITS: Final = f"""
from triage.cases c{restriction_of("c", "$4")}
where restriction.holds is null and c.state <> 'closed' and c.part_of is null and c.queue = any($1::text[])
  and ($2::text[] is null or c.tenant = any($2)) and (c.snoozed_until is null or c.snoozed_until <= $4)
  and $3 is distinct from c.about->>'person' and $3 is distinct from c.about->>'second_person'
  and not exists (select from triage.assignments a where a.case_id = c.case_id and a.released_at is null)"""
_NEXT: Final = f"""
select c.case_id, c.severity = 'high' or c.parts_grave as grave, coalesce(c.due_at <= $4, false) as overdue {_WAITS}
order by (c.severity = 'high' or c.parts_grave) desc, overdue desc, c.opened_at, c.case_id collate "C"
limit 1 for update of c skip locked"""
_WAITING: Final = f"select count(*) {_WAITS}"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class After(NamedTuple):
    """Where a case stands in the order of lists as of a moment (`as_of_us`): what rests, then what is closed, is last.

    Grave ones before the others, overdue ones before the others, then the oldest; of closed ones the newest.
    """

    as_of_us: int
    later: int
    not_grave: int
    not_overdue: int
    since_us: int
    case_id: str

    @classmethod
    def of(cls, case: ListedCase, as_of: datetime) -> Self:
        """Return the place of a case."""
        now, closed = case.now, case.now.state == "closed"
        rests = now.snoozed_until is not None and now.snoozed_until > as_of
        overdue = now.due_at is not None and now.due_at <= as_of and not closed
        since = -_us(case.changed_at) if closed else _us(case.opened_at)
        grave = now.severity == "high" and not closed
        return cls(_us(as_of), int(rests) + 2 * int(closed), int(not grave), int(not overdue), since, now.case_id)

    @property
    def as_of(self) -> datetime:
        """Return as of when the order is: pages of one list have one."""
        return _EPOCH + timedelta(microseconds=self.as_of_us)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


AS_IS_ASKED: Final = (
    "set local plan_cache_mode = force_custom_plan; set local random_page_cost = 1.1; set local jit = off"
)
"""A plan for whatever may be asked goes through all cases, from the sixth list of a connection on; and one that was
made while a table was empty stays until the table is analyzed. What runs is in memory: an index costs no disk seeks
that would make it dearer than all cases that there ever were; and to compile takes longer than what it is for."""


async def listed_cases(
    tx: Any, case_id: str | None, tenants: Sequence[str] | None, states: Sequence[str] | None, whose: str | None,
    most: int, now: datetime, after: After | None = None, *, overdue: bool = False, proposed: bool = False,
    wanted: Wanted = ANY,
) -> list[ListedCase]:  # fmt: skip
    """Return cases in the order of `After`; `whose`: of those that this person works on; `after`: those behind it.

    `overdue`: of those whose time is over; `proposed`: of which something waits for a second person.
    """
    if wanted.tenant is not None:
        tenants = [each for each in (wanted.tenant,) if tenants is None or each in tenants]
    found = None if wanted.text is None else await cases_by(tx, wanted.text, tenants, now)
    *place, last = after[1:] if after else (None,) * 5
    of, as_of = (wanted.kind, wanted.severity, wanted.task), after.as_of if after else now
    await tx.execute(AS_IS_ASKED)
    of_all = case_id is None and whose is None and found is None and not (overdue or proposed)
    if of_all and states is not None and "closed" not in states:
        return [*map(listed_in, await tx.fetch(_RUNNING, tenants, states, most, as_of, *place, last, now, *of))]
    given = case_id, tenants, states, whose, most, *place, as_of, last, overdue, proposed, now
    return [*map(listed_in, await tx.fetch(_CASES, *given, found, *of))]


async def whole_case(tx: Any, case_id: str, now: datetime) -> WholeCase | None:
    """Return a case whole; in one transaction its parts are of one moment if it is locked.

    Without the reasons of those whose processing is restricted now; of their own case also without what was said of it.
    """
    row = await tx.fetchrow(
        _CASES, case_id, None, None, None, 1, *(None,) * 4, _EPOCH, None, False, False, now, *(None,) * 4
    )
    if row is None:
        return None
    found = whole_in(row, await reasons_of(tx, case_id, now))._replace(
        moves=tuple(moved_in(each) for each in await tx.fetch(_MOVES, case_id)),
        work=tuple(worked_in(each) for each in await tx.fetch(_WORK, case_id)),
        acts=tuple(acted_in(each) for each in await tx.fetch(_ACTS, case_id)),
        said=tuple(said_in(each) for each in await tx.fetch(_SAID, case_id)),
        parts=tuple(part_in(each) for each in await tx.fetch(_PARTS, case_id, now)),
        left_out=await tx.fetchval(_LEFT_OUT, case_id, now),
    )
    return withheld(found) if found.listed.now.restricted else found


async def reasons_of(tx: Any, case_id: str, now: datetime) -> list[CaseReason]:
    """Return the reasons of a case and its parts, the oldest first; of those whose processing is restricted none."""
    return [reason_in(each) for each in reversed(await tx.fetch(_REASONS, case_id, now))]


async def locked_case(tx: Any, case_id: str, now: datetime) -> tuple[CaseNow, str] | None:
    """Lock a case; return it, and what says that it was seen so."""
    return (await locked_cases(tx, [case_id], now)).get(case_id)


async def locked_cases(tx: Any, case_ids: Sequence[str], now: datetime) -> dict[str, tuple[CaseNow, str]]:
    """Lock cases, in the order of their ids; return each by its id as `locked_case` does, if it is there."""
    rows = await tx.fetch(_LOCK, case_ids, now)
    held = {row["case_id"]: row["person_id"] for row in await tx.fetch(_ASSIGNEES, case_ids)}
    pending = await pending_of(tx, case_ids)
    return {(id_ := row["case_id"]): (case_in(row, held.get(id_), pending.get(id_)), seen_in(row)) for row in rows}


async def lock_all(tx: Any, *case_ids: str, with_parts: bool = False) -> None:
    """Lock cases that are to be changed together, and the wholes that they are parts of; `with_parts`: their parts."""
    await locked_with_wholes(tx, _LOCK_ALL, [*case_ids], with_parts)


async def whole_id(tx: Any, case_id: str) -> str:
    """Return the id of the case that a case goes on with: its own, unless it is a part."""
    return await tx.fetchval("select part_of from triage.cases where case_id = $1", case_id) or case_id


async def named_cases(tx: Any, name: str, tenant: str) -> list[str]:
    """Return the ids that a name stands for: the case's own; of the tenant's running wholes those that begin so."""
    return [row["case_id"] for row in await tx.fetch(_NAMED, name, tenant, len(name) >= LETTERS)]


async def named_worker(tx: Any, name: str) -> Worker | None:
    """Return who has this name, if anybody does."""
    row = await tx.fetchrow(_WORKER, name) if is_name(name) else None
    return worker_in(row) if row else None


async def in_hand(tx: Any, person_id: str) -> tuple[str | None, dict[Queue, int]]:
    """Return somebody's name, and how many cases of each queue they work on.

    Nobody else gives them a next one until the transaction ends.
    """
    await tx.execute(_ONE_AT_A_TIME, person_id)
    rows = await tx.fetch(_IN_HAND, person_id)
    return await tx.fetchval(_NAME_OF, person_id), {row["queue"]: row["n"] for row in rows}


async def next_locked(
    tx: Any, queues: Collection[str], tenants: Sequence[str] | None, person_id: str, now: datetime
) -> tuple[str, NextWhy, int] | None:
    """Lock the next case for somebody; return its id, why this one, and how many wait. None: nothing waits for them.

    What another has locked is passed over. What another took between the look and the lock is seen as theirs by a
    statement that begins after the lock, and the next one is looked for.
    """
    asked = list(queues), tenants, person_id, now
    waiting = int(await tx.fetchval(_WAITING, *asked))
    while row := await tx.fetchrow(_NEXT, *asked):
        if await tx.fetchval(ASSIGNEE, row["case_id"]) is None:
            why: NextWhy = "grave" if row["grave"] else "overdue" if row["overdue"] else "oldest"
            return row["case_id"], why, max(1, waiting)
    return None
