"""Which cases come first in lists of those that run: from indexes that have their order, however many there are.

The order of lists has the grave ones first, of these the overdue ones, then the oldest; what rests comes behind all.
Neither what is overdue nor what rests at a moment is in an index's order, but each is found by its own, and is little;
the rest of each queue, grave or not, is in order already.
"""

from typing import Final

ORDER: Final = """
  cross join lateral (select
    (c.snoozed_until is not null and c.snoozed_until > {as_of})::int + 2 * (c.state = 'closed')::int as later,
    ((c.severity <> 'high' and not c.parts_grave) or c.state = 'closed')::int as not_grave,
    (c.due_at is null or c.due_at > {as_of} or c.state = 'closed')::int as not_overdue,
    round(date_part('epoch', case when c.state = 'closed' then c.changed_at else c.opened_at end) * 1000000)::bigint
      * case when c.state = 'closed' then -1 else 1 end as since_us) o"""
"""Where each case `c` stands in the order of lists as of a moment."""
PLACE: Final = 'later, not_grave, not_overdue, since_us, case_id collate "C"'
_THERE: Final = """c.state <> 'closed' and c.part_of is null and c.state = any($2)
        and ($1::text[] is null or c.tenant = any($1))
        and ($11::text is null or c.kind = $11)
        and ($12::text is null or (case when c.parts_grave then 'high' else c.severity end) = $12)
        and ($13::text is null or c.task = $13)
        and ($5::int is null
             or (o.later, o.not_grave, o.not_overdue, o.since_us, c.case_id collate "C") > ($5, $6, $7, $8, $9))"""
_OF_CASE: Final = f"select c.case_id, o.* from triage.cases c{ORDER.format(as_of='$4')}\n      where {_THERE}"  # noqa: S608
FIRST_RUNNING: Final = f"""
with found as materialized (
  select * from (
    (select n.* from (values ('soc'), ('research')) q(queue) cross join (values (true), (false)) g(grave)
    cross join lateral (
      {_OF_CASE}
        and c.queue = q.queue and (c.severity = 'high' or c.parts_grave) = g.grave
        and (c.snoozed_until is null or c.snoozed_until <= $4) and (c.due_at is null or c.due_at > $4)
      order by c.opened_at, c.case_id collate "C" limit $3) n)
    union all
    (select c.* from (
      {_OF_CASE}
        and c.due_at <= $4 and (c.snoozed_until is null or c.snoozed_until <= $4)) c
      order by {PLACE} limit $3)
    union all
    (select c.* from (
      {_OF_CASE}
        and c.snoozed_until > $4) c
      order by {PLACE} limit $3)) each
  order by {PLACE} limit $3)
"""  # noqa: S608 - statements of ours
"""`found`: the first cases that run, of $1 tenants, $2 states, at most $3, as of $4, behind $5 to $9, $11 kind, $12
severity, $13 task."""
