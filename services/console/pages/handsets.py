"""The page of handsets: what fails, and how long it takes, by device model, system, SDK release and country."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.sessions import Caller
from services.aggregator.api.figures import Figures
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.frame import Frame
from services.console.pages.handset_rows import TIMINGS, dimensions
from services.console.who import Callers

_EMPTY: Content = {"found": None, "dimensions": (), "timings": TIMINGS}


def handset_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/handsets")
    async def shown(
        request: Request, caller: who, tenant: str = "", since: str = "", until: str = "", segment: str = ""
    ) -> Response:
        async def found(given: Given) -> Content:
            told = await figures.handsets(caller, wanted(given))
            return {"found": told, "dimensions": dimensions(told.handsets)}

        given = Given(tenant, since, until, segment)
        return await answered(frame, figures, request, caller, "handsets.html", given, found, _EMPTY)

    return router
