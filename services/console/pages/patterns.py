"""The pages of attack patterns, and the forms by which people work on them."""

from datetime import date, timedelta
from typing import Annotated, Any, Final, NamedTuple

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.forms import as_body, form
from services.console.pages.frame import Frame, to
from services.console.pages.pattern_words import TOLD
from services.console.pages.work import REPEATED
from services.console.who import Callers
from services.triage.api.bodies import Given
from services.triage.api.pattern_bodies import DayOfHits, Drafted, Pattern, PatternDeed, PatternId
from services.triage.api.patterns import DAYS, Patterns

HEIGHT: Final = 40
"""Units that the bar of the day with most hits is high."""
_DRAFT: Final = ("pattern_id", "description", "severity", "species", "predicate", "case_id")


class Bar(NamedTuple):
    """A day of the chart: how much was matched live and in shadow; `live`, `shadow`: heights, of `HEIGHT` at most."""

    day: date
    live_hits: int
    shadow_hits: int
    accepted: int
    live: float
    shadow: float


def bars(days: list[DayOfHits], today: date) -> list[Bar]:
    """Return a bar for each of the last days, also where nothing was matched."""
    of = {(each.day, each.mode): each for each in days}
    shown = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]

    def hits(day: date, mode: Any) -> int:
        return of[day, mode].hits if (day, mode) in of else 0

    top = max((hits(day, "live") + hits(day, "shadow") for day in shown), default=0) or 1
    return [
        Bar(
            day,
            live := hits(day, "live"),
            shadow := hits(day, "shadow"),
            sum(of[day, mode].accepted for mode in ("live", "shadow") if (day, mode) in of),
            round(live / top * HEIGHT, 1),
            round(shadow / top * HEIGHT, 1),
        )
        for day in shown
    ]


class PatternPages:
    """Attack patterns: a list, one at a time, and a form for each deed."""

    def __init__(self, frame: Frame, patterns: Patterns, callers: Callers, origin: str) -> None:
        self._frame, self._patterns, self._callers, self._origin = frame, patterns, callers, origin

    def router(self) -> APIRouter:
        """Return the routes; what is sent by POST leads by GET to the pattern."""
        router = APIRouter(include_in_schema=False)
        who = Annotated[Caller, Depends(self._callers.caller)]
        ours = [Depends(of_own_origin(self._origin, FORM))]

        @router.get("/patterns")
        async def listed(request: Request, caller: who) -> Response:
            found = await self._patterns.page(caller)
            return self._frame.page(request, caller, "patterns.html", found=found.patterns)

        @router.get("/patterns/new")
        async def new(request: Request, caller: who, case_id: str = "") -> Response:
            content: dict[str, Any] = {**dict.fromkeys(_DRAFT, ""), "case_id": case_id[:128], "field": ""}
            return self._frame.page(request, caller, "pattern-new.html", **content)

        @router.post("/patterns", dependencies=ours)
        async def draft(request: Request, caller: who) -> Response:
            return await self._draft(request, caller)

        @router.get("/patterns/{pattern_id}")
        async def one(request: Request, caller: who, pattern_id: PatternId, told: str = "") -> Response:
            found = await self._patterns.one(caller, pattern_id)
            return self._shown(request, caller, found, told=TOLD.get(told, ""))

        @router.post("/patterns/{pattern_id}/{deed}", dependencies=ours)
        async def do(request: Request, caller: who, pattern_id: PatternId, deed: PatternDeed) -> Response:
            return await self._do(request, caller, pattern_id, deed)

        @router.get("/patterns/{pattern_id}/{deed}")
        async def returned(_: who, pattern_id: PatternId, deed: str) -> Response:
            return to(f"/patterns/{pattern_id}")

        return router

    async def _draft(self, request: Request, caller: Caller) -> Response:
        given = await form(request)
        kept: dict[str, Any] = {name: given.get(name, "").strip() for name in _DRAFT}
        try:
            found = await self._patterns.draft(caller, drafted(kept))
        except Problem as problem:
            if problem.status not in (*REPEATED, 404):
                raise
            kept |= {"refused": words.sentence(str(problem)), "field": problem.members.get("field", "")}
            return self._frame.page(request, caller, "pattern-new.html", problem.status, **kept)
        return to(f"/patterns/{found.pattern_id}", told="draft")

    async def _do(self, request: Request, caller: Caller, pattern_id: str, deed: PatternDeed) -> Response:
        reason = (await form(request)).get("reason", "").strip()
        try:
            as_body(Given, reason=reason)
            await self._patterns.do(caller, deed, pattern_id, reason)
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            found = await self._patterns.one(caller, pattern_id)
            told = {"refused": words.sentence(str(problem)), "wanted": deed, "reason": reason}
            return self._shown(request, caller, found, problem.status, **told, beside=deed in found.deeds)
        return to(f"/patterns/{pattern_id}", told=deed)

    def _shown(self, request: Request, caller: Caller, found: Pattern, status: int = 200, **content: Any) -> Response:
        given: dict[str, Any] = {"pattern": found, "bars": bars(found.days, self._frame.now().date()), "reason": ""}
        given |= {"field": "", "height": HEIGHT, **_draft_of(found)}
        return self._frame.page(request, caller, "pattern.html", status, **{**given, **content})


def drafted(given: dict[str, str]) -> Drafted:
    """Return what a form of a draft says. Raises `Problem`."""
    try:
        predicate = orjson.loads(given["predicate"])
    except ValueError:
        example = '{"field": "device.model", "op": "eq", "value": "Pixel 3"}'
        raise Problem(422, "malformed", f"predicate: is not JSON; right is {example}", {"field": "predicate"}) from None
    said = {name: value for name, value in given.items() if value and name != "predicate"}
    return as_body(Drafted, **said, predicate=predicate)


def _draft_of(found: Pattern) -> dict[str, Any]:
    return {
        "pattern_id": found.pattern_id,
        "description": found.description,
        "severity": found.severity,
        "species": found.species or "",
        "predicate": found.predicate,
        "case_id": "",
    }
