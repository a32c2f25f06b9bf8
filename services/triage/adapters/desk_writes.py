"""What people do with a case, in its tables; each act as the entries that say so."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.audit.entry import Entry, person
from proofwatch.audit.pending import Draw
from services.triage.adapters import disposition_entries, disposition_rows, entries, part_rows
from services.triage.adapters.postgres import PostgresCases
from services.triage.core.assignments import CaseNow, Change
from services.triage.core.cases import escalation_of
from services.triage.core.dispositions import Finding, Terms
from services.triage.core.due import rested
from services.triage.core.hours import Hours
from services.triage.core.life import Deed, Stage
from services.triage.ports import Wanted

_RELEASE: Final = """
update triage.assignments a set released_at = g.at, released_by = g.by
from unnest($1::text[], $2::timestamptz[], $3::text[]) as g(case_id, at, by)
where a.case_id = g.case_id and a.released_at is null"""
ASSIGN: Final = """
insert into triage.assignments(case_id, person_id, assigned_at, assigned_by, why)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])"""
_REFER: Final = "update triage.cases set queue = 'research' where case_id = $1"
_REST: Final = """
update triage.cases set snoozed_until = $2, snoozed_at = $3, due_at = coalesce($4, due_at),
  rest_hours = $5::text::tstzmultirange
where case_id = $1"""
_STAGE: Final = """
update triage.cases c set stage = g.stage from unnest($1::text[], $2::text[]) as g(case_id, stage)
where c.case_id = g.case_id"""
_ACT: Final = """
insert into triage.case_acts(case_id, at, deed, from_stage, to_stage, person_id, reason)
select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])"""
OF_MANY: Final = frozenset({_RELEASE, ASSIGN, _STAGE, _ACT})
"""Statements whose arguments are columns: rows of several cases, no case twice, may be one statement."""
_MOVE: Final = """
with before as (select case_id, state from triage.cases where case_id = any($1::text[])),
moved as (
  update triage.cases c set state = coalesce($3, case when severity = 'high' then 'escalated' else 'open' end),
    revision = c.revision + 1, changed_at = greatest(c.changed_at, $2),
    closed_at = case when $3 = 'closed' then $2 end, closed_by = case when $3 = 'closed' then $4 end,
    closed_reason = case when $3 = 'closed' then $5 end,
    due_at = case when $7 = 'reopened_by_person'
      then (select u.due_at from unnest($8::text[], $9::timestamptz[]) as u(case_id, due_at)
            where u.case_id = c.case_id)
      else c.due_at end,
    told_overdue_at = case when $7 = 'reopened_by_person' then null else c.told_overdue_at end,
    severity = case when $7 = 'threat_found' then 'high' else c.severity end
  where c.case_id = any($1::text[]) returning c.case_id, c.revision, c.changed_at, c.state)
insert into triage.case_transitions(case_id, revision, from_state, to_state, trigger, why, source_id, source_revision,
                                    at)
select moved.case_id, moved.revision, before.state, moved.state, 'person', $7, $6, 1, moved.changed_at
from moved join before using (case_id)"""


class Doing(NamedTuple):
    """What was decided of a case, which is locked: by whom, when, why, and through which stages it goes.

    `why`: it comes to who it is assigned to: the deed, of a next case why it is that; `hours`: when people work.
    """

    case: CaseNow
    deed: Deed
    change: Change
    stages: Sequence[Stage]
    person_id: str
    reason: str
    now: datetime
    why: str
    hours: Hours


async def written(tx: Any, doing: Doing, draw: Draw, terms: Terms) -> Sequence[Entry]:
    """Do it; return the entries of it."""
    case, change, now = doing.case, doing.change, doing.now
    by, found = person(doing.person_id), list[Entry]()
    if change.release:
        await tx.execute(_RELEASE, *_columns(case.case_id, now, doing.person_id))
        found.append(entries.released(case, by, now, draw))
    if change.assign_to:
        await tx.execute(ASSIGN, *_columns(case.case_id, change.assign_to, now, doing.person_id, doing.why))
        found.append(entries.assigned(case, by, change.assign_to, now, draw))
    if change.refer:
        await tx.execute(_REFER, case.case_id)
        found.append(entries.referred(case, by, doing.reason, now, draw))
    found += await _judged(tx, doing, draw, terms)
    found += await _rested(tx, doing, draw)
    await _staged(tx, doing)
    if change.merge_into:
        found.append(await part_rows.merge(tx, case, change.merge_into, by, doing.reason, now, draw))
    if change.unmerge:
        found.append(await part_rows.take_out(tx, case, by, doing.reason, now, draw))
    if change.staged:
        found.append(disposition_entries.staged(case, by, doing.stages[-1], doing.reason, now, draw))
    return [*found, *await _ended(tx, doing, draw)]


async def _ended(tx: Any, doing: Doing, draw: Draw) -> Sequence[Entry]:
    """Close it, or open it anew, with its parts."""
    case, change, now, found = doing.case, doing.change, doing.now, list[Entry]()
    by = person(doing.person_id)
    if change.close:
        closing = entries.closed(case, by, doing.reason, now, draw)
        if case.parts and (parts := await part_rows.running_parts(tx, case.case_id)):
            await tx.execute(_RELEASE, parts, [now] * len(parts), [doing.person_id] * len(parts))
            await _moved(tx, doing, "closed", "closed_by_person", closing.entry_id, dict.fromkeys(parts))
        await _moved(tx, doing, "closed", "closed_by_person", closing.entry_id)
        found.append(closing)
    if change.reopen:
        opening = disposition_entries.reopened(case, by, doing.reason, now, draw)
        closed = await part_rows.closed_with(tx, case.case_id) if case.parts else {}
        await _moved(tx, doing, None, "reopened_by_person", opening.entry_id, {case.case_id: case.due_s})
        if closed:
            await _moved(tx, doing, None, "reopened_by_person", opening.entry_id, closed)
        found.append(opening)
    return found


async def _judged(tx: Any, doing: Doing, draw: Draw, terms: Terms) -> Sequence[Entry]:
    case, change, by, now = doing.case, doing.change, person(doing.person_id), doing.now
    if change.propose:
        disposition_id = str(uuid.UUID(bytes=draw(16), version=4))
        await disposition_rows.keep(
            tx, case.case_id, disposition_id, change.propose, doing.person_id, now, case.revision, decided=False
        )
        return [disposition_entries.proposed(case, by, change.propose, now, draw)]
    if change.settle == "rejected":
        await disposition_rows.settle(tx, case.case_id, "rejected", doing.person_id, now)
        return [disposition_entries.rejected(case, by, doing.reason, now, draw)]
    if not change.decide:
        return []
    two = case.pending if change.settle == "approved" else None
    if two:
        disposition_id = two.disposition_id
        await disposition_rows.settle(tx, case.case_id, "approved", doing.person_id, now)
    else:
        disposition_id = str(uuid.UUID(bytes=draw(16), version=4))
        await disposition_rows.keep(
            tx, case.case_id, disposition_id, change.decide, doing.person_id, now, case.revision, decided=True
        )
    await disposition_rows.draw_again(tx, case.case_id, disposition_id, now, terms.judged_again)
    labels = await disposition_rows.send_labels(
        tx, case.tenant, case.case_id, disposition_id, change.decide, now, terms=terms, two=two is not None
    )
    entry = disposition_entries.decided(case, by, change.decide, two, labels, now, draw)
    if change.decide.verdict == "threat":
        await _told(tx, doing, change.decide, entry.entry_id)
    return [entry]


async def _told(tx: Any, doing: Doing, finding: Finding, entry_id: str) -> None:
    """Escalate a case that was found to be a threat: who is told of escalations is told of this."""
    await _moved(tx, doing, "escalated", "threat_found", entry_id)
    wanted = Wanted(frozenset({doing.case.case_id}), frozenset(), frozenset())
    [case] = await PostgresCases().load(wanted, tx)
    await disposition_rows.send(tx, case.case_id, "escalation", [msgspec.json.encode(escalation_of(case)).decode()])


async def _rested(tx: Any, doing: Doing, draw: Draw) -> Sequence[Entry]:
    case, until, by = doing.case, doing.change.snooze_until, person(doing.person_id)
    if until is None and not doing.change.wake:
        return []
    due_at = case.due_at and rested(case.due_at, case.snoozed_until, doing.now, until, doing.hours)
    worked = _worked(doing, case.due_at, due_at) if case.due_at and due_at and until else None
    await tx.execute(_REST, case.case_id, until, doing.now, due_at, worked)
    await _acted(tx, doing, doing.deed, case.stage, case.stage)
    return [disposition_entries.rested(case, by, until, doing.reason, doing.now, draw)]


def _worked(doing: Doing, was_due: datetime, due_at: datetime) -> str | None:
    """Return when people work until it is due, for the database, which wakes cases by itself; None: always."""
    if doing.hours.are_always:
        return None
    until = doing.change.snooze_until or doing.now
    spans = doing.hours.worked(min(doing.now, was_due, due_at), max(until, due_at))
    return "{" + ",".join(f"[{begin.isoformat()},{end.isoformat()})" for begin, end in spans) + "}"


async def _staged(tx: Any, doing: Doing) -> None:
    """Write each stage that it goes through; the last one is where it is."""
    before = doing.case.stage
    for stage in doing.stages:
        deed = "escalate" if stage == "escalated" else doing.deed
        await _acted(tx, doing, deed, before, stage)
        before = stage
    if doing.stages:
        await tx.execute(_STAGE, *_columns(doing.case.case_id, "new" if before == "closed" else before))


async def _acted(tx: Any, doing: Doing, deed: str, before: str, after: str) -> None:
    row = doing.case.case_id, doing.now, deed, before, after, doing.person_id, doing.reason
    await tx.execute(_ACT, *_columns(*row))


def _columns(*row: Any) -> Sequence[Sequence[Any]]:
    return [[each] for each in row]


async def _moved(
    tx: Any, doing: Doing, state: str | None, why: str, entry_id: str, given: Mapping[str, int | None] | None = None
) -> None:
    """Move the case, or these of it and its parts; `state` None: as the severity of each has it.

    `given`: by case how many seconds of work people have for it, from now on, where it begins anew.
    """
    times = {doing.case.case_id: None} if given is None else given
    due = [None if each is None else doing.hours.moved(doing.now, timedelta(seconds=each)) for each in times.values()]
    ids, by = [*times], doing.person_id
    await tx.execute(_MOVE, ids, doing.now, state, by, doing.reason, entry_id, why, ids, due)
