"""How far people are with cases, whether these rest, and that closed ones are opened anew, over HTTP; no logic here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from proofwatch.web.sessions import Caller
from services.triage.api.bodies import CaseId, Done, Given, Nothing, Resting
from services.triage.api.cases import Cases
from services.triage.api.deed_routes import Calls, IfMatch, done


def life_routes(cases: Cases, caller: Calls) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/cases", tags=["cases"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type

    @router.post("/{case_id}/review")
    async def review(who: Who, case_id: CaseId, _: Nothing, response: Response, if_match: IfMatch = None) -> Done:
        """Begin to look into a case that is yours."""
        return await done(cases, who, "review", case_id, if_match, response)

    @router.post("/{case_id}/know")
    async def know(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Say that an escalated threat is a known one."""
        return await done(cases, who, "know", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/novel")
    async def novel(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Say that an escalated threat is a new one."""
        return await done(cases, who, "novel", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/high-risk")
    async def high_risk(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Say that a novel threat is of high risk."""
        return await done(cases, who, "high_risk", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/snooze")
    async def snooze(who: Who, case_id: CaseId, rest: Resting, response: Response, if_match: IfMatch = None) -> Done:
        """Let a case rest until a time within 30 days; what happens to it before that wakes it."""
        return await done(cases, who, "snooze", case_id, if_match, response, reason=rest.reason, until=rest.until)

    @router.post("/{case_id}/wake")
    async def wake(who: Who, case_id: CaseId, _: Nothing, response: Response, if_match: IfMatch = None) -> Done:
        """Let a case rest no more."""
        return await done(cases, who, "wake", case_id, if_match, response)

    @router.post("/{case_id}/reopen")
    async def reopen(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Open a closed case anew."""
        return await done(cases, who, "reopen", case_id, if_match, response, reason=why.reason)

    return router
