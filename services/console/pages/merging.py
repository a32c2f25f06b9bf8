"""Merging: the page on which two cases stand side by side, and the form by which one becomes a part of the other."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.forms import as_body, form
from services.console.pages.frame import to
from services.console.pages.work import REPEATED, Work, path_of
from services.console.who import Callers
from services.triage.api.bodies import CaseId, Merged
from services.triage.api.cases import Cases
from services.triage.api.refusals import Changed


class Merging:
    """Two cases at a time. It stands before `Work`, whose addresses are those of every other deed."""

    def __init__(self, work: Work, cases: Cases, callers: Callers, origin: str) -> None:
        self._work, self._cases, self._callers, self._origin = work, cases, callers, origin

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        who = Annotated[Caller, Depends(self._callers.caller)]
        other = Annotated[str, Query(alias="with")]

        @router.get("/cases/{case_id}/merge")
        async def both(request: Request, caller: who, case_id: CaseId, name: other = "") -> Response:
            try:
                return await self._both(request, caller, case_id, name.strip())
            except Problem as problem:
                if problem.status not in REPEATED:
                    raise
                return await self._work.refused(request, caller, case_id, "merge", problem, with_=name.strip()[:128])

        @router.post("/cases/{case_id}/merge", dependencies=[Depends(of_own_origin(self._origin, FORM))])
        async def merge(request: Request, caller: who, case_id: CaseId) -> Response:
            return await self._merged(request, caller, case_id)

        return router

    async def _both(
        self, request: Request, caller: Caller, case_id: str, name: str, status: int = 200, **content: Any
    ) -> Response:
        found = await self._cases.beside(caller, case_id, name)
        given = {"other": found.other, "why_not": found.why_not, "why_not_back": found.why_not_back, "reason": ""}
        shown = {**given, "merging": "", "place": f"{path_of(case_id)}/merge?with={found.other.case_id}", **content}
        return await self._work.of_case(request, caller, found.one, "merge.html", status, **shown)

    async def _merged(self, request: Request, caller: Caller, case_id: str) -> Response:
        given = await form(request)
        into, reason = given.get("into", ""), given.get("reason", "").strip()
        try:
            if reason:
                as_body(Merged, into=into, reason=reason)
            seen, into_seen = given.get("seen", ""), given.get("into_seen", "")
            await self._cases.do(caller, "merge", case_id, seen, reason=reason, into=into, into_seen=into_seen)
        except Changed as changed:
            again = f"{path_of(case_id)}/merge?with={into}"
            content = {"wanted": "merge", "to": "", "reason": reason, "again": again}
            return await self._work.of_case(request, caller, changed.case, "conflict.html", 412, **content)
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            told = {"refused": words.sentence(str(problem)), "reason": reason, "merging": case_id, "beside": True}
            one, other = (case_id, into) if given.get("first") != into else (into, case_id)
            return await self._both(request, caller, one, other, problem.status, **told)
        return to(path_of(into), told="merge")
