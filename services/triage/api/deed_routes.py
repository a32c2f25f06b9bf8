"""Deeds of work on cases over HTTP, each on what was seen of the case. No logic of its own."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Assigned, Case, CaseId, Deed, Done, Given, Merged, Nothing
from services.triage.api.cases import Cases
from services.triage.api.refusals import etag

_TAG: Final = re.compile(r'"([\x21\x23-\x7e]{1,64})"')
_IF_MATCH: Final = Header(description="The `ETag` of the case as it was seen; another one is answered with 412.")
KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
"""What is sent as `Idempotency-Key`."""
IfMatch = Annotated[str | None, _IF_MATCH]
Calls = Callable[[Request], Awaitable[Caller]]
"""Gives who calls, or raises `Problem`."""


def deed_routes(cases: Cases, caller: Calls) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/cases", tags=["cases"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type

    @router.post("/{case_id}/take")
    async def take(who: Who, case_id: CaseId, _: Nothing, response: Response, if_match: IfMatch = None) -> Done:
        """Work on a case that nobody works on."""
        return await done(cases, who, "take", case_id, if_match, response)

    @router.post("/{case_id}/assign")
    async def assign(who: Who, case_id: CaseId, to: Assigned, response: Response, if_match: IfMatch = None) -> Done:
        """Give a case to somebody, as a checker."""
        return await done(cases, who, "assign", case_id, if_match, response, to=to.to)

    @router.post("/{case_id}/release")
    async def release(who: Who, case_id: CaseId, _: Nothing, response: Response, if_match: IfMatch = None) -> Done:
        """Work on a case no more."""
        return await done(cases, who, "release", case_id, if_match, response)

    @router.post("/{case_id}/refer")
    async def refer(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Hand a case on to the Research Group: it is novel, or grave."""
        return await done(cases, who, "refer", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/merge")
    async def merge(who: Who, case_id: CaseId, what: Merged, response: Response, if_match: IfMatch = None) -> Done:
        """Make a case a part of another, which goes on for both; the answer has that one."""
        given = {"reason": what.reason, "into": what.into, "into_seen": what.into_version}
        return await done(cases, who, "merge", case_id, if_match, response, **given)

    @router.post("/{case_id}/unmerge")
    async def unmerge(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Take a case out of the one that it is a part of; `If-Match`: of the part itself."""
        return await done(cases, who, "unmerge", case_id, if_match, response, reason=why.reason)

    @router.post("/{case_id}/close")
    async def close(who: Who, case_id: CaseId, why: Given, response: Response, if_match: IfMatch = None) -> Done:
        """Close a case."""
        return await done(cases, who, "close", case_id, if_match, response, reason=why.reason)

    return router


async def done(
    cases: Cases, who: Caller, deed: Deed, case_id: str, seen: str | None, response: Response, **given: Any
) -> Done:
    """Do a deed on what was seen; return what became of the case."""
    changed = await cases.do(who, deed, case_id, _seen(seen), **given)
    return Done(changed=changed, case=tagged(await cases.one(who, case_id), response))


def tagged(case: Case, response: Response) -> Case:
    """Return a case, with its version as the answer's `ETag`."""
    response.headers["ETag"] = etag(case.version)
    return case


def _seen(if_match: str | None) -> str:
    if if_match is None:
        raise Problem(428, "if_match_missing", "say as If-Match which version you saw: the ETag of the case")
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Problem(422, "malformed", "If-Match: must be one ETag of the case, in quotation marks")
    return found[1]
