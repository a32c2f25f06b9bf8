"""Figures over HTTP. No logic of its own."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.sessions import Caller
from services.aggregator.api.anomalies import Sought, ToldAnomalies
from services.aggregator.api.anomaly_bodies import Anomalies, Cursor, Evidence, Kind, KnownSince, Limit, State
from services.aggregator.api.bodies import (
    Check,
    Det,
    Handsets,
    Rates,
    Segment,
    Since,
    Tenant,
    Tenants,
    Threshold,
    Until,
    WhatIf,
)
from services.aggregator.api.figures import Figures, Wanted
from services.aggregator.api.window_bodies import Length, Starts, Windows
from services.aggregator.api.windows import ClosedWindows
from services.aggregator.core.what_if import Thresholds


def figure_routes(
    figures: Figures, closed: ClosedWindows, told: ToldAnomalies, reader: Callable[..., Any]
) -> APIRouter:
    """Return the routes; `reader`: a dependency that gives who reads, a person or a machine with the scope, or raises
    `Problem`. Every answer is an entry of the audit log.
    """
    router = APIRouter(tags=["figures"])
    Who = Annotated[Caller, Security(reader, scopes=[Scope.FIGURES])]  # noqa: N806 — a type

    @router.get("/tenants")
    async def tenants(who: Who) -> Tenants:
        """Return the tenants that are there for you and have windows."""
        return await figures.tenants(who)

    @router.get("/rates")
    async def rates(who: Who, tenant: Tenant, since: Since, until: Until = None, segment: Segment = "") -> Rates:
        """Return every rate of a span with k, n, interval, limit, status and label coverage."""
        return await figures.rates(who, Wanted(tenant, since, until, segment))

    @router.get("/handsets")
    async def handsets(who: Who, tenant: Tenant, since: Since, until: Until = None, segment: Segment = "") -> Handsets:
        """Return how handsets, operating systems, SDK releases and countries fare beside the rest of the tenant."""
        return await figures.handsets(who, Wanted(tenant, since, until, segment))

    @router.get("/what-if")
    async def what_if(
        who: Who,
        tenant: Tenant,
        since: Since,
        until: Until = None,
        segment: Segment = "",
        match_threshold: Threshold = None,
        liveness_threshold: Threshold = None,
    ) -> WhatIf:
        """Return what other thresholds would have made of the same scores; bounds where a sketch cannot tell."""
        to = Thresholds(match_threshold, liveness_threshold)
        return await figures.what_if(who, Wanted(tenant, since, until, segment), to)

    @router.get("/det")
    async def det(
        who: Who, tenant: Tenant, since: Since, check: Check, until: Until = None, segment: Segment = ""
    ) -> Det:
        """Return the DET curves of a check, with the threshold in force; `segment`: one value, NAME=VALUE."""
        return await figures.det(who, Wanted(tenant, since, until, segment), check)

    @router.get("/windows")
    async def windows(
        who: Who,
        tenant: Tenant,
        since: Since,
        until: Until = None,
        segment: Segment = "",
        length: Length = "5m",
        limit: Starts = 100,
        cursor: Cursor = "",
    ) -> Windows:
        """Return closed windows of verdicts with counts, rates and intervals; go on with `cursor`."""
        return await closed.page(who, Wanted(tenant, since, until, segment), length, limit, cursor)

    @router.get("/anomalies")
    async def anomalies(
        who: Who,
        tenant: Tenant,
        state: State = "any",
        evidence: Evidence = "strong",
        kind: Kind = None,
        since: KnownSince = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Anomalies:
        """Return what fires and what fired: incidents, those known last first; go on with `cursor`."""
        return await told.page(who, Sought(tenant, state, evidence, kind, since), limit, cursor)

    return router
