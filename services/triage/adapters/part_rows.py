"""Parts of cases in PostgreSQL, and what people do to a case and its parts at once, each act with its entry."""

from datetime import datetime
from typing import Any, Final

from proofwatch.audit.entry import Actor, Entry, Object
from proofwatch.audit.pending import Draw, act
from services.triage.core.assignments import CaseNow

MERGED: Final = "case.merged"
TAKEN_OUT: Final = "case.unmerged"
BY_PERSON: Final = "person"
"""Why a case is a part: somebody said so."""

_JOIN: Final = "update triage.cases set part_of = $2 where case_id = $1"
_JOINED: Final = """
insert into triage.parts(whole_id, part_id, joined_at, joined_by, why) values($2, $1, $3, $4, $5)"""
_LEAVE: Final = "update triage.cases set part_of = null where case_id = $1"
_LEFT: Final = """
update triage.parts set left_at = $2, left_by = $3, left_why = $4 where part_id = $1 and left_at is null"""
_RUNNING: Final = """
select case_id from triage.cases where part_of = $1 and state <> 'closed' order by case_id"""
# Those that its closing closed, unless their subject has another case by now.
_CLOSED_WITH: Final = """
select p.case_id, p.due_s from triage.cases p join triage.cases w on w.case_id = p.part_of
where p.part_of = $1 and p.state = 'closed' and p.closed_at = w.closed_at and p.closed_by = w.closed_by
  and p.merged_into is null
  and not exists (select from triage.cases o where o.tenant = p.tenant and o.subject_tag = p.subject_tag
                  and o.state <> 'closed')
order by p.case_id"""


async def merge(tx: Any, case: CaseNow, into: str, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Make a case a part of another; both are locked. Return the entry of it."""
    await tx.execute(_JOIN, case.case_id, into)
    await tx.execute(_JOINED, case.case_id, into, now, by.id, BY_PERSON)
    return _entry(MERGED, case, into, by, reason, now, draw)


async def take_out(tx: Any, case: CaseNow, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Let a part go on by itself again; it and its whole are locked. Return the entry of it."""
    assert case.part_of is not None, "nothing else is taken out"
    await tx.execute(_LEAVE, case.case_id)
    await tx.execute(_LEFT, case.case_id, now, by.id, BY_PERSON)
    return _entry(TAKEN_OUT, case, case.part_of, by, reason, now, draw)


async def running_parts(tx: Any, case_id: str) -> list[str]:
    """Return the parts of a case that are not closed."""
    return [row["case_id"] for row in await tx.fetch(_RUNNING, case_id)]


async def closed_with(tx: Any, case_id: str) -> dict[str, int | None]:
    """Return the parts that were closed with a case and can be opened with it again, and the seconds of each."""
    return {row["case_id"]: row["due_s"] for row in await tx.fetch(_CLOSED_WITH, case_id)}


def _entry(action: str, case: CaseNow, whole: str, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    of = Object("case", case.case_id), Object("case", whole)
    return act(action, by, now, *of, tenant=case.tenant, reason=reason, draw=draw)
