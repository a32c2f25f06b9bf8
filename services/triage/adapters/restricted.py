"""Which cases are of nobody but people whose processing is restricted (GDPR Art. 18): as a join, or as a set."""

from typing import Final

_TAGS: Final = "privacy.restricted_tags({now})"
# Few are restricted: clusters with a part of theirs are found from them, once for a statement, and only of those each
# part is looked at; as an `exists` of either the planner would go through all cases.
_JOIN: Final = f"""
left join {_TAGS} own_restriction on own_restriction.tenant = {{case}}.tenant
  and own_restriction.tag = {{case}}.subject_tag
  and not own_restriction.permitted && array[{{case}}.case_id, {{case}}.part_of]
left join lateral (select true as holds where own_restriction.tag is not null or ({{case}}.kind = 'cluster'
  and {{case}}.case_id = any(array(
    select any_part.part_of from {_TAGS} any_restriction
    join triage.cases any_part on any_part.tenant = any_restriction.tenant
      and any_part.subject_tag = any_restriction.tag
    where any_part.part_of is not null))
  and (select true from triage.cases free_part where free_part.part_of = {{case}}.case_id and not exists (
    select from {_TAGS} part_restriction where part_restriction.tenant = free_part.tenant
      and part_restriction.tag = free_part.subject_tag
      and not part_restriction.permitted && array[free_part.case_id, free_part.part_of]) limit 1) is null)
) restriction on true"""  # noqa: S608 - a function of ours


# The same as a set, from the few: what goes through thousands of cases looks into it, instead of asking of each.
_SHUT: Final = f"""
restricted as materialized (select tenant, tag, permitted from {_TAGS}),
shut_by_itself as materialized (
  select c.case_id, c.part_of from restricted r join triage.cases c on c.tenant = r.tenant and c.subject_tag = r.tag
  where not r.permitted && array[c.case_id, c.part_of]),
shut as materialized (
  select case_id from shut_by_itself
  union all
  select w.case_id from (select distinct part_of as case_id from shut_by_itself where part_of is not null) w
  join triage.cases c using (case_id)
  where c.kind = 'cluster' and not exists (
    select from triage.cases p where p.part_of = w.case_id and p.case_id not in (select case_id from shut_by_itself)))
"""  # noqa: S608 - a function of ours


def restriction_of(case: str, now: str) -> str:
    """Return the join; `restriction.holds` is null where nothing restricts. `case`, `now`: names within the statement.

    A cluster, which is of several people, is restricted where each part of it is.
    """
    return _JOIN.format(case=case, now=now)


def shut_cases(now: str) -> str:
    """Return what begins a statement after its `with`: `shut`, a row for each case that `restriction_of` would hold."""
    return _SHUT.strip().format(now=now)
