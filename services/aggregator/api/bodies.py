"""Figures as JSON: the same as those of `proofwatch rates`, `handsets` and `what-if`, in the same words."""

import re
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from proofwatch.events.enumerations import MemberStatus

SEGMENT: Final = re.compile(r"^([a-z][a-z0-9_]{0,31}(=[^\x00-\x1f\x7f-\x9f]{1,128})?)?$")
TENANT: Final = re.compile(r"^[\x21-\x7e]{1,128}$")
Tenant = Annotated[str, Query(pattern=TENANT.pattern, description="A tenant that is there for you.")]
Since = Annotated[datetime, Query(description="RFC 3339, with an offset.")]
Until = Annotated[datetime | None, Query(description="Likewise, exclusive. Default: the last closed window.")]
Segment = Annotated[
    str,
    Query(max_length=160, pattern=SEGMENT.pattern,
          description="NAME for every value of a segment, NAME=VALUE for one. Default: the whole tenant."),
]  # fmt: skip
Threshold = Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False, description="Accepted from this score on.")]
Check = Literal["match", "liveness"]
Source = Literal["decisions", "labelled"]


class Body(BaseModel):
    """One form for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(Body):
    """k of n with Wilson's 95 % interval (`low`, `high`), and what a policy's limit makes of it.

    `source`: from verdicts alone, or from labelled days. `coverage`: the share of transactions with the label needed.
    """

    segment_name: str | None
    segment_value: str | None
    source: Source
    metric: str
    k: int | None
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    status: MemberStatus | None
    reason: str | None
    needed_without_error: int | None
    needed_at_present_rate: int | None
    species: str | None
    coverage: float | None


class Asked(Body):
    """What was counted: from `since` to before `until` (null: the last closed window), and whose limits judged it.

    `zone`: by whose clock days are told. `segment_names`: the segments that its policy counts, and the versions that
    everybody's windows have; whether there are windows of one is another matter.

    `small_values`: so many values of a segment, with `small_transactions` in all, are kept back: they have fewer than
    `small_cell` transactions each. `notes`: what the figures were counted from, one sentence each.
    """

    tenant: str
    since: datetime
    until: datetime | None
    zone: str
    policy: str
    policy_hash: str
    segment_names: list[str]
    small_cell: int
    small_values: int
    small_transactions: int
    notes: list[str]


class Part(Body):
    """A window that a rate was summed from. `listed` false: of fewer transactions than are shown of a segment value.

    `transactions` null: of a labelled day, which counts what was asked for by check.
    """

    start: datetime
    end: datetime
    revision: int
    backfill: bool
    transactions: int | None
    k: int
    n: int
    listed: bool


class Parts(Body):
    """The windows that a rate was summed from, the oldest first, and their sums. `segment`: NAME=VALUE, or nothing."""

    tenant: str
    segment: str
    labelled: bool
    k: int
    n: int
    small_cell: int
    kept_back: int
    parts: list[Part]


class Rates(Asked):
    """Every rate of a span."""

    rates: list[Rate]


class Share(Body):
    """k of n of a segment value with its interval, beside the rate of the rest of its tenant."""

    k: int | None
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    rest: float | None


class Durations(Body):
    """In milliseconds. A quantile lies between two edges (null: beyond the last); `rest_p95` is the rest's."""

    n: int
    mean: float | None
    p50: tuple[float | None, float | None]
    p95: tuple[float | None, float | None]
    p99: tuple[float | None, float | None]
    rest_p95: tuple[float | None, float | None]


class Handset(Body):
    """A device model, OS, SDK release or country. `excess_…`: how many more than at the rate of the rest."""

    segment_name: str
    segment_value: str
    transactions: int
    failure: Share
    excess_failures: float | None
    rejection: Share
    excess_rejections: float | None
    response: Share
    durations: dict[str, Durations]


class Handsets(Asked):
    """The most excess failures first, one dimension after the other."""

    handsets: list[Handset]


class Would(Body):
    """A rate as it is (k of n), and what it would be: `would_k_low` to `would_k_high` of the same n.

    `low`, `high`: Wilson's 95 % interval around both ends. `proxy`: more than counting is assumed.
    """

    segment_name: str | None
    segment_value: str | None
    metric: str
    proxy: bool
    k: int
    n: int
    would_k_low: int
    would_k_high: int
    low: float | None
    high: float | None
    coverage: float | None


class WhatIf(Asked):
    """What other thresholds would have made of the same scores."""

    match_threshold: float | None
    liveness_threshold: float | None
    rates: list[Would]


class DetPoint(Body):
    """With `threshold` so many would be accepted wrongly, and so many rejected, each with Wilson's 95 % interval."""

    threshold: float
    accepted: int
    accepted_low: float
    accepted_high: float
    rejected: int
    rejected_low: float
    rejected_high: float


class DetCurve(Body):
    """By ascending threshold: errors of `accepts` among `accepts_n`, of `rejects` among `rejects_n`.

    `in_force`: at the threshold that is in force; null: some days were counted by another, which it is no edge of.
    """

    accepts: str
    accepts_n: int
    rejects: str
    rejects_n: int
    in_force: DetPoint | None
    points: list[DetPoint]


class Det(Asked):
    """DET curves of a check (ISO/IEC 19795-1), and the threshold that the policy in force has."""

    check: Check
    threshold: float
    curves: list[DetCurve]


class Tenants(Body):
    """The tenants that are there for you and have windows."""

    tenants: list[str] = Field(description="In alphabetic order.")
