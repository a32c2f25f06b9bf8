"""The same events as pydantic models, with the bounds of the schema: how FastStream's users would validate."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tests.benchmarks.peers.work import LIVENESS, MATCH, POLICY_HASH, rules

Score = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Tenant = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Segments = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=32)], Annotated[str, Field(min_length=1, max_length=64)]],
    Field(max_length=16),
]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Device(_Event):
    """Handset and SDK."""

    ref: Name | None = None
    model: Name | None = None
    os: str | None = None
    os_version: str | None = None
    sdk_version: str | None = None


class Timings(_Event):
    """Durations of the steps."""

    capture_ms: Annotated[float, Field(ge=0)] | None = None
    upload_ms: Annotated[float, Field(ge=0)] | None = None
    match_ms: Annotated[float, Field(ge=0)] | None = None
    liveness_ms: Annotated[float, Field(ge=0)] | None = None


class Transaction(_Event):
    """A transaction."""

    schema_version: Literal[1]
    tenant: Tenant
    transaction_id: Name
    subject_ref: Name
    occurred_at: AwareDatetime
    checks: tuple[Literal["match", "liveness"], ...] = ("match", "liveness")
    match_score: Score | None = None
    liveness_score: Score | None = None
    device: Device | None = None
    timings: Timings | None = None
    segments: Segments | None = None
    imagery_ref: Annotated[str, Field(max_length=512, pattern=r"^[a-z][a-z0-9+.-]*://")] | None = None


class Attempts(BaseModel):
    """Failures before."""

    match: int = 0
    liveness: int = 0


class Basis(BaseModel):
    """What a verdict rests on."""

    policy_hash: str = POLICY_HASH
    controls_version: int = 0
    patterns_version: int = 0
    match_threshold: float = MATCH
    liveness_threshold: float = LIVENESS
    attempts_before: Attempts = Attempts()


class Verdict(BaseModel):
    """A verdict."""

    schema_version: int
    tenant: str
    transaction_id: str
    subject_ref: str
    occurred_at: datetime
    decision: str
    action: str
    reasons: tuple[str, ...]
    match_outcome: str
    liveness_outcome: str
    match_score: float | None
    liveness_score: float | None
    basis: Basis = Basis()
    device: Device | None
    timings: Timings | None
    segments: dict[str, str] | None


def verdict(event: Transaction) -> Verdict:
    """Return the verdict."""
    decision, action, reasons, match, liveness = rules(event.match_score, event.liveness_score)
    return Verdict(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        decision=decision,
        action=action,
        reasons=reasons,
        match_outcome=match,
        liveness_outcome=liveness,
        match_score=event.match_score,
        liveness_score=event.liveness_score,
        device=event.device,
        timings=event.timings,
        segments=event.segments,
    )
