"""Entries of the audit log as JSON, and what proves them."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

MOST: Final = 200
Scope = Literal["own", "team", "views", "all"]
Outcome = Literal["done", "granted", "denied", "failed"]
Action = Annotated[
    str, Query(max_length=64, pattern=r"^[a-z0-9_.*]*$", description="What was done; * stands for anything.")
]
Who = Annotated[
    str, Query(max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", description="An account or a service, or its id.")
]
Tenant = Annotated[str, Query(pattern=r"^[\x21-\x7e]{0,128}$", description="Whose data it was about.")]
About = Annotated[
    str,
    Query(max_length=321, pattern=r"^([a-z][a-z0-9_.]{0,63}:[^\x00-\x1f\x7f-\x9f]{1,256})?$",
          description="What was acted upon: its kind, a colon, its id, such as case:ID."),
]  # fmt: skip
Since = Annotated[datetime | None, Query(description="RFC 3339, with an offset. Default: 30 days ago.")]
Before = Annotated[int, Query(ge=0, le=2**62, description="Entries before this one; 0: the newest.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


class Body(BaseModel):
    """One form for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ActedOn(Body):
    """What was acted upon."""

    kind: str
    id: str


class Listed(Body):
    """An entry. `actor_name`: the account of a person, where it is there still; `left`: a checkpoint has it that has
    left the house, so nobody can take it away unseen.
    """

    index: int
    logged_at: datetime
    acted_at: datetime
    actor_kind: Literal["person", "service"]
    actor: str
    actor_name: str | None
    action: str
    outcome: Outcome
    tenant: str | None
    objects: list[ActedOn]
    reason: str
    left: bool


class Entries(Body):
    """The newest first. `scope`: whose entries these are; `next`: where to go on, null: there are no more.

    `signed`: entries before this one are in a checkpoint that has left; `since`: from when on it was looked.
    `unreadable`: places where there is no entry any more, since somebody changed it.
    """

    scope: Scope
    scopes: list[Scope]
    since: datetime
    signed: int
    entries: list[Listed]
    unreadable: list[int]
    next: int | None


class Checkpoint(Body):
    """The first checkpoint that has left with an entry in it. `cosigned`: by so many witnesses."""

    origin: str
    size: int
    left_at: datetime
    cosigned: int


class Entry(Listed):
    """An entry whole. `sealed`: there is more, sealed under a data subject's key, which is shown to nobody here.

    `checkpoint` null: none has left with it yet.
    """

    entry_id: str
    purpose: str | None
    policy: str | None
    grant: str | None
    second_person: str | None
    second_person_name: str | None
    details: dict[str, str | int]
    sealed: bool
    leaf_hash: str
    checkpoint: Checkpoint | None


class Step(Body):
    """Something that was checked, in a sentence, and whether it holds."""

    holds: bool
    says: str


class Verified(Body):
    """Whether an entry is proved, and by which steps. `proof`, `leaf`: what others check by themselves, base64."""

    index: int
    proved: bool
    steps: list[Step]
    proof: str | None = Field(description="C2SP tlog-proof; null: no checkpoint that left has the entry.")
    leaf: str = Field(description="The bytes that are hashed.")
