"""What `proofwatch cases` says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from proofwatch.command_line.columns import as_columns
from proofwatch.local_time import clock, zone_words
from services.triage.core.assignments import NOTHING, Change, Deed, ListedCase

_HEADS: Final = ("CASE", "TENANT", "KIND", "STATE", "QUEUE", "SEVERITY", "CHANGED, {}", "WORKED ON BY", "NEWEST REASON")


def as_json(cases: Sequence[ListedCase]) -> str:
    """Return an array of objects."""
    return msgspec.json.format(msgspec.json.encode([_object(each) for each in cases]), indent=2).decode() + "\n"


def as_table(cases: Sequence[ListedCase], zone: str | None = None) -> str:
    """Return a line for each case; times by the clock of `zone`, None: in UTC."""
    if not cases:
        return "no cases\n"
    heads = [each.format(zone_words(cases[0].changed_at, zone)) for each in _HEADS]
    return as_columns(heads, [_cells(each, zone) for each in cases])


def of_case(case: ListedCase) -> str:
    """Return one case as JSON, whole."""
    return msgspec.json.format(msgspec.json.encode(_object(case)), indent=2).decode() + "\n"


def of_deed(deed: Deed, change: Change, to: str | None) -> str:
    """Return what became of the case."""
    if change == NOTHING:
        return "it was so already\n"
    return {
        "take": "it is yours\n",
        "assign": f"{to} works on it now\n",
        "release": "nobody works on it now\n",
        "refer": "the Research Group has it now\n",
        "close": "the case is closed\n",
    }[deed]


def _object(case: ListedCase) -> dict[str, Any]:
    return {
        **{name: value for name, value in case.now._asdict().items() if name != "about"},
        "kind": case.kind,
        "opened_at": _iso(case.opened_at),
        "changed_at": _iso(case.changed_at),
        "assigned_at": _iso(case.assigned_at),
        "assignee_name": case.assignee_name,
        "reasons": case.reasons,
        "about": case.about,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _cells(case: ListedCase, zone: str | None) -> list[str]:
    now = case.now
    who = case.assignee_name or now.assignee or "–"
    changed = clock(case.changed_at, zone)
    return [
        now.case_id,
        now.tenant,
        case.kind,
        now.state,
        now.queue,
        now.severity,
        changed,
        who,
        (*case.reasons, "–")[0],
    ]
