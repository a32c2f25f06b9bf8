"""The page of rates: what was counted of a tenant, with its limits, as tables whose rows are drawn beside."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.sessions import Caller
from services.aggregator.api.anomalies import Sought, ToldAnomalies
from services.aggregator.api.figures import Figures
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.frame import Frame
from services.console.pages.rate_rows import groups
from services.console.who import Callers

_MOST: Final = 100


def figure_pages(frame: Frame, figures: Figures, anomalies: ToldAnomalies, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/rates")
    async def rates(
        request: Request, caller: who, tenant: str = "", since: str = "", until: str = "", segment: str = ""
    ) -> Response:
        async def found(given: Given) -> Content:
            told = await figures.rates(caller, wanted(given))
            made = groups(told)
            content: Content = {"found": told, "groups": made}
            if any(row.mark == "high" for each in made for row in each.rows):
                content["incidents"] = await incidents_of(anomalies, caller, given.tenant)
            return content

        given = Given(tenant, since, until, segment)
        empty: Content = {"found": None, "groups": (), "incidents": {}}
        return await answered(frame, figures, request, caller, "rates.html", given, found, empty)

    return router


async def incidents_of(anomalies: ToldAnomalies, caller: Caller, tenant: str) -> dict[tuple[str, str], str]:
    """Return the newest incidents of a tenant by rate, and by NAME=VALUE of their slice; empty: the whole tenant."""
    found = await anomalies.page(caller, Sought(tenant, "any", "any", None, None), _MOST)
    return {
        (each.metric, ",".join(f"{of.segment_name}={of.segment_value}" for of in each.root)): each.incident_id
        for each in reversed(found.anomalies)
    }
