"""Closed windows as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query

from services.aggregator.api.bodies import Body

Length = Annotated[Literal["1m", "5m", "1d"], Query(description="Of the windows; a day is one of the tenant's.")]
Starts = Annotated[int, Query(ge=1, le=200, description="How many starts; of a segment each has several values.")]


class WindowRate(Body):
    """k of n with Wilson's 95 % interval; null: no trial."""

    metric: str
    k: int | None
    n: int | None
    value: float | None
    low: float | None
    high: float | None


class Window(Body):
    """A closed window by its newest revision: what verdicts say; labels are in the rates of whole days.

    `backfill`: everything in it came later than alarms wait for. `policies`: whose verdicts are in it, by hash.
    """

    start: datetime
    end: datetime
    segment_name: str | None
    segment_value: str | None
    revision: int
    backfill: bool
    transactions: int
    rates: list[WindowRate]
    policies: list[str]


class Windows(Body):
    """Some windows of a tenant, the oldest first; `next`: the cursor of the page after, if there is one.

    `zone`: by whose clock days are told. `small_values`: so many of the page's windows are kept back: they have fewer
    than `small_cell` transactions each.
    """

    tenant: str
    length: str
    zone: str
    small_cell: int
    small_values: int
    windows: list[Window]
    next: str | None
