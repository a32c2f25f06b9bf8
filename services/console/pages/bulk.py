"""A deed on many cases: chosen in the queue, said once, done, and what became of each."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.forms import as_body, fields
from services.console.pages.frame import Frame, to
from services.console.who import Callers
from services.triage.api.bulk import BulkDeeds
from services.triage.api.bulk_bodies import MOST, Bulk

_KEY_BYTES: Final = 16
_KEPT: Final = ("reason", "to", "attack", "species", "hours", "into")
_REPEATED: Final = 422
"""What is told on the page that asks, with what was written still there."""
Given = list[tuple[str, str]]


def bulk_pages(frame: Frame, bulk: BulkDeeds, callers: Callers, origin: str) -> APIRouter:
    """Return the routes; each form carries a key of its own, so that what is sent twice is done once."""
    router = APIRouter(include_in_schema=False)
    ours = [Depends(of_own_origin(origin, FORM))]
    who = Annotated[Caller, Depends(callers.caller)]
    key = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,128}$")]

    @router.post("/bulk", dependencies=ours)
    async def chosen(request: Request, caller: who) -> Response:
        given = await fields(request, MOST + len(_KEPT) + 4)
        deed, cases = _only(given, "deed"), _cases(given)
        if deed not in words.MANY or not cases:
            return to("/queue", told="unchosen")
        return _asked(request, caller, deed, cases, secrets.token_urlsafe(_KEY_BYTES), frame.now())

    @router.post("/bulk/do", dependencies=ours)
    async def do(request: Request, caller: who) -> Response:
        given = await fields(request, MOST + len(_KEPT) + 4)
        deed, cases, of = _only(given, "deed"), _cases(given), _only(given, "key")
        kept = {name: _only(given, name) for name in _KEPT}
        if deed not in words.MANY or not cases:
            return to("/queue", told="unchosen")
        at = _moment(_only(given, "at"))
        try:
            await bulk.do(caller, of, _body(deed, cases, kept, at))
        except Problem as problem:
            if problem.status != _REPEATED:
                raise
            told = {"refused": words.sentence(str(problem)), "field": problem.members.get("field", ""), "beside": True}
            return _asked(request, caller, deed, cases, of, at, 422, wanted=deed, **told, **kept)
        return to(f"/bulk/{of}")

    @router.get("/bulk")
    @router.get("/bulk/do")
    async def returned(_: who) -> Response:
        return to("/queue")

    @router.get("/bulk/{of}")
    async def told(request: Request, caller: who, of: key) -> Response:
        found = await bulk.told(caller, of)
        return frame.page(request, caller, "bulk-done.html", found=found, place=f"/bulk/{of}")

    def _asked(
        request: Request, caller: Caller, deed: str, cases: Given, of: str, at: datetime, status: int = 200, **told: Any
    ) -> Response:
        given = {"deed": deed, "chosen": cases, "key": of, "at": at, "place": "/queue", "field": ""}
        return frame.page(request, caller, "bulk.html", status, **{**given, **dict.fromkeys(_KEPT, ""), **told})

    return router


def _only(given: Given, name: str) -> str:
    return next((each for of, each in given if of == name), "").strip()


def _cases(given: Given) -> Given:
    """Return the cases that were chosen, each with what was seen of it."""
    return [(case, seen) for case, _, seen in (each.partition(" ") for name, each in given if name == "case")]


def _moment(text: str) -> datetime:
    """Return when the form was made, which says until when cases rest however often it is sent. Raises `Problem`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Problem(400, "malformed", "the form cannot be read")
    return found


def _body(deed: str, cases: Given, kept: dict[str, str], at: datetime) -> Bulk:
    given: dict[str, Any] = {name: kept[name] or None for name in ("reason", "to", "into")}
    if deed == "threat":
        given |= {"attack": kept["attack"] or None, "species": kept["species"] or None}
    if deed == "snooze":
        if kept["hours"] not in words.RESTS:
            raise Problem(422, "malformed", "say for how long: one of those of the list", {"field": "hours"})
        given["until"] = at + timedelta(hours=int(kept["hours"]))
    named = [{"case_id": case, "version": seen} for case, seen in cases]
    return as_body(Bulk, deed=deed, cases=named, **given)
