"""The page on which a pattern is drafted from a case: what members share, conditions, and what would have matched."""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, NamedTuple

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.governance.predicate import FIELDS
from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import conditions, words
from services.console.pages.forms import as_body, fields, form
from services.console.pages.frame import Frame, to
from services.console.pages.work import REPEATED
from services.console.who import Callers
from services.triage.api.lookback_bodies import Lookback, LookbackAsked
from services.triage.api.lookbacks import Lookbacks
from services.triage.api.pattern_bodies import Drafted, words_of
from services.triage.api.patterns import Patterns

HEIGHT: Final = 60
"""Units that the bar of the day with most matches is high."""
DAYS: Final = (1, 3, 7, 14)
_TEXTS: Final = ("pattern_id", "description", "severity", "species", "case_id", "how", "predicate", "traits", "days")
_MOST_FIELDS: Final = 80
_KEY_BYTES: Final = 16


class Bar(NamedTuple):
    """A day of the chart: what matched and had passed, and what matched and had not; heights, of `HEIGHT` at most."""

    day: date
    matched: int
    accepted: int
    passed: float
    stopped: float


def bars(found: Lookback) -> list[Bar]:
    """Return a bar for each day that was looked at, also where nothing matched."""
    of = {each.day: each for each in found.days}
    first, last = found.since.date(), max([found.asked_at.date(), *of])
    first = min([first, *of])
    shown = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    top = max((each.matched for each in found.days), default=0) or 1
    return [
        Bar(
            day,
            matched := of[day].matched if day in of else 0,
            accepted := of[day].accepted if day in of else 0,
            round(accepted / top * HEIGHT, 1),
            round((matched - accepted) / top * HEIGHT, 1),
        )
        for day in shown
    ]


def fresh() -> str:
    """Return a key under which a form is sent: what is sent twice is done once."""
    return secrets.token_urlsafe(_KEY_BYTES)


def drawn_of(found: Lookback | None) -> dict[str, Any]:
    """Return what a template needs to show what was looked back for."""
    return {"look": found, "look_bars": bars(found) if found else [], "look_height": HEIGHT}


class Drafting:
    """Patterns that are being written."""

    def __init__(self, frame: Frame, patterns: Patterns, lookbacks: Lookbacks, callers: Callers, origin: str) -> None:
        self._frame, self._patterns, self._lookbacks = frame, patterns, lookbacks
        self._callers, self._origin = callers, origin

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        who = Annotated[Caller, Depends(self._callers.caller)]
        ours = [Depends(of_own_origin(self._origin, FORM))]

        @router.get("/patterns/start")
        @router.get("/patterns/look")
        async def returned(_: who) -> Response:
            return to("/patterns")

        @router.post("/patterns/start", dependencies=ours)
        async def start(request: Request, caller: who) -> Response:
            sent = await form(request)
            case_id = sent.get("case_id", "")
            asked = as_body(LookbackAsked, kind="traits", case_id=case_id, days=7)
            found = await self._lookbacks.ask(caller, asked, sent.get("key") or fresh())
            return to("/patterns/new", look=found.lookback_id)

        @router.get("/patterns/new")
        async def new(request: Request, caller: who, case_id: str = "", look: str = "") -> Response:
            found = await self._lookbacks.one(caller, look) if look else None
            kept = dict.fromkeys(_TEXTS, "") | {"case_id": case_id[:128]}
            rows: Sequence[conditions.Row] = ()
            if found and found.kind == "traits":
                kept |= {"case_id": found.case_id or "", "traits": found.lookback_id}
                rows = conditions.offered(found.shared)
            elif found:
                said = orjson.loads(await self._lookbacks.form_of(caller, look) or "{}")
                kept |= {name: str(said.get(name, "")) for name in _TEXTS}
                rows = [conditions.Row(*each) for each in said.get("rows", ())]
            return await self._page(request, caller, kept, rows, found)

        @router.post("/patterns/look", dependencies=ours)
        async def look(request: Request, caller: who) -> Response:
            return await self._send(request, caller, keep=False)

        @router.post("/patterns", dependencies=ours)
        async def draft(request: Request, caller: who) -> Response:
            return await self._send(request, caller, keep=True)

        return router

    async def _send(self, request: Request, caller: Caller, *, keep: bool) -> Response:
        sent = await fields(request, _MOST_FIELDS)
        kept = {name: dict(sent).get(name, "").strip() for name in _TEXTS}
        rows = conditions.given(sent)
        try:
            predicate = predicate_in(kept, rows)
            if keep:
                found = await self._patterns.draft(caller, drafted(kept, predicate))
                return to(f"/patterns/{found.pattern_id}", told="draft")
            days = int(kept["days"]) if kept["days"] in map(str, DAYS) else 7
            asked = as_body(LookbackAsked, kind="preview", predicate=predicate, days=days)
            whole = orjson.dumps({**kept, "rows": [[*each] for each in rows]}).decode()
            told = await self._lookbacks.ask(caller, asked, dict(sent).get("key") or fresh(), whole)
        except Problem as problem:
            if problem.status not in (*REPEATED, 404):
                raise
            refused = {"refused": words.sentence(str(problem)), "field": problem.members.get("field", "")}
            return await self._page(request, caller, kept, rows, None, problem.status, **refused)
        return to("/patterns/new", look=told.lookback_id)

    async def _page(
        self,
        request: Request,
        caller: Caller,
        kept: dict[str, str],
        rows: Sequence[conditions.Row],
        found: Lookback | None,
        status: int = 200,
        **content: Any,
    ) -> Response:
        traits = found if found and found.kind == "traits" else None
        if traits is None and kept["traits"]:
            traits = await self._lookbacks.one(caller, kept["traits"])
        given: dict[str, Any] = {**kept, "field": "", "key": fresh(), "traits_found": traits, "new": True}
        given |= drawn_of(found) | form_of(kept["predicate"], rows, kept["how"])
        return self._frame.page(request, caller, "pattern-new.html", status, **{**given, **content})


def form_of(predicate: str, rows: Sequence[conditions.Row], how: str = "all") -> dict[str, Any]:
    """Return what the form of conditions needs; `predicate`: as JSON, where it is nested, so that no rows are it."""
    said = predicate
    if not predicate and rows:
        try:
            said = orjson.dumps(conditions.predicate_of(how, rows)).decode()
        except Problem:
            said = ""
    names = {name: conditions.name_of(name) for name in FIELDS}
    return {
        "predicate": predicate,
        "how": how,
        "rows": conditions.shown(rows),
        "ops": conditions.OPS,
        "names": names,
        "days_given": DAYS,
        "as_json": said,
        "in_words": words_of(said) if said and not predicate else "",
    }


def predicate_in(kept: dict[str, str], rows: Sequence[conditions.Row]) -> dict[str, Any]:
    """Return the predicate that a form has: its rows, or the JSON of what no rows are. Raises `Problem`."""
    if not kept["predicate"] or rows:
        return conditions.predicate_of(kept["how"], rows)
    try:
        found = orjson.loads(kept["predicate"])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        example = '{"field": "device.model", "op": "eq", "value": "Pixel 3"}'
        raise Problem(422, "malformed", f"predicate: is not JSON; right is {example}", {"field": "predicate"})
    return found


def drafted(kept: dict[str, str], predicate: dict[str, Any]) -> Drafted:
    """Return what a form of a draft says. Raises `Problem`."""
    names = ("pattern_id", "description", "severity", "species", "case_id")
    return as_body(Drafted, **{name: kept[name] for name in names if kept[name]}, predicate=predicate)
