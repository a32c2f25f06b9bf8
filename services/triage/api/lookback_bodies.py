"""What is looked back for as JSON, and what may be asked."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from services.triage.api.bodies import Body
from services.triage.core.lookbacks import MOST_DAYS, MOST_OPENED

LookbackId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="As the answer to asking named it.")]
LookbackKind = Literal["traits", "preview", "hunt"]
LookbackState = Literal["waiting", "reading", "opening", "done", "failed"]


class LookbackAsked(Body):
    """What is looked back for: `traits` of a case's members; `preview` and `hunt` of a pattern, or a predicate."""

    kind: LookbackKind
    pattern_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None
    predicate: Annotated[dict[str, Any] | None, Field(description="Of a preview of what is no pattern yet.")] = None
    case_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")] | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="So far back; the topic has what it still has.")] = 7
    most: Annotated[int, Field(ge=1, le=MOST_OPENED, description="A hunt opens at most so many, the newest.")] = 500


class DayMatched(BaseModel):
    """What was matched of a day (UTC), and how much of it had been accepted."""

    day: date
    matched: int
    accepted: int


class SharedBy(BaseModel):
    """What members share: `value`, or numbers from `low` to `high`; `offered`: few others have it.

    `members` of `of_members` have it, and `others` of `of_others` transactions beside them.
    """

    field: str
    value: str | None
    low: float | None
    high: float | None
    members: int
    of_members: int
    others: int
    of_others: int
    offered: bool


class Lookback(BaseModel):
    """How far it is, and what was found. `low`, `high`: 95 % Clopper–Pearson interval of threats among judged cases.

    `known`, `left_out`: of a hunt, what cases had already, and what is beyond its bound. `is_all` false: there was more
    than is read at once.
    """

    lookback_id: str
    kind: LookbackKind
    state: LookbackState
    sentence: Annotated[str, Field(description="How far it is, in words.")]
    pattern_id: str | None
    case_id: str | None
    predicate: str | None
    asked_at: datetime
    since: datetime
    most: int
    progress: Annotated[float, Field(ge=0, le=1, description="Share of what is read.")]
    read: int
    matched: int
    opened: int
    people: int
    accepted: int
    cases: int
    judged: int
    threats: int
    low: float | None
    high: float | None
    known: int
    left_out: int
    restricted: int
    refused: int
    is_all: bool
    days: list[DayMatched]
    shared: list[SharedBy]
    failed: str
