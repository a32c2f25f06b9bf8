"""A deed on many cases as JSON, and what became of each."""

from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from proofwatch.web.malformed import KEPT, PRINTED
from services.triage.api.bodies import Attack, Body, Reason

MOST: Final = 500
BulkDeed = Literal[
    "take", "assign", "release", "review", "clear", "threat", "approve", "reject", "know", "novel", "high_risk",
    "refer", "snooze", "wake", "close", "reopen", "merge",
]  # fmt: skip
"""All of `Deed` but `unmerge`: a part is taken out where it is shown."""


class Seen(Body):
    """A case, and its version as it was seen."""

    case_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]


class Bulk(Body):
    """What is to be done with which cases; the other fields are those of the deed alone."""

    deed: BulkDeed
    cases: Annotated[list[Seen], Field(min_length=1, max_length=MOST)]
    reason: Reason | None = None
    to: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTED)] | None = None
    attack: Attack | None = None
    species: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=PRINTED), KEPT] | None = (
        None
    )
    until: Annotated[AwareDatetime, Field(description="RFC 3339, with an offset; within 30 days.")] | None = None
    into: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.case_id for each in self.cases}) != len(self.cases):
            raise ValueError("a case is named once")
        return self


class BulkResult(BaseModel):
    """What became of one case: the status and the code that the deed alone would have been answered with."""

    case_id: str
    status: Annotated[int, Field(description="200, 403, 404, 409 or 412.")]
    code: Annotated[str, Field(description="`done`, `unchanged`, or that of the problem.")]
    detail: str
    version: Annotated[str | None, Field(description="Of the case afterwards, if it is there for you.")]


class BulkDone(BaseModel):
    """What became of each case, in the order of the request."""

    done: Annotated[int, Field(description="How many are as they were asked to be.")]
    results: list[BulkResult]
