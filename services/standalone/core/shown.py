"""What a run shows of imagery: which transaction is asked for, and what is said of who asked."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from proofwatch.bus.records import Record


class Flagged(NamedTuple):
    """A transaction that a suspicion was raised of: the case that holds it, and the suspicion as the topic has it."""

    tenant: str
    transaction_id: str
    case_id: str
    suspicion: Record


class Asked(NamedTuple):
    """Who asked for the picture, and what became of it; `bytes` 0: refused, with the reason in `sentence`."""

    name: str
    role: str
    view_id: str | None
    bytes: int
    code: str
    sentence: str


class Shown(NamedTuple):
    """What a run shows of imagery.

    `drawn`: the picture stands in for one that the input has not; `failed`: why nothing could be shown.
    """

    tenant: str
    transaction_id: str
    case_id: str
    drawn: bool
    asked: tuple[Asked, ...]
    failed: str = ""


def chosen(cases: Sequence[Mapping[str, Any]], suspicions: Mapping[tuple[str, str], Record]) -> Flagged | None:
    """Return the newest flagged transaction of the gravest case of a person; None: nothing was flagged.

    Of a part, the case that it goes on with.
    """
    open_ = [each for each in cases if each["kind"] == "subject" and each["state"] != "closed"]
    for case in sorted(open_, key=lambda each: (each["severity"] != "high", each["opened_at"], each["case_id"])):
        for reason in reversed(case["reasons"]):
            suspicion = suspicions.get((case["tenant"], reason["transaction_id"]))
            if suspicion is not None:
                held_by = case.get("part_of") or case["case_id"]
                return Flagged(case["tenant"], reason["transaction_id"], held_by, suspicion)
    return None


def as_document(shown: Shown | None) -> dict[str, Any] | None:
    """Return it as `summary.json` has it."""
    if shown is None:
        return None
    return {**shown._asdict(), "asked": [each._asdict() for each in shown.asked]}
