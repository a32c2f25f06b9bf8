"""What people find cases to be, and agree to, over HTTP; each on what was seen of the case. No logic of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from proofwatch.web.sessions import Caller
from services.triage.api.bodies import CaseId, Done, Found, Given, Nothing
from services.triage.api.cases import Cases
from services.triage.api.deed_routes import Calls, IfMatch, done


def judgement_routes(cases: Cases, caller: Calls) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/cases", tags=["cases"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type

    @router.post("/{case_id}/clear")
    async def clear(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Say that a case is no threat; where four eyes are asked for, a checker has to agree."""
        return await done(cases, who, "clear", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/threat")
    async def threat(who: Who, case_id: CaseId, what: Found, response: Response, if_match: IfMatch = None) -> Done:
        """Say that a case is a threat, and of which kind; likewise."""
        return await done(cases, who, "threat", case_id, if_match, response, **what.model_dump())

    @router.post("/{case_id}/approve")
    async def approve(who: Who, case_id: CaseId, _: Nothing, response: Response, if_match: IfMatch = None) -> Done:
        """Agree to what an analyst proposed, as a checker."""
        return await done(cases, who, "approve", case_id, if_match, response)

    @router.post("/{case_id}/reject")
    async def reject(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Send back what an analyst proposed, as a checker."""
        return await done(cases, who, "reject", case_id, if_match, response, reason=why.reason)

    return router
