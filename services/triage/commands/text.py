"""What `proofwatch cases` says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from proofwatch.command_line.columns import as_columns
from proofwatch.detection.case_words import attempt_words, part_words, similar_words
from proofwatch.local_time import clock, zone_words
from services.triage.core.assignments import ListedCase
from services.triage.core.whole import NextCase, WholeCase

_HEADS: Final = (
    "CASE",
    "TENANT",
    "KIND",
    "STATE",
    "STAGE",
    "QUEUE",
    "SEVERITY",
    "CHANGED, {}",
    "WORKED ON BY",
    "NEWEST REASON",
)
_NOT_SHOWN: Final = {
    "about", "pending", "is_final", "snoozed_until", "due_at", "due_s", "firing", "agreed", "joined_at",
    "judged_at",
}  # fmt: skip
"""Of what decides of a case: what is shown in another way."""


def as_json(cases: Sequence[ListedCase]) -> str:
    """Return an array of objects."""
    return msgspec.json.format(msgspec.json.encode([_object(each) for each in cases]), indent=2).decode() + "\n"


def as_table(cases: Sequence[ListedCase], zone: str | None = None) -> str:
    """Return a line for each case; times by the clock of `zone`, None: in UTC."""
    if not cases:
        return "no cases\n"
    heads = [each.format(zone_words(cases[0].changed_at, zone)) for each in _HEADS]
    return as_columns(heads, [_cells(each, zone) for each in cases])


def of_case(case: WholeCase) -> str:
    """Return one case as JSON, whole: every reason with its numbers, and how it came to be what it is."""
    told = _whole(case)
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def of_next(found: NextCase | None) -> str:
    """Return which case somebody was given, and why this one."""
    if found is None:
        return "no case waits for you\n"
    now = found.case.listed.now
    return f"{now.case_id} of {now.tenant} is yours: {found.sentence}\n"


def _object(case: ListedCase) -> dict[str, Any]:
    return {
        **{name: value for name, value in case.now._asdict().items() if name not in _NOT_SHOWN},
        "kind": case.kind,
        "opened_at": _iso(case.opened_at),
        "changed_at": _iso(case.changed_at),
        "assigned_at": _iso(case.assigned_at),
        "assignee_name": case.assignee_name,
        "reasons": case.reasons,
        "about": case.about,
        "snoozed_until": _iso(case.now.snoozed_until),
        "due_at": _iso(case.now.due_at),
        "fires_since": _iso(case.now.firing.since),
        "seen": case.seen,
    }


def _whole(case: WholeCase) -> dict[str, Any]:
    rate, ended = case.rate, case.ended
    moved = [
        {"at": each.at, "what": each.why, "from": each.from_state, "to": each.to_state, "revision": each.revision}
        for each in case.moves
    ]
    acts = [
        {"at": each.at, "what": each.deed, "from": each.from_stage, "to": each.to_stage, "by": each.person_id,
         "reason": each.reason}
        for each in case.acts
        if each.deed not in _HANDS
    ]  # fmt: skip
    return {
        **_object(case.listed),
        "reasons": case.reasons,
        "metric": rate and rate.metric,
        "segment": rate and rate.cohort.segment_name,
        "segment_value": rate and rate.cohort.segment_value,
        "merged_into": case.merged_into,
        "ended": ended,
        "dispositions": case.said,
        "left_out": case.left_out,
        "members": [{**each._asdict(), "words": part_words(each.why, each.left_why)} for each in case.parts],
        "notes": case.notes,
        "similar": [{**each._asdict(), "words": similar_words(each.by)} for each in case.similar],
        "attempts": [{**each._asdict(), "words": attempt_words(each.by)} for each in case.timeline.attempts],
        "attempts_in_all": case.timeline.total,
        "history": sorted([*moved, *_worked(case), *acts], key=lambda each: each["at"]),
    }


_HANDS: Final = frozenset({"take", "assign", "release"})
"""Deeds that the history has from who worked on a case."""


def _worked(case: WholeCase) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in case.work:
        who = {"person_id": each.person_id, "name": each.name}
        found.append({"at": each.assigned_at, "what": "assigned", **who, "by": each.assigned_by})
        if each.released_at:
            found.append({"at": each.released_at, "what": "released", **who, "by": each.released_by})
    return found


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
        now.stage.replace("_", " "),
        now.queue,
        now.severity,
        changed,
        who,
        "restricted: not shown" if now.restricted else (*case.reasons, "–")[0],
    ]
