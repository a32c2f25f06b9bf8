"""The page of rates: what was counted of a tenant, with its limits, as tables whose rows are drawn beside."""

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.api.bodies import SEGMENT
from services.aggregator.api.figures import Figures, Wanted
from services.console.pages import words
from services.console.pages.frame import Frame
from services.console.pages.rate_rows import groups
from services.console.who import Callers

DAYS: Final = 28
"""What limits are judged over, and so what is shown where nobody asks for other days."""
_REPEATED: Final = (404, 422)
"""What is told on the page itself, with what was asked still in its form."""


def figure_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/rates")
    async def rates(
        request: Request, caller: who, tenant: str = "", since: str = "", until: str = "", segment: str = ""
    ) -> Response:
        tenants = (await figures.tenants(caller)).tenants
        asked = tenant or (tenants[0] if tenants else "")
        first = since or (frame.now() - timedelta(days=DAYS)).date().isoformat()
        content: dict[str, Any] = {"tenants": tenants, "tenant": asked, "since": first, "until": until}
        content |= {"segment": segment, "found": None, "groups": ()}
        if not asked:
            return frame.page(request, caller, "rates.html", **content)
        try:
            found = await figures.rates(caller, _wanted(asked, first, until, segment.strip()))
        except Problem as problem:
            if problem.status not in _REPEATED:
                raise
            told = words.sentence(f"{problem}.")
            return frame.page(request, caller, "rates.html", problem.status, **{**content, "refused": told})
        return frame.page(request, caller, "rates.html", **{**content, "found": found, "groups": groups(found)})

    return router


def _wanted(tenant: str, since: str, until: str, segment: str) -> Wanted:
    """Return what the form asks: whole days by the tenant's clock. Raises `Problem`."""
    if not SEGMENT.fullmatch(segment):
        raise Problem(422, "malformed", f"{segment!r} is no segment; right is os, or os=android, or nothing")
    return Wanted(tenant, _day("from", since), _day("to", until) + timedelta(days=1) if until else None, segment)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(422, "malformed", f"{name}: {text!r} is no day; right is 2026-01-15") from None
