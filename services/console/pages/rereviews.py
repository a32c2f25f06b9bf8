"""The page on which people judge cases again, not knowing what they were found to be; and how far they agree."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.access.roles import Act
from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.forms import as_body, form
from services.console.pages.frame import Frame, to
from services.console.pages.work import REPEATED
from services.console.who import Callers
from services.triage.api.rereview_bodies import DispositionId, Judged, Pair
from services.triage.api.rereviews import Rereviews


def rereview_pages(frame: Frame, rereviews: Rereviews, callers: Callers, origin: str) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    ours = [Depends(of_own_origin(origin, FORM))]
    who = Annotated[Caller, Depends(callers.caller)]

    async def page(request: Request, caller: Caller, status: int = 200, **content: Any) -> Response:
        found = await rereviews.told(caller)
        given = {"found": found, "blind": None, "pair": None, "reason": "", "attack": "", "species": "", "field": ""}
        judges = caller.session.may(Act.PROPOSE_DISPOSITION)
        return frame.page(request, caller, "rereviews.html", status, **{**given, "judges": judges, **content})

    @router.get("/rereviews")
    async def shown(request: Request, caller: who, told: str = "") -> Response:
        return await page(request, caller, told=words.TOLD.get(told, ""))

    @router.post("/rereviews", dependencies=ours)
    async def following(request: Request, caller: who) -> Response:
        given = await rereviews.next(caller)
        if given.rereview is None:
            return to("/rereviews", told="no-rereview")
        return await page(request, caller, blind=given.rereview)

    @router.get("/rereviews/{disposition_id}")
    async def returned(caller: who, disposition_id: DispositionId) -> Response:
        return to("/rereviews")

    @router.post("/rereviews/{disposition_id}", dependencies=ours)
    async def judge(request: Request, caller: who, disposition_id: DispositionId) -> Response:
        given = await form(request)
        kept = {name: given.get(name, "").strip() for name in ("reason", "attack", "species")}
        verdict = "cleared" if given.get("verdict") == "cleared" else "threat"
        of_a_threat = {"attack": kept["attack"] or None, "species": kept["species"] or None}
        try:
            said = as_body(Judged, verdict=verdict, reason=kept["reason"], **of_a_threat if verdict == "threat" else {})
            pair: Pair = await rereviews.judge(caller, disposition_id, said)
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            again = (await rereviews.next(caller)).rereview
            beside = again is not None and again.disposition_id == disposition_id
            told = {"refused": words.sentence(str(problem)), "wanted": verdict, "beside": beside}
            return await page(request, caller, problem.status, blind=again, **kept, **told)
        return await page(request, caller, pair=pair, told=words.TOLD["differs" if pair.differs else "alike"])

    return router
