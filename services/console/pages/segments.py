"""The page of segments and attack species: who is served worse than others, and which attacks get through."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.api.figures import Figures
from services.console.pages import words
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.forest import proven, segments, species
from services.console.pages.frame import Frame
from services.console.who import Callers

_EMPTY: Content = {
    "whole": None, "found": None, "species": (), "plots": (), "proven": None, "missing": "", "chosen": "",
}  # fmt: skip
_USUAL = "os"
"""The segment that is shown where nobody asks for another, if the tenant's policy counts it."""


def segment_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/segments")
    async def shown(
        request: Request, caller: who, tenant: str = "", since: str = "", until: str = "", segment: str = ""
    ) -> Response:
        async def found(given: Given) -> Content:
            """What is asked of a segment that has nothing is told where its plots would be: species are there."""
            asked = wanted(given)
            whole = await figures.rates(caller, wanted(given, ""))
            chosen = asked.segment.partition("=")[0] or (_USUAL if _USUAL in whole.segment_names else "")
            content = {**_EMPTY, "whole": whole, "species": species(whole.rates), "chosen": chosen}
            if chosen:
                try:
                    of_values = await figures.rates(caller, wanted(given, asked.segment or chosen))
                except Problem as problem:
                    if problem.status != 404:
                        raise
                    return {**content, "missing": words.sentence(f"{problem}.")}
                content |= {"found": of_values, "plots": segments(of_values.rates, whole.rates)}
            return {**content, "proven": proven([*content["species"], *content["plots"]])}

        given = Given(tenant, since, until, segment)
        return await answered(frame, figures, request, caller, "segments.html", given, found, _EMPTY)

    return router
