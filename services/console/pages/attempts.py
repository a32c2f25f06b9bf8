"""Attempts beside a case, drawn on one line of time and told in rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from services.console.pages.words import sentence
from services.triage.api.bodies import Attempt

WIDTH: Final = 640
"""Units of a drawing from the first attempt to the last."""
_ROWS: Final[Mapping[bool, tuple[str, int]]] = {True: ("of its people", 16), False: ("of others", 44)}
_REASONS: Final[Mapping[str, str]] = {
    "match_below_threshold": "the face does not match",
    "match_missing": "no face could be compared",
    "match_marginal": "the face matches only just",
    "liveness_below_threshold": "not taken for a living person",
    "liveness_missing": "liveness could not be judged",
    "match_failures_persist": "the face fails again and again",
    "liveness_failures_persist": "liveness fails again and again",
    "step_up_mfa_required": "a second factor was asked for",
}
_ACTIONS: Final[Mapping[str, str]] = {
    "retake_selfie": "asked for another selfie",
    "reupload_document": "asked for the document again",
    "manual_kyc_review": "sent to a manual review",
    "fraud_analyst_review": "sent to a fraud analyst",
    "step_up_mfa": "asked for a second factor",
}
_DECISIONS: Final[Mapping[str, str]] = {"accept": "accepted", "retry": "failed", "refer": "referred"}
Shape = Literal["passed", "late", "failed"]


class Point(NamedTuple):
    """An attempt in the drawing. late: it was accepted after failures."""

    x: float
    y: int
    shape: Shape


class Row(NamedTuple):
    """An attempt in the table."""

    at: datetime
    came: str
    is_late: bool
    why: str
    scores: str
    whose: str
    because: str
    transaction: str


class Drawn(NamedTuple):
    """Attempts, the newest first in `rows`; from `first` to `last` in the drawing."""

    points: Sequence[Point]
    rows: Sequence[Row]
    first: datetime
    last: datetime
    has_others: bool


def drawn(attempts: Sequence[Attempt]) -> Drawn | None:
    """Return attempts drawn and told; None: there are none."""
    if not attempts:
        return None
    first, last = min(each.at for each in attempts), max(each.at for each in attempts)
    span = (last - first).total_seconds()

    def at(each: Attempt) -> Point:
        x = WIDTH * ((each.at - first).total_seconds() / span if span else 0.5)
        return Point(round(x, 1), _ROWS[each.by == "person"][1], _shape(each))

    # What passed after failures is drawn last, on top of what hides it.
    points = sorted(map(at, attempts), key=lambda each: (each.shape == "late", each.x))
    others = any(each.by != "person" for each in attempts)
    return Drawn(points, [*map(_row, attempts)], first, last, others)


def _shape(each: Attempt) -> Shape:
    if each.decision != "accept":
        return "failed"
    return "late" if each.failed_before else "passed"


def _row(each: Attempt) -> Row:
    after = f" after {each.failed_before} that {'was' if each.failed_before == 1 else 'were'} not"
    came = _DECISIONS.get(each.decision, each.decision)
    why = [_REASONS.get(reason, reason.replace("_", " ")) for reason in each.reasons]
    action = _ACTIONS.get(each.action)
    return Row(
        at=each.at,
        came=sentence(came + (after if each.failed_before else "")),
        is_late=bool(each.failed_before),
        why=sentence("; ".join([*why, *([action] if action else [])])) or "Nothing was said against it",
        scores=", ".join(
            f"{name} {score:.4g} (from {threshold:.4g} on)"
            for name, score, threshold in (
                ("liveness", each.liveness_score, each.liveness_threshold),
                ("face", each.match_score, each.match_threshold),
            )
            if score is not None
        )
        or "none",
        whose=each.person,
        because=each.words,
        transaction=each.transaction_id,
    )
