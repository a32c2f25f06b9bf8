"""Blind re-reviews over HTTP. No logic of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Nothing
from services.triage.api.deed_routes import Calls
from services.triage.api.rereview_bodies import Agreed, DispositionId, Judged, NextBlind, Pair
from services.triage.api.rereviews import Rereviews

_Since = Annotated[AwareDatetime | None, Query(description="RFC 3339, with an offset. Default: 90 days before until.")]
_Until = Annotated[AwareDatetime | None, Query(description="Likewise, exclusive. Default: now.")]
_Tenant = Annotated[
    str | None, Query(pattern=r"^[\x21-\x7e]{1,128}$", description="Default: all that are there for you.")
]


def rereview_routes(rereviews: Rereviews, caller: Calls) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/rereviews", tags=["rereviews"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type

    @router.post("/next")
    async def given(who: Who, _: Nothing) -> NextBlind:
        """Take what you are to judge again, not knowing what it was found to be; for a day it is nobody else's."""
        return await rereviews.next(who)

    @router.post("/{disposition_id}/finding")
    async def judge(who: Who, disposition_id: DispositionId, said: Judged) -> Pair:
        """Say what you find it to be; the answer has what was found first. No case is changed by it."""
        return await rereviews.judge(who, disposition_id, said)

    @router.get("/agreement")
    async def agreement(who: Who, tenant: _Tenant = None, since: _Since = None, until: _Until = None) -> Agreed:
        """Return how far first and second findings agree, and the newest pairs that do not."""
        return await rereviews.told(who, tenant, since, until)

    return router
