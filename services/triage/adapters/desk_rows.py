"""Rows of cases, and of who works on them, as what they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from proofwatch.access.roles import known
from proofwatch.events.types import Access
from proofwatch.governance.cohort import Cohort
from services.triage.core.assignments import CaseNow, ListedCase, Worker, accounts
from services.triage.core.signals import CaseReason, CohortRate
from services.triage.core.whole import Ended, Moved, WholeCase, Worked

_ABOUT: Final = msgspec.json.Decoder(Access)
_EVIDENCE: Final = msgspec.json.Decoder(dict[str, float])


def worker_in(row: Mapping[str, Any]) -> Worker:
    """Return the person of a row of `access.directory`."""
    tenants = None if row["tenants"] is None else frozenset(row["tenants"])
    return Worker(row["person_id"], tenants, known(row["roles"]))


def _about(row: Mapping[str, Any]) -> Access | None:
    return _ABOUT.decode(row["about"]) if row["about"] else None


def case_in(row: Mapping[str, Any], assignee: str | None) -> CaseNow:
    """Return the case of a row."""
    return CaseNow(
        row["case_id"],
        row["tenant"],
        row["state"],
        row["severity"],
        row["queue"],
        assignee,
        accounts(_about(row)),
    )


def listed_in(row: Mapping[str, Any]) -> ListedCase:
    """Return the case of a row as lists have it."""
    return ListedCase(
        case_in(row, row["person_id"]),
        row["kind"],
        row["opened_at"],
        row["changed_at"],
        row["assigned_at"],
        row["name"],
        tuple(row["codes"] or ()),
        _about(row),
        seen_in(row),
    )


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


def whole_in(
    row: Mapping[str, Any], reasons: Sequence[CaseReason], moves: Sequence[Moved], work: Sequence[Worked]
) -> WholeCase:
    """Return the case of a row, whole."""
    ended = Ended(row["closed_at"], row["closed_by"], row["closed_reason"]) if row["closed_at"] else None
    parts = tuple(reasons), tuple(moves), tuple(work)
    return WholeCase(listed_in(row), rate_in(row), row["merged_into"], ended, *parts)
