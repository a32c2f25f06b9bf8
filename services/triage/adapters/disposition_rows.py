"""Dispositions in PostgreSQL: what was proposed, what became of it, and the labels that go out for what is decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from proofwatch.events.types import Label
from services.triage.adapters.desk_rows import proposal_in, reason_in
from services.triage.adapters.restricted import restriction_of
from services.triage.core.dispositions import Finding, Proposal, Terms, labels_of
from services.triage.core.rereviews import is_drawn

_KEEP: Final = """
insert into triage.dispositions(disposition_id, case_id, verdict, attack, species, reason, proposed_by, proposed_at,
                                on_revision, state, settled_by, settled_at)
values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
_PENDING: Final = "select * from triage.dispositions where case_id = any($1::text[]) and state = 'proposed'"
_SETTLE: Final = """
update triage.dispositions set state = $2, settled_by = $3, settled_at = $4 where case_id = $1 and state = 'proposed'"""
_SAID_WHOSE: Final = """
select exists(select from triage.dispositions
  where state in ('decided', 'approved') and attack = 'impostor'
    and case_id in (select $1::text union all select p.case_id from triage.cases p where p.part_of = $1))"""
_REASONS: Final = f"""
select source_id, source_revision, code, at, transaction_id, r.severity, evidence::text as evidence
from triage.case_reasons r join triage.cases c using (case_id){restriction_of("c", "$2")}
where case_id in (select $1::text union all select p.case_id from triage.cases p where p.part_of = $1)
  and restriction.holds is null"""  # noqa: S608 - a join of ours
_DRAWN: Final = """
insert into triage.rereviews(disposition_id, case_id, drawn_at)
select $1, case_id, $3 from triage.cases where case_id = $2 and kind <> 'access'"""
_SEND: Final = "insert into triage.unsent(case_id, kind, body) select $1, $2, unnest($3::text[])"


async def pending_of(tx: Any, case_ids: Sequence[str]) -> dict[str, Proposal]:
    """Return what of these cases waits for a second person, by case."""
    return {row["case_id"]: proposal_in(row) for row in await tx.fetch(_PENDING, case_ids)}


async def keep(
    tx: Any,
    case_id: str,
    disposition_id: str,
    finding: Finding,
    by: str,
    now: datetime,
    on_revision: int,
    *,
    decided: bool,
) -> None:
    """Keep a finding: decided, or waiting for a second person; what waited before is replaced by it."""
    await settle(tx, case_id, "replaced", by, now)
    verdict, reason, attack, species = finding
    settled = ("decided", by, now) if decided else ("proposed", None, None)
    said = disposition_id, case_id, verdict, attack, species, reason, by, now, on_revision
    await tx.execute(_KEEP, *said, *settled)


async def draw_again(tx: Any, case_id: str, disposition_id: str, now: datetime, share: float) -> None:
    """Have somebody else judge a case again who does not know what it was found to be, if chance has it so."""
    if is_drawn(disposition_id, share):
        await tx.execute(_DRAWN, disposition_id, case_id, now)


async def settle(tx: Any, case_id: str, state: str, by: str, now: datetime) -> None:
    """Say what became of what waits; nothing where nothing does."""
    await tx.execute(_SETTLE, case_id, state, by, now)


async def send_labels(
    tx: Any, tenant: str, case_id: str, disposition_id: str, finding: Finding, now: datetime, *, terms: Terms, two: bool
) -> int:
    """Hand the labels of what is decided to whoever sends them; return how many there are.

    Of a part whose person's processing is restricted there is none.
    """
    reasons = [reason_in(each) for each in await tx.fetch(_REASONS, case_id, now)]
    labels: Sequence[Label] = labels_of(
        tenant,
        disposition_id,
        finding,
        reasons,
        now,
        authority=terms.by_two if two else terms.by_one,
        sampling_probability=terms.sampling_probability,
        whose_before=await tx.fetchval(_SAID_WHOSE, case_id),
    )
    await send(tx, case_id, "label", [msgspec.json.encode(each).decode() for each in labels])
    return len(labels)


async def send(tx: Any, case_id: str, kind: str, bodies: Sequence[str]) -> None:
    """Hand events to whoever sends them, in the transaction of what they tell of."""
    await tx.execute(_SEND, case_id, kind, bodies)
