"""Cases that a text stands for, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.triage.adapters.restricted import restriction_of

LETTERS: Final = 8
"""So many letters of an id stand for a case, as lists show it."""
_MOST: Final = 500
_PATTERN: Final = "attack_pattern."
# Of somebody whose processing is restricted (GDPR Art. 18) a transaction is not used to find their case by.
_FOUND: Final = f"""
with found as (
  (select c.case_id from triage.cases c
   where $4 and c.case_id collate "C" >= $6 and c.case_id collate "C" < $6 || U&'\\+10FFFF'
     and ($2::text[] is null or c.tenant = any($2))
   limit {_MOST})
  union all
  (select c.case_id from triage.case_reasons r join triage.cases c using (case_id){restriction_of("c", "$3")}
   where (r.transaction_id = $1 or r.source_id = $1) and ($2::text[] is null or c.tenant = any($2))
     and restriction.holds is null
   limit {_MOST})
  union all
  (select c.case_id from triage.cases c
   where c.segment_value = $1 and c.segment_name is not null and ($2::text[] is null or c.tenant = any($2))
   order by c.opened_at desc limit {_MOST})
  union all
  (select c.case_id from triage.case_reasons r join triage.cases c using (case_id){restriction_of("c", "$3")}
   where r.code = $5 and r.code like 'attack\\_pattern.%' and ($2::text[] is null or c.tenant = any($2))
     and restriction.holds is null
   order by r.at desc limit {_MOST})
  union all
  (select c.case_id from access.directory d
   join triage.assignments a on a.person_id = d.person_id and a.released_at is null
   join triage.cases c using (case_id)
   where d.name = $1 and ($2::text[] is null or c.tenant = any($2))
   order by a.assigned_at desc limit {_MOST}))
select distinct coalesce(c.part_of, c.case_id) as case_id from found join triage.cases c using (case_id)"""  # noqa: S608


async def cases_by(tx: Any, text: str, tenants: Sequence[str] | None, now: datetime) -> list[str]:
    """Return the ids of cases that a text stands for, the wholes of parts, of these tenants (None: of all).

    At most 500 by each of what it may be. `now`: as of when restrictions hold.
    """
    if not text:
        return []
    rows = await tx.fetch(_FOUND, text, tenants, now, len(text) >= LETTERS, f"{_PATTERN}{text}", text.lower())
    return [row["case_id"] for row in rows]
