"""Incidents as JSON: their numbers, and the words that reports and notices have."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from proofwatch.events.enumerations import (
    AnomalyAction,
    AnomalyRule,
    IncidentEndedBy,
    IncidentEvidence,
    IncidentSeverity,
    IncidentState,
)
from services.aggregator.api.bodies import Body

State = Literal["firing", "ended", "merged", "any"]
Evidence = Literal["strong", "weak", "any"]
Kind = Annotated[AnomalyRule | None, Query(description="The detector that found it, such as cusum. Default: any.")]
KnownSince = Annotated[
    datetime | None, Query(description="Those that were known then or later: RFC 3339, with an offset. Default: all.")
]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str, Query(max_length=256, description="`next` of the page before.")]


class Slice(Body):
    """An attribute and its value."""

    segment_name: str
    segment_value: str


class Anomaly(Body):
    """What one cause did, as it stands: an incident, which is told once whatever fires because of it.

    `root`: the smallest slice that explains it; empty: the whole tenant. `since` with a 90 % interval where one is
    known. `known_at`: when it could first be known. `metric`, `k`, `n`, `rate`, `low`, `high` (Wilson, 95 %) and
    `expected_rate` are those of the finding with the most evidence, in the window from `window_start` to `window_end`.

    `rejected`, `accepted`: about how many were so beyond what was to be expected; `rejected_people` counts each person
    once; null: nobody can. `chance`: how many as extreme the tenant's looks of a day make by chance; 0 where a rule
    with a budget of its own found it. `findings`: how many findings come of the cause. `title` and what follows are
    English: what, where and since when; how it went on; how sure; how many people; what next; what is missing.
    """

    incident_id: str
    revision: int
    tenant: str
    state: IncidentState
    evidence: IncidentEvidence
    severity: IncidentSeverity
    root: list[Slice]
    since: datetime
    since_low: datetime | None
    since_high: datetime | None
    known_at: datetime
    until: datetime | None
    ended_by: IncidentEndedBy | None
    merged_into: str | None
    rules: list[str]
    metric: str
    direction: Literal["up", "down"] | None
    window_start: datetime
    window_end: datetime
    k: int
    n: int
    rate: float
    low: float
    high: float
    expected_rate: float
    chance: float
    rejected: float
    rejected_people: float | None
    accepted: float
    action: AnomalyAction
    findings: int
    title: str
    course: str
    sure: str
    people: str
    next_step: str
    needed: str


class Anomalies(Body):
    """Some incidents of a tenant, those known last first; `next`: the cursor of the page after, if there is one."""

    tenant: str
    zone: str
    anomalies: list[Anomaly]
    next: str | None


class Firing(Body):
    """How many incidents of strong evidence fire at a tenant, and how many of them are critical."""

    tenant: str
    firing: int = Field(ge=1)
    critical: int
