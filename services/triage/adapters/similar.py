"""Cases that have something in common with a case, in PostgreSQL; bounded however many have it."""

from datetime import datetime
from typing import Any, Final

from services.triage.adapters.desk_rows import similar_in
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import CaseNow
from services.triage.core.similar import Similar

_MARKS: Final = 20
"""So many marks of a case are looked up: of a cluster those that most of its parts have."""
_OF_EACH: Final = 50
"""So many cases are looked at of a mark, a person or a slice, the newest."""
# Of somebody whose processing is restricted (GDPR Art. 18) nothing is used: neither to find by, nor to be found.
_SIMILAR: Final = f"""
with shut as materialized (
  select c.case_id from triage.cases c
  join privacy.restricted_tags($2) r on r.tenant = c.tenant and r.tag = c.subject_tag),
of_it as materialized (
  select c.case_id, c.tenant, c.subject_tag from triage.cases c
  where (c.case_id = $1 or c.part_of = $1) and c.case_id not in (table shut)),
it as (select c.tenant, c.part_of, c.segment_name, c.segment_value from triage.cases c where c.case_id = $1),
marks as (
  select t.mark, t.kind from triage.traits t join of_it using (case_id)
  where t.kind in ('imagery', 'device', 'pattern', 'timing')
  group by 1, 2 order by count(distinct t.case_id) desc, t.mark limit {_MARKS}),
common as (
  select n.case_id, m.kind as by, n.last_at as at from marks m cross join lateral (
    select t.case_id, t.last_at from triage.traits t
    where t.mark = m.mark and t.case_id not in (select case_id from of_it)
    order by t.day desc, t.case_id limit {_OF_EACH}) n
  union all
  select n.case_id, 'person', n.opened_at from (select distinct tenant, subject_tag from of_it) o cross join lateral (
    select c.case_id, c.opened_at from triage.cases c
    where c.tenant = o.tenant and c.subject_tag = o.subject_tag and c.case_id not in (select case_id from of_it)
    order by c.opened_at desc, c.case_id limit {_OF_EACH}) n
  union all
  select n.case_id, 'slice', n.opened_at from it cross join lateral (
    select c.case_id, c.opened_at from triage.cases c
    where c.tenant = it.tenant and c.segment_name = it.segment_name and c.segment_value = it.segment_value
      and c.case_id <> $1
    order by c.opened_at desc, c.case_id limit {_OF_EACH}) n),
wholes as (
  select distinct on (coalesce(c.part_of, c.case_id), b.by) coalesce(c.part_of, c.case_id) as case_id, b.by, b.at
  from common b join triage.cases c using (case_id)
  where b.case_id not in (table shut)
  order by coalesce(c.part_of, c.case_id), b.by, b.at desc)
select w.case_id, w.by, w.at, c.tenant, c.kind, c.state, c.stage, c.queue,
  case when c.parts_grave then 'high' else c.severity end as severity,
  (select count(*) from triage.cases p where p.part_of = c.case_id) as parts,
  (select a.person_id from triage.assignments a where a.case_id = c.case_id and a.released_at is null) as person_id,
  f.verdict, f.attack
from wholes w cross join it join triage.cases c using (case_id){restriction_of("c", "$2")}
left join lateral (
  select d.verdict, d.attack from triage.dispositions d
  where d.case_id = c.case_id and d.state in ('decided', 'approved') order by d.number desc limit 1) f on true
where w.case_id <> $1 and w.case_id is distinct from it.part_of and restriction.holds is null"""  # noqa: S608


async def similar_cases(tx: Any, case: CaseNow, queue: str | None, now: datetime) -> list[Similar]:
    """Return what is beside a case; parts stand for their wholes. `queue`: of these alone, None: of all.

    Of one that is restricted there is nothing.
    """
    if case.restricted:
        return []
    rows = await tx.fetch(_SIMILAR, case.case_id, now)
    return [similar_in(row) for row in rows if queue in (None, row["queue"])]
