"""Rows of cases, and of who works on them, as what they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from proofwatch.access.roles import known
from proofwatch.events.types import Access
from proofwatch.governance.cohort import Cohort
from services.triage.core.assignments import CaseNow, ListedCase, Worker, accounts
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.firing import Agreed, Firing
from services.triage.core.life import stage_of
from services.triage.core.parts import Part
from services.triage.core.signals import CaseReason, CohortRate
from services.triage.core.similar import Similar
from services.triage.core.tasks import of_kind
from services.triage.core.whole import Acted, Ended, Moved, Said, WholeCase, Worked

_ABOUT: Final = msgspec.json.Decoder(Access)
_ERASURE: Final = "erasure"
"""Who closed the case of a subject who was erased."""
_EVIDENCE: Final = msgspec.json.Decoder(dict[str, float])


def worker_in(row: Mapping[str, Any]) -> Worker:
    """Return the person of a row of `access.directory`."""
    tenants = None if row["tenants"] is None else frozenset(row["tenants"])
    return Worker(row["person_id"], tenants, known(row["roles"]))


def _about(row: Mapping[str, Any]) -> Access | None:
    return _ABOUT.decode(row["about"]) if row["about"] else None


def case_in(row: Mapping[str, Any], assignee: str | None, pending: Proposal | None = None) -> CaseNow:
    """Return the case of a row; where it is to be changed: what is `pending`, and whether it `goes_on` elsewhere."""
    return CaseNow(
        case_id=row["case_id"],
        tenant=row["tenant"],
        state=row["state"],
        severity=row["severity"],
        queue=row["queue"],
        assignee=assignee,
        about=accounts(_about(row)),
        stage=stage_of(row["stage"], row["state"], assignee),
        revision=row["revision"],
        snoozed_until=row["snoozed_until"],
        pending=pending,
        due_at=row["due_at"],
        due_s=row.get("due_s"),
        part_of=row["part_of"],
        parts=row["parts"],
        firing=Firing(row["fires_since"], row["part_fires_since"]),
        agreed=Agreed(row["agreed_verdict"], frozenset(row["agreed_by"])) if row["agreed_verdict"] else None,
        joined_at=row.get("joined_at"),
        judged_at=row.get("judged_at"),
        restricted=bool(row.get("restricted")),
        is_final=row["merged_into"] is not None or row["closed_by"] == _ERASURE or bool(row.get("goes_on")),
    )


def listed_in(row: Mapping[str, Any]) -> ListedCase:
    """Return the case of a row as lists have it."""
    return ListedCase(
        case_in(row, row["person_id"], proposal_in(row) if row["disposition_id"] else None),
        row["kind"],
        row["opened_at"],
        row["changed_at"],
        row["assigned_at"],
        row["name"],
        tuple(row["codes"] or ()),
        _about(row),
        seen_in(row),
        row["proposed_by_name"],
        row["task"] or of_kind(row["kind"]),
    )


def proposal_in(row: Mapping[str, Any]) -> Proposal:
    """Return what a row says that somebody proposed."""
    finding = Finding(row["verdict"], row["reason"], row["attack"], row["species"])
    return Proposal(row["disposition_id"], finding, row["proposed_by"], row["proposed_at"], row["on_revision"])


def seen_in(row: Mapping[str, Any]) -> str:
    """Return what is another with everything that people would see of the case."""
    return f"{row['revision']}.{row['version']}"


def rate_in(row: Mapping[str, Any]) -> CohortRate | None:
    """Return what rate of whom a case concerns, if it does."""
    if row["metric"] is None:
        return None
    return CohortRate(Cohort(row["tenant"], row["segment_name"], row["segment_value"]), row["metric"])


def reason_in(row: Mapping[str, Any]) -> CaseReason:
    """Return a reason of a case."""
    return CaseReason(
        source_id=row["source_id"],
        source_revision=row["source_revision"],
        code=row["code"],
        at=row["at"],
        transaction_id=row["transaction_id"],
        severity=row["severity"],
        evidence=_EVIDENCE.decode(row["evidence"]),
    )


def moved_in(row: Mapping[str, Any]) -> Moved:
    """Return a change of a case."""
    return Moved(**row)


def worked_in(row: Mapping[str, Any]) -> Worked:
    """Return somebody's time with a case."""
    return Worked(**row)


def acted_in(row: Mapping[str, Any]) -> Acted:
    """Return what a person did with a case."""
    return Acted(**row)


def said_in(row: Mapping[str, Any]) -> Said:
    """Return what somebody found a case to be."""
    return Said(**row)


def part_in(row: Mapping[str, Any]) -> Part:
    """Return a part of a case, or what was one."""
    part = Part(**row)
    return part.withheld() if part.restricted else part


def similar_in(row: Mapping[str, Any]) -> Similar:
    """Return a case beside another."""
    given = {name: row[name] for name in Similar._fields}
    return Similar(**given | {"stage": stage_of(row["stage"], row["state"], row["person_id"])})


def whole_in(row: Mapping[str, Any], reasons: Sequence[CaseReason]) -> WholeCase:
    """Return the case of a row with its reasons."""
    ended = Ended(row["closed_at"], row["closed_by"], row["closed_reason"]) if row["closed_at"] else None
    return WholeCase(listed_in(row), rate_in(row), row["merged_into"], ended, tuple(reasons))
