"""The statements of clusters."""

from typing import Final

KEEP_TRAITS: Final = """
with given as (
  select mark, (at at time zone 'UTC')::date as day, case_id, min(kind) as kind, min(value) as value,
    min(at) as first_at, max(at) as last_at, min(logged_at) as logged_at
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    as u(case_id, mark, kind, value, at, logged_at) group by 1, 2, 3 order by 1, 2, 3),
kept as (
  insert into triage.traits as t (mark, day, case_id, kind, value, first_at, last_at, logged_at)
  select * from given
  on conflict (mark, day, case_id) do update set first_at = least(t.first_at, excluded.first_at),
    last_at = greatest(t.last_at, excluded.last_at), logged_at = least(t.logged_at, excluded.logged_at)
    where excluded.first_at < t.first_at or excluded.last_at > t.last_at
  returning t.case_id)
insert into triage.unsettled(case_id) select distinct case_id from kept order by 1"""
KEEP_ALARM: Final = """
insert into triage.alarms as k (alarm_id, tenant, marks, since, until, segment_name, segment_value, metric, goes_with)
values($1, $2, $3, $4, $5, $6, $7, $8, (
  select coalesce(e.goes_with, e.alarm_id) from triage.alarms e
  where e.tenant = $2 and e.marks = $3 and (e.until is null or e.until > $4)
    and ($5::timestamptz is null or e.since < $5) order by e.since, e.alarm_id limit 1))
on conflict (alarm_id) do update set marks = excluded.marks, since = excluded.since, until = excluded.until,
  settled = false
  where (k.marks, k.since) is distinct from (excluded.marks, excluded.since)
    or k.until is distinct from excluded.until"""
UNSETTLED: Final = "select number, case_id from triage.unsettled order by number limit $1"
ALARMS: Final = "select coalesce(goes_with, alarm_id) from triage.alarms where not settled"
# Of somebody whose processing is restricted (GDPR Art. 18) nothing is used: not to find an attack by, nor as a part.
_SHUT: Final = """
shut as materialized (
  select c.case_id from triage.cases c
  join privacy.restricted_tags(now()) r on r.tenant = c.tenant and r.tag = c.subject_tag)"""
GROWN: Final = f"""
with {_SHUT},
touched as (
  select b.key, b.day, b.kind from triage.belonging b where b.case_id = any($1::text[])
  union select b.key, b.day, b.kind from triage.belonging b where b.key = any($2::text[]))
select g.kind, g.key, g.day, c.tenant, f.value, f.at, a.segment_name, a.segment_value, a.metric
from touched g join unnest($3::text[], $4::int[]) as r(kind, at_least) using (kind)
cross join lateral (
  select count(*) as n, max(m.at) as at, min(m.value) as value, min(m.case_id) as case_id from (
    select b.case_id, min(b.logged_at) as at, min(b.value) as value from triage.belonging b
    where b.key = g.key and b.day = g.day and b.case_id not in (table shut)
    group by 1 order by 2, 1 limit r.at_least) as m) as f
join triage.cases c on c.case_id = f.case_id
left join triage.alarms a on a.alarm_id = g.key
where f.n >= r.at_least and not exists (select from triage.clusters k where k.key = g.key and k.day = g.day)
order by f.at, g.key, g.day"""  # noqa: S608 - a part of ours
OPENED: Final = """
insert into triage.clusters(case_id, key, day) select * from unnest($1::text[], $2::text[], $3::date[])"""
MEMBERS: Final = """
select b.case_id from triage.belonging b where b.key = any($1::text[])
union select b.case_id from unnest($2::text[], $3::date[]) as u(key, day) join triage.belonging b using (key, day)"""
WHOLES: Final = """
select k.case_id from triage.belonging b join triage.clusters k using (key, day) where b.case_id = any($1::text[])
union select c.part_of from triage.cases c where c.case_id = any($1::text[]) and c.part_of is not null"""
LOCK: Final = """
select case_id from triage.cases where case_id = any($1::text[]) order by case_id for update skip locked"""
# Not what people have in hand, have judged, or put elsewhere or took out; nor into what waits for a second person.
HOMES: Final = f"""
with {_SHUT},
theirs as materialized (
  select b.case_id, k.case_id as whole_id, b.kind, b.day, b.logged_at
  from triage.belonging b join triage.clusters k using (key, day) where b.case_id = any($1::text[])),
free as materialized (
  select c.case_id, c.part_of from triage.cases c left join triage.cases o on o.case_id = c.part_of
  where c.case_id = any($1::text[]) and c.kind = 'subject' and c.state <> 'closed' and c.queue = 'soc'
    and c.case_id not in (table shut)
    and c.stage = 'new' and (c.part_of is null or (o.kind = 'cluster' and o.stage = 'new'))
    and not exists (select from triage.assignments a
                    where a.case_id in (c.case_id, o.case_id) and a.released_at is null)
    and not exists (select from triage.dispositions d
                    where d.case_id in (c.case_id, o.case_id) and d.state = 'proposed')
    and not exists (select from triage.cases p where p.part_of = c.case_id)
    and not exists (select from triage.parts p where p.part_id = c.case_id
                    and (p.joined_by <> $3 or coalesce(p.left_by, $3) <> $3))),
homes as (
  select distinct on (f.case_id) f.case_id, f.part_of, w.case_id as whole_id, b.kind, b.logged_at
  from free f join theirs b using (case_id) join triage.cases w on w.case_id = b.whole_id
  where w.state <> 'closed' and w.queue = 'soc' and w.part_of is null
    and w.stage in ('new', 'assigned', 'under_review')
    and not exists (select from triage.dispositions d where d.case_id = w.case_id and d.state = 'proposed')
  order by f.case_id, array_position($2::text[], b.kind), b.day, w.case_id)
select h.case_id, h.part_of, h.whole_id, h.kind, greatest(h.logged_at, (
  select max(d.settled_at) + interval '1 microsecond' from triage.dispositions d where d.case_id = h.whole_id)) as at
from homes h where h.part_of is distinct from h.whole_id order by h.case_id"""  # noqa: S608 - a part of ours
LEFT: Final = """
update triage.parts p set left_at = greatest(p.joined_at, u.at), left_by = $3, left_why = $4
from unnest($1::text[], $2::timestamptz[]) as u(part_id, at) where p.part_id = u.part_id and p.left_at is null"""
JOIN: Final = """
update triage.cases c set part_of = u.whole_id
from unnest($1::text[], $2::text[]) as u(part_id, whole_id) where c.case_id = u.part_id"""
JOINED: Final = """
insert into triage.parts(whole_id, part_id, joined_at, joined_by, why)
select u.whole_id, u.part_id, u.at, $5, u.why
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as u(part_id, whole_id, at, why)"""
SETTLED: Final = "delete from triage.unsettled where number = any($1::bigint[])"
LATER: Final = "insert into triage.unsettled(case_id) select unnest($1::text[])"
ALARMS_SETTLED: Final = (
    "update triage.alarms set settled = true where coalesce(goes_with, alarm_id) = any($1::text[]) and not settled"
)
