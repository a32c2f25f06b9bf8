"""The life of a case as people lead it: for each stage and deed the next stage, as one table; an unlisted pair raises.

Beside it every case has a state that events carry (open, escalated, closed) and that evidence moves (`core/rows.py`).
A case that people found to be a threat is escalated there, too, and one that is closed is closed in both.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final, Literal, get_args

from proofwatch.events.enumerations import EscalationStatus
from services.triage.core.rows import UnlistedTransition

Stage = Literal[
    "new", "assigned", "under_review", "cleared", "threat", "escalated", "known", "novel", "high_risk", "research",
    "closed",
]  # fmt: skip
Deed = Literal[
    "take", "assign", "release", "review", "clear", "threat", "approve", "reject", "escalate", "know", "novel",
    "high_risk", "refer", "close", "snooze", "wake", "reopen", "merge", "unmerge",
]  # fmt: skip
Happening = Literal["evidence", "again", "merged", "erased"]
"""What befalls a case without anybody's deed; the database follows it (`triage.count_version`)."""
STAGES: Final = get_args(Stage)
UNDECIDED: Final[frozenset[Stage]] = frozenset({"new", "assigned", "under_review"})
"""Nobody has said yet what it is."""
_FOUND: Final[tuple[Stage, ...]] = ("threat", "escalated", "known", "novel", "high_risk", "research")
_RUNNING: Final[tuple[Stage, ...]] = ("new", "assigned", "under_review", "cleared", *_FOUND)
_HANDS: Final[tuple[Deed, ...]] = ("take", "assign", "release")
_SECOND: Final[tuple[Deed, ...]] = ("approve", "reject")
_RESTS: Final[tuple[Deed, ...]] = ("snooze", "wake")
_ENDS: Final[tuple[Happening, ...]] = ("merged", "erased")

TABLE: Final[Mapping[tuple[Stage, Deed | Happening], Stage]] = {
    ("new", "take"): "assigned",
    ("new", "assign"): "assigned",
    ("assigned", "take"): "assigned",  # it is theirs already
    ("assigned", "assign"): "assigned",
    ("assigned", "release"): "new",
    ("assigned", "review"): "under_review",
    ("under_review", "take"): "under_review",
    ("under_review", "assign"): "assigned",  # the next one begins anew
    ("under_review", "release"): "new",
    # a proposal changes nothing until it is approved; without four eyes the deed is the decision
    **{(stage, "clear"): "cleared" for stage in ("new", "assigned", "under_review")},
    **{(stage, "threat"): "threat" for stage in ("new", "assigned", "under_review")},
    # what was found may turn out to be the other thing
    ("cleared", "threat"): "threat",
    **{(stage, "clear"): "cleared" for stage in _FOUND},
    ("threat", "escalate"): "escalated",
    ("escalated", "know"): "known",
    ("escalated", "novel"): "novel",
    ("known", "novel"): "novel",
    ("novel", "know"): "known",
    ("novel", "high_risk"): "high_risk",
    ("high_risk", "refer"): "research",
    # an analyst hands on what is novel or grave before anybody has judged it; the Research Group hands nothing on
    **{(stage, "refer"): "research" for stage in ("new", "assigned", "under_review", "threat", "escalated", "novel")},
    ("research", "refer"): "research",
    ("research", "know"): "known",
    ("research", "threat"): "threat",
    # what was judged is given from hand to hand, and stays what it was found to be
    **{(stage, deed): stage for stage, deed in product(("cleared", *_FOUND), _HANDS)},
    # a checker approves or sends back what was proposed: what follows is the row of the finding (`judgements.path`)
    **{(stage, deed): stage for stage, deed in product(_RUNNING, _SECOND)},
    **{(stage, deed): stage for stage, deed in product(_RUNNING, _RESTS)},
    # a part keeps its stage; what was judged does not become one (`core/parts.py`)
    **{(stage, "merge"): stage for stage in ("new", "assigned", "under_review")},
    **{(stage, "unmerge"): stage for stage in _RUNNING},
    **{(stage, "close"): "closed" for stage in _RUNNING},
    ("closed", "reopen"): "new",
    # more of the same leaves undecided what is undecided, and found what was found; who was cleared is looked at again
    **{(stage, "evidence"): stage for stage in (*_RUNNING, "closed")},
    ("cleared", "evidence"): "new",
    ("closed", "again"): "new",
    **dict.fromkeys(product((*_RUNNING, "closed"), _ENDS), "closed"),
}


def is_listed(stage: Stage, deed: Deed | Happening) -> bool:
    """Return whether a deed has a place at this stage."""
    return (stage, deed) in TABLE


def after(stage: Stage, deed: Deed | Happening) -> Stage:
    """Return the stage that a deed leads to. Raises `UnlistedTransition`."""
    try:
        return TABLE[stage, deed]
    except KeyError:
        msg = f"nothing is listed for the stage {stage} and the deed {deed}: add the row, or do not offer the case"
        raise UnlistedTransition(msg) from None


def stage_of(stored: Stage, state: EscalationStatus, assignee: str | None) -> Stage:
    """Return the stage of a case.

    Events close cases and open them anew without knowing stages, and who works on a case is a table of its own.
    """
    if state == "closed":
        return "closed"
    if stored == "closed":
        stored = "new"
    if stored not in UNDECIDED:
        return stored
    if assignee is None:
        return "new"
    return "assigned" if stored == "new" else stored


def shown_as(stage: Stage, state: EscalationStatus) -> EscalationStatus:
    """Return the state that events carry once a case has reached a stage; `state`: the one before."""
    if stage == "closed":
        return "closed"
    if stage in _FOUND:
        return "escalated"
    return "open" if state == "closed" else state
