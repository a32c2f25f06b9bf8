"""Rows of cases, and of who works on them, as what they are."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from proofwatch.access.roles import known
from proofwatch.events.types import Access
from services.triage.core.assignments import CaseNow, ListedCase, Worker, accounts

_ABOUT: Final = msgspec.json.Decoder(Access)


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
    )
