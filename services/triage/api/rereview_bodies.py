"""Blind re-reviews as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints, model_validator

from proofwatch.web.malformed import KEPT, PRINTED
from services.triage.api.bodies import Attack, CaseReason, Given

DispositionId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,64}$", description="What was given to you to judge.")]


class Judged(Given):
    """What somebody finds who does not know what was found first; of a threat its kind, as far as it is known."""

    verdict: Literal["cleared", "threat"]
    attack: Attack | None = None
    species: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=PRINTED), KEPT] | None = (
        None
    )

    @model_validator(mode="after")
    def _of_a_threat(self) -> "Judged":
        if self.verdict == "cleared" and (self.attack or self.species):
            raise ValueError("what is cleared is no attack: it has neither a kind nor a species")
        return self


class Blind(BaseModel):
    """What is to be judged again: as it was known then, and nothing that leads to what it was found to be."""

    disposition_id: str
    tenant: str
    kind: str
    parts: Annotated[int, Field(description="How many cases it was made of.")]
    why: list[CaseReason]


class NextBlind(BaseModel):
    """What is yours to judge; null: nothing is for you."""

    rereview: Blind | None


class Finding(BaseModel):
    """What one of two found."""

    verdict: str
    attack: str | None
    species: str | None
    reason: str


class Pair(BaseModel):
    """What two people found one case to be."""

    case_id: str
    tenant: str
    first: Finding
    second: Finding
    judged_at: datetime
    differs: bool


class Agreement(BaseModel):
    """`agreed` of `n` pairs. Cohen's `kappa` with its 95 % interval; null: it cannot be told from these."""

    n: int
    agreed: int
    expected: Annotated[float | None, Field(description="The share on which two would agree by lot.")]
    kappa: float | None
    low: float | None
    high: float | None


class Agreed(BaseModel):
    """How far first and second findings of a span agree."""

    since: datetime
    until: datetime
    verdict: Annotated[Agreement, Field(description="On whether it is a threat.")]
    kind: Annotated[Agreement, Field(description="On the kind, too: cleared, presentation, injection, impostor.")]
    different: Annotated[list[Pair], Field(description="The newest pairs that differ; at most 100.")]
