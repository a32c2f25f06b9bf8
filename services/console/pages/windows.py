"""The page of windows: what a number on the other pages was summed from, window by window."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.sessions import Caller
from services.aggregator.api.figures import Figures
from services.console.pages import words
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.frame import Frame
from services.console.pages.rate_rows import percent
from services.console.pages.rate_words import named
from services.console.who import Callers

_USUAL: Final = "rejection_rate"


def window_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/windows")
    async def shown(
        request: Request,
        caller: who,
        tenant: str = "",
        since: str = "",
        until: str = "",
        segment: str = "",
        metric: str = _USUAL,
    ) -> Response:
        async def found(given: Given) -> Content:
            told = await figures.parts(caller, wanted(given), metric[:128])
            return {"found": told, "called": words.sentence(named(metric[:128]))}

        empty: Content = {"found": None, "metric": metric[:128], "called": "", "percent": percent}
        given = Given(tenant, since, until, segment)
        return await answered(frame, figures, request, caller, "windows.html", given, found, empty)

    return router
