"""Cases in PostgreSQL, schema `triage`; a fixed number of round trips for a batch of any size."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from proofwatch.audit.pending import enter
from proofwatch.events.types import Access
from proofwatch.privacy.suppression import Erased, Whose, suppressed
from services.triage.adapters.desk_rows import rate_in, reason_in
from services.triage.adapters.entries import released_by_merge
from services.triage.adapters.family import locked_with_wholes
from services.triage.core.cases import Case, Transition
from services.triage.core.due import NO_CLOCK, Due, Overdue
from services.triage.core.signals import CaseReason
from services.triage.core.tasks import of_kind
from services.triage.ports import Unsent, Wanted

_LOCK: Final = """
with wanted as (
  select case_id from triage.cases where case_id = any($1::text[])
  union
  select c.case_id from unnest($2::text[], $3::text[]) as s(tenant, tag)
    join triage.cases c on c.tenant = s.tenant and c.subject_tag = s.tag and c.state <> 'closed'
  union
  select case_id from triage.case_reasons where source_id = any($4::text[])),
-- what changes with them: the wholes that they are parts of, and the parts of an incident that may end in another
family as (
  select case_id, true as wanted from wanted
  union all select c.part_of, false from triage.cases c where c.case_id in (select case_id from wanted)
    and c.part_of is not null
  union all select c.case_id, false from triage.cases w join triage.cases c on c.part_of = w.case_id
    where w.case_id = any($1::text[]) and w.kind = 'incident'
  union all select unnest($5::text[]), false)
select c.*, c.case_id in (select case_id from wanted) as is_wanted
from triage.cases c where c.case_id in (select case_id from family) order by c.case_id for update of c"""

# A statement of its own: its snapshot is younger than the locks, so it sees what their last holder wrote.
_REASONS: Final = """
select case_id, source_id, source_revision, code, at, transaction_id, severity, evidence::text as evidence
from triage.case_reasons where case_id = any($1::text[]) order by case_id, at, source_id collate "C", code collate "C"
"""

_SAVE_CASES: Final = """
insert into triage.cases(case_id, tenant, kind, subject_tag, segment_name, segment_value, metric, state, severity,
                         queue, revision, opened_at, changed_at, merged_into, about, task, due_s, due_at, keyed)
select u.*, $19::bool
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::int[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::jsonb[], $16::text[],
            $17::int[], $18::timestamptz[])
  as u(case_id, tenant, kind, subject_tag, segment_name, segment_value, metric, state, severity, queue, revision,
       opened_at, changed_at, merged_into, about, task, due_s, due_at)
on conflict(case_id) do update set state = excluded.state, severity = excluded.severity, revision = excluded.revision,
  task = excluded.task,
  changed_at = excluded.changed_at, merged_into = excluded.merged_into, about = excluded.about,
  due_at = case when cases.state = 'closed' and excluded.state <> 'closed' then excluded.due_at else cases.due_at end,
  told_overdue_at = case when cases.state = 'closed' and excluded.state <> 'closed' then null
                         else cases.told_overdue_at end,
  closed_at = case when excluded.state = 'closed' then cases.closed_at end,
  closed_by = case when excluded.state = 'closed' then cases.closed_by end,
  closed_reason = case when excluded.state = 'closed' then cases.closed_reason end"""

# A case that is closed since it is a part of another is nobody's work any more.
_RELEASE: Final = """
update triage.assignments a set released_at = c.changed_at, released_by = 'triage'
from triage.cases c
where c.case_id = a.case_id and c.state = 'closed' and c.case_id = any($1::text[]) and a.released_at is null
returning c.case_id, c.tenant, a.person_id, c.changed_at"""

_SAVE_REASONS: Final = """
insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id, severity, evidence)
select c, s, r, code, at, t, severity, e::jsonb
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
  as u(c, s, r, code, at, t, severity, e)
on conflict(case_id, source_id, code) do update set source_revision = excluded.source_revision, at = excluded.at,
  severity = excluded.severity, evidence = excluded.evidence"""

_SAVE_TRANSITIONS: Final = """
insert into triage.case_transitions(case_id, revision, from_state, to_state, trigger, why, source_id, source_revision,
                                    at)
select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                     $9::timestamptz[])"""

_UNSENT: Final = """
delete from triage.unsent where unsent_id in (
  select unsent_id from triage.unsent order by unsent_id limit $1 for update skip locked)
returning unsent_id, kind, body"""

_OVERDUE: Final = """
update triage.cases set told_overdue_at = $1 where case_id in (
  select case_id from triage.cases
  where state <> 'closed' and due_at <= $1 and told_overdue_at is null and part_of is null
    and (snoozed_until is null or snoozed_until <= $1)
  order by due_at limit $2 for update skip locked)
returning case_id, tenant, case when parts_grave then 'high' else severity end as severity, due_at"""

_ABOUT: Final = msgspec.json.Decoder(Access)


class PostgresCases:
    """The `CaseStore` of the service."""

    def __init__(self, due: Due = NO_CLOCK) -> None:
        """`due`: how long people have for a case."""
        self._due = due

    async def erased(self, subjects: Collection[Whose], tx: asyncpg.Connection) -> Erased:
        """See `CaseStore`."""
        return await suppressed(tx, subjects)

    async def load(self, wanted: Wanted, tx: asyncpg.Connection) -> Sequence[Case]:
        """Lock the wanted cases in the order of their ids, so that two batches cannot wait for each other."""
        subjects = sorted(wanted.subjects)
        locked = await locked_with_wholes(
            tx,
            _LOCK,
            sorted(wanted.case_ids),
            [tenant for tenant, _ in subjects],
            [tag for _, tag in subjects],
            sorted(wanted.suspicions),
        )
        rows = [row for row in locked if row["is_wanted"]]
        if not rows:
            return []
        reasons: dict[str, list[CaseReason]] = {row["case_id"]: [] for row in rows}
        for row in await tx.fetch(_REASONS, list(reasons)):
            reasons[row["case_id"]].append(reason_in(row))
        return [_case(row, tuple(reasons[row["case_id"]])) for row in rows]

    async def save(
        self, cases: Sequence[Case], transitions: Sequence[Transition], tx: asyncpg.Connection, *, keyed: bool
    ) -> None:
        """Write the cases, the causes as their reasons, and the history; see `CaseStore`."""
        if not cases:
            return
        await tx.execute(
            _SAVE_CASES,
            *_columns([(*_case_row(case), *self._time_for(case)) for case in cases]),
            keyed,
        )
        if closed := [case.case_id for case in cases if case.state == "closed"]:
            await enter(tx, *[released_by_merge(*row) for row in await tx.fetch(_RELEASE, closed)])
        # The last revision of a reason within the batch is the one that counts; one statement takes a row once.
        causes = {(t.case_id, t.cause.source_id, t.cause.code): t.cause for t in transitions}
        await tx.execute(
            _SAVE_REASONS, *_columns([_reason_row(case_id, reason) for (case_id, _, _), reason in causes.items()])
        )
        await tx.execute(_SAVE_TRANSITIONS, *_columns([_transition_row(each) for each in transitions]))

    def _time_for(self, case: Case) -> tuple[int | None, datetime | None]:
        return self._due.seconds(case.kind, case.task), self._due.at(case.kind, case.task, case.changed_at)

    async def unsent(self, most: int, tx: asyncpg.Connection) -> Sequence[Unsent]:
        """Take what people's acts have left to be sent; see `CaseStore`."""
        rows = sorted(await tx.fetch(_UNSENT, most), key=lambda row: row["unsent_id"])
        return [Unsent(row["kind"], row["body"]) for row in rows]

    async def overdue(self, now: datetime, most: int, tx: asyncpg.Connection) -> Sequence[Overdue]:
        """Take those whose time is over and was not told; see `CaseStore`."""
        return [Overdue(**row) for row in await tx.fetch(_OVERDUE, now, most)]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _case_row(case: Case) -> tuple[Any, ...]:
    rate = case.rate
    return (
        case.case_id,
        case.tenant,
        case.kind,
        case.subject_tag,
        rate.cohort.segment_name if rate else None,
        rate.cohort.segment_value if rate else None,
        rate.metric if rate else None,
        case.state,
        case.severity,
        case.queue,
        case.revision,
        case.opened_at,
        case.changed_at,
        case.merged_into,
        msgspec.json.encode(case.about).decode() if case.about else None,
        case.task,
    )


def _reason_row(case_id: str, reason: CaseReason) -> tuple[Any, ...]:
    return (
        case_id,
        reason.source_id,
        reason.source_revision,
        reason.code,
        reason.at,
        reason.transaction_id,
        reason.severity,
        msgspec.json.encode(reason.evidence).decode(),
    )


def _transition_row(transition: Transition) -> tuple[Any, ...]:
    case_id, revision, from_state, to_state, trigger, why, cause, at = transition
    return case_id, revision, from_state, to_state, trigger, why, cause.source_id, cause.source_revision, at


def _case(row: Mapping[str, Any], reasons: tuple[CaseReason, ...]) -> Case:
    return Case(
        case_id=row["case_id"],
        tenant=row["tenant"],
        kind=row["kind"],
        subject_tag=row["subject_tag"],
        rate=rate_in(row),
        state=row["state"],
        severity=row["severity"],
        revision=row["revision"],
        opened_at=row["opened_at"],
        changed_at=row["changed_at"],
        reasons=reasons,
        task=row["task"] or of_kind(row["kind"]),
        merged_into=row["merged_into"],
        queue=row["queue"],
        about=_ABOUT.decode(row["about"]) if row["about"] else None,
    )
