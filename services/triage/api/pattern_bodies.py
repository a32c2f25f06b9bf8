"""Attack patterns as JSON, and what may be sent about them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from proofwatch.events.enumerations import AttackPatternSeverity
from proofwatch.web.malformed import KEPT, PRINTED
from services.triage.api.bodies import Body
from services.triage.core.patterns import NOVEL as NOVEL
from services.triage.core.predicate_words import words_of as words_of

PatternId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="A pattern, as lists name it.")]
PatternState = Literal["draft", "proposed", "shadow", "live_proposed", "live", "withdrawn"]
PatternDeed = Literal["draft", "propose", "approve", "reject", "live", "withdraw"]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=512, pattern=PRINTED), KEPT]


class Drafted(Body):
    """A draft: what the pattern says, and the case that it comes from, which a new one needs."""

    pattern_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    description: _Line
    severity: AttackPatternSeverity
    predicate: Annotated[dict[str, Any], Field(description="all, any, not, or field, op and value.")]
    species: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=PRINTED), KEPT] | None = (
        None
    )
    case_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")] | None = None


class Precision(BaseModel):
    """How many of the cases that it matched were found to be threats.

    `threats` of `judged` cases; `low`, `high`: 95 % Clopper–Pearson interval of their share, null where none is judged.
    """

    cases: int
    judged: int
    threats: int
    low: float | None
    high: float | None


class Matched(BaseModel):
    """What it matched, of your tenants; `last_at`: when the last of it took place, null: nothing did."""

    mode: Literal["live", "shadow"]
    hits: int
    last_at: datetime | None
    precision: Precision


class DayOfHits(BaseModel):
    """What it matched on a day (UTC), and how much of it had been accepted."""

    day: date
    mode: Literal["live", "shadow"]
    hits: int
    accepted: int


class ListedPattern(BaseModel):
    """A pattern as lists have it. `case_id`: where it came from, if that is there for you."""

    pattern_id: str
    revision: Annotated[int, Field(description="Of what was published last; 0: nothing was.")]
    state: PatternState
    description: str
    severity: AttackPatternSeverity
    species: str | None
    predicate: Annotated[str, Field(description="As JSON.")]
    words: Annotated[str, Field(description="The predicate in words.")]
    case_id: str | None
    drafted_by: str
    drafted_at: datetime
    proposed_by: str | None
    changed_at: datetime
    matched: list[Matched]
    deeds: Annotated[list[PatternDeed], Field(description="What you may do with it now.")]


class PatternAct(BaseModel):
    """What somebody did with it."""

    at: datetime
    deed: PatternDeed
    from_state: str | None
    to_state: PatternState
    person_id: str
    name: str | None
    reason: str
    revision: int


class Pattern(ListedPattern):
    """A pattern whole: what it matched by day, the oldest first, and what people did with it."""

    days: list[DayOfHits]
    history: list[PatternAct]


class PatternPage(BaseModel):
    """The patterns: what is withdrawn last, then what changed last first."""

    patterns: list[ListedPattern]
