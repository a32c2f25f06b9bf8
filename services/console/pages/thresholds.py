"""The page of thresholds: what those in force cost either way, and what others would have made of the same scores."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.api.bodies import Check, WhatIf, Would
from services.aggregator.api.figures import Figures, Tried
from services.console.pages import words
from services.console.pages.asked import Content, Given, answered, wanted
from services.console.pages.det_chart import chart
from services.console.pages.frame import Frame
from services.console.pages.rate_rows import percent
from services.console.pages.rate_words import named
from services.console.who import Callers

_CHECKS: tuple[tuple[Check, str], ...] = (("match", "Face match"), ("liveness", "Liveness"))


class Row(NamedTuple):
    """A rate as it is, and as it would be."""

    name: str
    now: str
    now_of: str
    would: str
    would_of: str
    interval: str
    proxy: bool


def threshold_pages(frame: Frame, figures: Figures, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/thresholds")
    async def shown(
        request: Request,
        caller: who,
        tenant: str = "",
        since: str = "",
        until: str = "",
        segment: str = "",
        match: str = "",
        liveness: str = "",
    ) -> Response:
        async def found(given: Given) -> Content:
            to = Tried(_score("face match", match), _score("liveness", liveness))
            asked = wanted(given)
            checks = []
            for (check, title), tried in zip(_CHECKS, to, strict=True):
                told = await figures.det(caller, asked, check)
                checks.append((check, title, told, [chart(each, tried) for each in told.curves]))
            would = await figures.what_if(caller, asked, to) if to != Tried() else None
            return {"checks": checks, "found": checks[0][2], "would": would, "rows": _rows(would)}

        empty: Content = {"checks": (), "found": None, "would": None, "rows": (), "match": match, "liveness": liveness}
        given = Given(tenant, since, until, segment)
        return await answered(frame, figures, request, caller, "thresholds.html", given, found, empty)

    return router


def _score(name: str, text: str) -> float | None:
    """Return a threshold as it was typed; None: it is left as it is. Raises `Problem`."""
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise Problem(422, "malformed", f"{name}: {text[:40]!r} is no threshold; right is a number from 0 to 1")
    return found


def _rows(found: WhatIf | None) -> list[Row]:
    return [] if found is None else [_row(each) for each in found.rates if each.n]


def _row(each: Would) -> Row:
    low, high = each.would_k_low, each.would_k_high
    exact = low == high
    rate = percent(low / each.n) if exact else f"{percent(low / each.n)} to {percent(high / each.n)}"
    return Row(
        words.sentence(named(each.metric)), percent(each.k / each.n), f"{each.k:,} of {each.n:,}", rate,
        f"{low:,} of {each.n:,}" if exact else f"{low:,} to {high:,} of {each.n:,}",
        f"{percent(each.low)} to {percent(each.high)}", each.proxy,
    )  # fmt: skip
