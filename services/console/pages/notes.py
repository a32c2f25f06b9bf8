"""The form by which a note is added to a case."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.forms import as_body, form
from services.console.pages.frame import to
from services.console.pages.work import REPEATED, Work, path_of
from services.console.who import Callers
from services.triage.api.bodies import CaseId, Noted
from services.triage.api.cases import Cases
from services.triage.api.note_routes import key_of


def note_pages(work: Work, cases: Cases, callers: Callers, origin: str) -> APIRouter:
    """Return the routes; they stand before `Work`, whose addresses are those of every deed."""
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/note", dependencies=[Depends(of_own_origin(origin, FORM))])
    async def note(request: Request, caller: Annotated[Caller, Depends(callers.caller)], case_id: CaseId) -> Response:
        given = await form(request)
        text, key = given.get("text", "").strip(), given.get("key", "")
        try:
            await cases.note(caller, case_id, as_body(Noted, text=text).text, key_of(key))
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            case = await cases.one(caller, case_id, itself=True)
            told = {"refused": words.sentence(str(problem)), "beside": True, "wanted": "note", "field": "text"}
            kept = {"note": text, "note_key": key}
            return await work.case_page(request, caller, case, problem.status, **told, **kept)
        return to(path_of(case_id), told="note")

    @router.get("/cases/{case_id}/note")
    async def returned(_: Annotated[Caller, Depends(callers.caller)], case_id: CaseId) -> Response:
        return to(path_of(case_id))

    return router
