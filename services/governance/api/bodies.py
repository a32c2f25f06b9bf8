"""Policies as JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Of the document.")]
Against = Annotated[
    str, Query(pattern=r"^([0-9a-f]{32})?$", description="The hash of another; empty: what is in force.")
]
Scope = Annotated[
    str,
    Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
          description="For whom: * for everyone, a tenant, or TENANT/NAME=VALUE. Default: all of yours."),
]  # fmt: skip


class Body(BaseModel):
    """One form for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Activation(Body):
    """A policy is, was or will be in force for a scope; `shadow`: it is judged beside what is, and decides nothing.

    `why`: what is wrong with one that is refused.
    """

    scope: str
    mode: Literal["live", "shadow"]
    policy_hash: str
    name: str
    effective_from: datetime
    ends_at: datetime | None
    state: Literal["in force", "coming", "past", "refused"]
    signed_by: list[str]
    activated_by: str
    why: str | None


class Proposal(Body):
    """A policy that is in the log and was never activated. `needs`: so many people must sign it still."""

    policy_hash: str
    name: str
    signed_by: list[str]
    needs: int


class Policies(Body):
    """`governed` false: nobody signs policies here, and the file of this deployment (`file`) judges everybody.

    `file`: the policy of last resort, where no activation covers a tenant.
    """

    governed: bool
    file: str
    file_hash: str
    activations: list[Activation]
    proposals: list[Proposal]


class Signature(Body):
    """Who signed, and since when that is in the log."""

    person: str
    since: datetime


class Change(Body):
    """A key that differs; `direction`: what the new value is, null: neither is known."""

    key: str
    old: Any
    new: Any
    direction: Literal["stricter", "laxer"] | None


class Policy(Body):
    """A policy whole. `signatures`: the oldest first, which is its proposer's. `usable_since` null: it lacks some.

    `may_sign`: whose signature would make it usable. `against`: what `changes` are told against.
    """

    policy_hash: str
    name: str
    signatures: list[Signature]
    usable_since: datetime | None
    may_sign: list[str]
    against: str
    against_hash: str
    changes: list[Change]
    document: dict[str, Any]
