"""What people do with attack patterns: `(pattern, who, deed) → change | refusal`. Deny is the default.

A pattern is drafted from a case, proposed, and compared in shadow once a second person agreed; to go live is proposed
and agreed to likewise. To withdraw one takes one person, at once: that harms nobody. An unlisted pair is refused.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

import orjson

from proofwatch.access.roles import Act, may_approve
from proofwatch.access.scopes import Scope
from proofwatch.access.session import Session
from proofwatch.events.enumerations import AttackPatternSeverity, AttackPatternState
from proofwatch.events.types import AttackPattern
from proofwatch.governance.predicate import parse

State = Literal["draft", "proposed", "shadow", "live_proposed", "live", "withdrawn"]
Deed = Literal["draft", "propose", "approve", "reject", "live", "withdraw"]
Why = Literal["role_missing", "your_own", "not_at_this_stage", "not_yours", "no_such_case", "not_novel", "restricted"]
TABLE: Final[Mapping[tuple[State | None, Deed], State]] = {
    (None, "draft"): "draft",
    ("draft", "draft"): "draft",
    ("withdrawn", "draft"): "draft",
    ("draft", "propose"): "proposed",
    ("proposed", "approve"): "shadow",
    ("proposed", "reject"): "draft",
    ("shadow", "live"): "live_proposed",
    ("live_proposed", "approve"): "live",
    ("live_proposed", "reject"): "shadow",
    ("draft", "withdraw"): "withdrawn",
    ("proposed", "withdraw"): "withdrawn",
    ("shadow", "withdraw"): "withdrawn",
    ("live_proposed", "withdraw"): "withdrawn",
    ("live", "withdraw"): "withdrawn",
}
"""A deed on a pattern that stands so, and how it stands then; None: there is no such pattern."""
NOVEL: Final = ("novel", "high_risk", "research")
"""Stages of a case from which a pattern may be drafted."""
_COMPARED: Final = ("shadow", "live_proposed", "live")
_PUBLISHED: Final[Mapping[State, AttackPatternState]] = {"shadow": "shadow", "live": "published"}
_ACTS: Final[Mapping[Deed, Act]] = {
    "draft": Act.PROPOSE_PATTERN,
    "propose": Act.PROPOSE_PATTERN,
    "live": Act.PROPOSE_PATTERN,
    "approve": Act.APPROVE_PATTERN,
    "reject": Act.APPROVE_PATTERN,
}


class Text(NamedTuple):
    """What a pattern says; `predicate`: as JSON."""

    description: str
    severity: AttackPatternSeverity
    predicate: str
    species: str | None = None

    @classmethod
    def of(
        cls, description: str, severity: AttackPatternSeverity, predicate: str | bytes, species: str | None = None
    ) -> "Text":
        """Return it with its predicate in one spelling. Raises `InvalidPredicate`."""
        parse(predicate)
        text = orjson.dumps(orjson.loads(predicate), option=orjson.OPT_SORT_KEYS).decode()
        return cls(description, severity, text, species or None)


class Pattern(NamedTuple):
    """A pattern as it stands. `revision`: of what was published last, 0: nothing was.

    `case_id`: where it came from; `drafted_by`, `proposed_by`: who wrote it, and who asked for what waits.
    """

    pattern_id: str
    revision: int
    state: State
    text: Text
    case_id: str | None
    tenant: str | None
    drafted_by: str
    drafted_at: datetime
    proposed_by: str | None
    changed_at: datetime

    @property
    def is_compared(self) -> bool:
        """Return whether transactions are compared with it."""
        return self.state in _COMPARED


class Change(NamedTuple):
    """How a pattern stands then, and what is published of it, if anything is."""

    state: State
    publish: AttackPatternState | None


class Refusal(NamedTuple):
    """Why not, in a word and in a sentence that says what would be right."""

    why: Why
    sentence: str


def decided(pattern: Pattern | None, who: Session, deed: Deed) -> Change | Refusal:
    """Return what a deed makes of a pattern; None: there is none yet."""
    if refusal := _role(who, deed):
        return refusal
    state = pattern.state if pattern else None
    after = TABLE.get((state, deed))
    if after is None:
        return Refusal("not_at_this_stage", _out_of_place(state, deed))
    if pattern and deed in ("approve", "reject"):
        own = {pattern.drafted_by, pattern.proposed_by or ""}
        if deed == "approve" and not all(may_approve(who.roles, Act.APPROVE_PATTERN, who.person_id, o) for o in own):
            return Refusal("your_own", "you wrote or proposed it yourself: a second person approves it")
    if deed == "withdraw":
        return Change(after, "withdrawn" if pattern and pattern.is_compared else None)
    return Change(after, _PUBLISHED.get(after) if deed == "approve" else None)


def deeds_of(pattern: Pattern, who: Session) -> tuple[Deed, ...]:
    """Return what somebody may do with a pattern now."""
    every: tuple[Deed, ...] = ("draft", "propose", "approve", "reject", "live", "withdraw")
    return tuple(each for each in every if isinstance(decided(pattern, who, each), Change))


def may_read(who: Session) -> bool:
    """Return whether patterns are there for somebody; which hits they see, their tenants say."""
    if who.machine is not None:
        return Scope.PATTERNS in who.scopes
    return any(map(who.may, (Act.PROPOSE_PATTERN, Act.APPROVE_PATTERN, Act.READ_CASES)))


def published(pattern: Pattern, state: AttackPatternState, at: datetime) -> AttackPattern:
    """Return the event of a pattern whose next revision this is; it takes effect the lead time after its log time."""
    return AttackPattern(
        schema_version=1,
        pattern_id=pattern.pattern_id,
        revision=pattern.revision + 1,
        state=state,
        description=pattern.text.description,
        severity=pattern.text.severity,
        predicate=pattern.text.predicate,
        effective_from=at,
        species=pattern.text.species,
    )


def _role(who: Session, deed: Deed) -> Refusal | None:
    if deed == "withdraw":
        allowed = who.may(Act.PROPOSE_PATTERN) or who.may(Act.APPROVE_PATTERN)
        said = "to withdraw patterns you need the role researcher or approver"
    else:
        allowed = who.may(_ACTS[deed])
        role = "approver" if _ACTS[deed] is Act.APPROVE_PATTERN else "researcher"
        said = f"to {deed.replace('live', 'propose for live')} patterns you need the role {role}"
    return None if allowed else Refusal("role_missing", said)


def _out_of_place(state: State | None, deed: Deed) -> str:
    if state is None:
        return "there is no such pattern"
    if deed == "draft":
        return "it is not a draft: withdraw it first, or draft another under a name of its own"
    said = {"live": "live is proposed of what is in shadow", "propose": "only a draft is proposed"}
    return f"{said.get(deed, f'nothing waits for {deed}')}, and it is {state.replace('_', ' ')}"
