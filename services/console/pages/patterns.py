"""The pages of attack patterns, and the forms by which people work on them."""

from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.access.roles import Act
from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.conditions import rows_of
from services.console.pages.drafting import drawn_of, form_of, fresh
from services.console.pages.forms import as_body, form
from services.console.pages.frame import Frame, to
from services.console.pages.pattern_words import TOLD
from services.console.pages.work import REPEATED
from services.console.who import Callers
from services.triage.api.bodies import Given
from services.triage.api.lookback_bodies import LookbackAsked
from services.triage.api.lookbacks import Lookbacks
from services.triage.api.pattern_bodies import DayOfHits, Pattern, PatternDeed, PatternId
from services.triage.api.patterns import DAYS, Patterns

HEIGHT: Final = 40
"""Units that the bar of the day with most hits is high."""


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

    def __init__(self, frame: Frame, patterns: Patterns, lookbacks: Lookbacks, callers: Callers, origin: str) -> None:
        self._frame, self._patterns, self._lookbacks = frame, patterns, lookbacks
        self._callers, self._origin = callers, origin

    def router(self) -> APIRouter:
        """Return the routes; what is sent by POST leads by GET to the pattern."""
        router = APIRouter(include_in_schema=False)
        who = Annotated[Caller, Depends(self._callers.caller)]
        ours = [Depends(of_own_origin(self._origin, FORM))]

        @router.get("/patterns")
        async def listed(request: Request, caller: who) -> Response:
            found = await self._patterns.page(caller)
            return self._frame.page(request, caller, "patterns.html", found=found.patterns)

        @router.get("/patterns/{pattern_id}")
        async def one(request: Request, caller: who, pattern_id: PatternId, told: str = "") -> Response:
            found = await self._patterns.one(caller, pattern_id)
            return await self._shown(request, caller, found, told=TOLD.get(told, ""))

        @router.post("/patterns/{pattern_id}/preview", dependencies=ours)
        async def preview(request: Request, caller: who, pattern_id: PatternId) -> Response:
            return await self._look(request, caller, pattern_id, "preview")

        @router.get("/patterns/{pattern_id}/preview")
        @router.get("/patterns/{pattern_id}/hunt")
        async def looked(_: who, pattern_id: PatternId) -> Response:
            return to(f"/patterns/{pattern_id}")

        @router.post("/patterns/{pattern_id}/hunt", dependencies=ours)
        async def hunt(request: Request, caller: who, pattern_id: PatternId) -> Response:
            return await self._look(request, caller, pattern_id, "hunt")

        @router.post("/patterns/{pattern_id}/{deed}", dependencies=ours)
        async def do(request: Request, caller: who, pattern_id: PatternId, deed: PatternDeed) -> Response:
            return await self._do(request, caller, pattern_id, deed)

        @router.get("/patterns/{pattern_id}/{deed}")
        async def returned(_: who, pattern_id: PatternId, deed: str) -> Response:
            return to(f"/patterns/{pattern_id}")

        return router

    async def _look(
        self, request: Request, caller: Caller, pattern_id: str, kind: Literal["preview", "hunt"]
    ) -> Response:
        sent = await form(request)
        kept = {"days": sent.get("days", "").strip() or "7", "most": sent.get("most", "").strip() or "500"}
        try:
            numbers = {name: _whole(name, text) for name, text in kept.items() if name == "days" or kind == "hunt"}
            asked = as_body(LookbackAsked, kind=kind, pattern_id=pattern_id, **numbers)
            await self._lookbacks.ask(caller, asked, sent.get("key") or fresh())
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            found = await self._patterns.one(caller, pattern_id)
            told = {"refused": words.sentence(str(problem)), "wanted": kind, **kept}
            return await self._shown(request, caller, found, problem.status, **told, beside=True)
        return to(f"/patterns/{pattern_id}", told=kind)

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
            return await self._shown(request, caller, found, problem.status, **told, beside=deed in found.deeds)
        return to(f"/patterns/{pattern_id}", told=deed)

    async def _shown(
        self, request: Request, caller: Caller, found: Pattern, status: int = 200, **content: Any
    ) -> Response:
        given: dict[str, Any] = {"pattern": found, "bars": bars(found.days, self._frame.now().date()), "reason": ""}
        given |= {"field": "", "height": HEIGHT, "key": fresh(), "days": "7", "most": "500", **_draft_of(found)}
        told = await self._lookbacks.of_pattern(caller, found.pattern_id)
        given |= drawn_of(next((each for each in told if each.kind == "preview"), None))
        given["hunts"] = [each for each in told if each.kind == "hunt"]
        proposes, approves = caller.session.may(Act.PROPOSE_PATTERN), caller.session.may(Act.APPROVE_PATTERN)
        given["may_preview"] = proposes or approves
        given["may_hunt"] = proposes and found.state in ("shadow", "live_proposed", "live")
        return self._frame.page(request, caller, "pattern.html", status, **{**given, **content})


def _whole(name: str, text: str) -> int:
    """Return a number of a form. Raises `Problem`."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(422, "malformed", f"{name}: must be a whole number such as 500", {"field": name})
    return int(text)


def _draft_of(found: Pattern) -> dict[str, Any]:
    rows = rows_of(found.predicate)
    how, given = rows or ("all", [])
    return {
        "pattern_id": found.pattern_id,
        "description": found.description,
        "severity": found.severity,
        "species": found.species or "",
        "case_id": "",
        **form_of("" if rows else found.predicate, given, how),
        "as_json": "",
        "in_words": "",
    }
