"""The page of rates: what was counted of a tenant, with its limits, as tables whose rows are drawn beside."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.sessions import Caller
from services.aggregator.api.figures import Figures
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.frame import Frame
from services.console.pages.rate_rows import groups
from services.console.who import Callers


def figure_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/rates")
    async def rates(
        request: Request, caller: who, tenant: str = "", since: str = "", until: str = "", segment: str = ""
    ) -> Response:
        async def found(given: Given) -> Content:
            told = await figures.rates(caller, wanted(given))
            return {"found": told, "groups": groups(told)}

        given, empty = Given(tenant, since, until, segment), {"found": None, "groups": ()}
        return await answered(frame, figures, request, caller, "rates.html", given, found, empty)

    return router
