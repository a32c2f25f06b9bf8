"""What people do with a case, in its tables; each act as the entries that say so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from proofwatch.audit.entry import Entry, person
from proofwatch.audit.pending import Draw
from services.triage.adapters import entries
from services.triage.core.assignments import CaseNow, Change

_RELEASE: Final = """
update triage.assignments set released_at = $2, released_by = $3 where case_id = $1 and released_at is null"""
_ASSIGN: Final = """
insert into triage.assignments(case_id, person_id, assigned_at, assigned_by) values($1, $2, $3, $4)"""
_REFER: Final = "update triage.cases set queue = 'research' where case_id = $1"
_CLOSE: Final = """
with before as (select case_id, state from triage.cases where case_id = $1),
closed as (
  update triage.cases c set state = 'closed', revision = c.revision + 1, changed_at = greatest(c.changed_at, $2),
    closed_at = $2, closed_by = $3, closed_reason = $4
  where c.case_id = $1 returning c.case_id, c.revision, c.changed_at)
insert into triage.case_transitions(case_id, revision, from_state, to_state, trigger, why, source_id, source_revision,
                                    at)
select closed.case_id, closed.revision, before.state, 'closed', 'person', 'closed_by_person', $5, 1, closed.changed_at
from closed join before using (case_id)"""


async def written(
    tx: Any, case: CaseNow, change: Change, person_id: str, reason: str, now: datetime, draw: Draw
) -> Sequence[Entry]:
    """Do to a case, which is locked, what was decided; return the entries of it."""
    by, found = person(person_id), []
    if change.release:
        await tx.execute(_RELEASE, case.case_id, now, person_id)
        found.append(entries.released(case, by, now, draw))
    if change.assign_to:
        await tx.execute(_ASSIGN, case.case_id, change.assign_to, now, person_id)
        found.append(entries.assigned(case, by, change.assign_to, now, draw))
    if change.refer:
        await tx.execute(_REFER, case.case_id)
        found.append(entries.referred(case, by, reason, now, draw))
    if change.close:
        closing = entries.closed(case, by, reason, now, draw)
        await tx.execute(_CLOSE, case.case_id, now, person_id, reason, closing.entry_id)
        found.append(closing)
    return found
