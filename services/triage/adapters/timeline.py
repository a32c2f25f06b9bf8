"""Attempts beside a case, in PostgreSQL: of its people, of their handsets, and of what a cluster has in common."""

from datetime import datetime
from typing import Any, Final

from services.triage.core.assignments import CaseNow
from services.triage.core.timeline import NONE, SUREST, AttemptPlace, ListedAttempt, Timeline, person_name

AT_ONCE: Final = 50
_COUNTS: Final = ("total", "of_people", "accepted", "people")
# Of somebody whose processing is restricted (GDPR Art. 18) nothing is used, but of a case that is permitted.
_BESIDE: Final = """
with it as materialized (select c.case_id, c.tenant from triage.cases c where c.case_id = $1),
shut as materialized (
  select r.tag, r.permitted from privacy.restricted_tags($2) r join it using (tenant)),
people as materialized (
  select distinct c.subject_tag as tag, c.case_id from triage.cases c join it on c.tenant = it.tenant
  where (c.case_id = $1 or c.part_of = $1) and c.subject_tag is not null and not exists (
    select from shut where shut.tag = c.subject_tag and not shut.permitted && array[c.case_id, c.part_of])),
common as materialized (
  select k.key, k.day, t.kind, t.value from triage.clusters k cross join lateral (
    select t.kind, t.value from triage.traits t where t.mark = k.key and t.day = k.day limit 1) t
  where k.case_id = $1),
alarms as materialized (
  select k.day, greatest(a.since, k.day::timestamp at time zone 'UTC') as since,
    least(a.until, (k.day + 1)::timestamp at time zone 'UTC') as until, a.marks::uuid[] as marks
  from triage.clusters k join triage.alarms a on coalesce(a.goes_with, a.alarm_id) = k.key
  where k.case_id = $1),
own as materialized (
  select a.*, 'person' as by from triage.attempts a join it using (tenant)
  where a.subject_tag in (select tag from people)),
handsets as materialized (
  select own.handset from own where own.handset is not null
  union select t.mark::uuid from triage.traits t join people using (case_id) where t.kind = 'device'),
others as (
  select a.*, 'device' as by from triage.attempts a join it using (tenant)
  where a.handset in (select handset from handsets)
  union all
  select a.*, 'pattern' from common k cross join it
    join triage.pattern_hits h on h.tenant = it.tenant and h.pattern_id = k.value and h.mode = 'live'
      and (h.at at time zone 'UTC')::date = k.day
    join triage.attempts a on a.tenant = h.tenant and a.transaction_id = h.transaction_id
      and a.attempt_id = h.attempt_id
  where k.kind = 'pattern'
  union all
  select a.*, 'timing' from common k cross join it
    join triage.attempts a on a.tenant = it.tenant and a.durations = k.key::uuid
      and (a.at at time zone 'UTC')::date = k.day
  where k.kind = 'timing'
  union all
  select a.*, 'cohort' from alarms m cross join it
    join triage.attempts a on a.tenant = it.tenant and a.at >= m.since and a.at < m.until and a.slices @> m.marks),
listed as materialized (
  select * from own
  union all
  (select distinct on (o.transaction_id collate "C", o.attempt_id collate "C") o.* from others o
   where o.subject_tag not in (select tag from people) and o.subject_tag not in (select tag from shut)
   order by o.transaction_id collate "C", o.attempt_id collate "C", array_position($3::text[], o.by)))"""
_PAGE: Final = f"""{_BESIDE}
select l.transaction_id, l.attempt_id, l.at, l.by, l.subject_tag, l.decision, l.action, l.reasons, l.match_outcome,
  l.liveness_outcome, l.match_score, l.liveness_score, l.match_threshold, l.liveness_threshold,
  case when l.decision = 'accept' then (
    select count(*) from triage.attempts f
    where f.tenant = l.tenant and f.subject_tag = l.subject_tag and f.decision <> 'accept'
      and f.at < l.at and f.at >= l.at - interval '1 day') else 0 end as failed_before,
  n.total, n.of_people, n.accepted, n.people
from listed l cross join (
  select count(*) as total, count(*) filter (where by = 'person') as of_people,
    count(*) filter (where decision = 'accept') as accepted, count(distinct subject_tag) as people from listed) n
where $4::timestamptz is null or (l.at, l.transaction_id collate "C", l.attempt_id collate "C") < ($4, $5, $6)
order by l.at desc, l.transaction_id collate "C" desc, l.attempt_id collate "C" desc limit $7"""  # noqa: S608 - a part of ours


async def timeline_of(
    tx: Any, case: CaseNow, now: datetime, most: int = AT_ONCE, after: AttemptPlace | None = None
) -> Timeline:
    """Return the attempts beside a case, the newest first; `after`: those behind that place.

    Of one that is restricted there are none.
    """
    if case.restricted:
        return NONE
    rows = await tx.fetch(_PAGE, case.case_id, now, SUREST, *(after or (None,) * 3), most + 1)
    if not rows:
        return NONE
    counts = {name: rows[0][name] for name in _COUNTS}
    return Timeline([_attempt(row, case.case_id) for row in rows[:most]], **counts, more=len(rows) > most)


def _attempt(row: Any, case_id: str) -> ListedAttempt:
    given = {name: value for name, value in row.items() if name not in ("subject_tag", *_COUNTS)}
    return ListedAttempt(person=person_name(case_id, row["subject_tag"]), **given)
