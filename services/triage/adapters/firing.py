"""Since when cases fire, and what was last found of them, as joins of statements (`core/firing.py`)."""

from typing import Final

from services.triage.core.parts import OVER

_OVER: Final = ", ".join(f"'{each}'" for each in sorted(OVER))
# What fires is an incident, or access that goes on: from the first news of it after what ended it last. That another
# session tried a grant is no state that lasts.
_SINCE: Final = f"""
select min(t.at) filter (where p.case_id = {{case}}.case_id) as fires_since,
       min(t.at) filter (where p.case_id <> {{case}}.case_id) as part_fires_since
from triage.cases p join triage.case_transitions t on t.case_id = p.case_id
where (p.case_id = {{case}}.case_id or p.part_of = {{case}}.case_id) and p.kind in ('incident', 'access')
  and p.state <> 'closed' and t.trigger not in ('person', 'erasure')
  and t.revision > coalesce((select max(o.revision) from triage.case_transitions o
                             where o.case_id = p.case_id and o.trigger in ({_OVER})), 0)
  and not exists (select from triage.case_reasons r where r.case_id = p.case_id and r.source_id = t.source_id
                  and r.code = 'replayed_grant')"""  # noqa: S608 - words of ours
# Nothing that was found before a case was opened anew.
_AGREED: Final = """
select g.verdict as agreed_verdict,
       array(select distinct x from unnest(array[g.proposed_by, g.settled_by]) x where x is not null) as agreed_by
from triage.dispositions g
where g.case_id = {case}.case_id and g.state in ('decided', 'approved')
  and g.on_revision >= coalesce((select max(t.revision) from triage.case_transitions t
                                 where t.case_id = g.case_id and t.from_state = 'closed' and t.to_state <> 'closed'), 0)
order by g.number desc limit 1"""


def firing_of(case: str) -> str:
    """Return the joins: `firing.fires_since`, `firing.part_fires_since`, `agreed.agreed_verdict`, `agreed.agreed_by`.

    `case`: the name of the case within the statement.
    """
    since, agreed = _SINCE.format(case=case), _AGREED.format(case=case)
    return f"left join lateral ({since}) firing on true\nleft join lateral ({agreed}) agreed on true\n"
