"""Cases over HTTP: lists, one, the next one, counts. No logic of its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import (
    Case,
    CaseChanges,
    CaseId,
    CasePage,
    Cursor,
    Find,
    Kind,
    Limit,
    Next,
    Nothing,
    Severity,
    State,
    Task,
    Tenant,
    Waiting,
)
from services.triage.api.cases import Cases
from services.triage.api.deed_routes import Calls, tagged


def case_routes(cases: Cases, caller: Calls, reader: Callable[..., Any], looker: Callable[..., Any]) -> APIRouter:
    """Return the routes; `caller` gives who calls, or raises `Problem`.

    `reader`, `looker`: dependencies that give who reads, a person or a machine with the scope; `looker`: of what a page
    asks by itself.
    """
    router = APIRouter(prefix="/cases", tags=["cases"])
    Who = Annotated[Caller, Security(reader, scopes=[Scope.CASES])]  # noqa: N806 — a type
    Follows = Annotated[Caller, Security(reader, scopes=[Scope.CHANGES])]  # noqa: N806 — a type

    @router.get("")
    async def listed(
        who: Who,
        state: State = "running",
        mine: bool = False,
        proposed: bool = False,
        tenant: Tenant = "",
        kind: Kind | None = None,
        task: Task | None = None,
        severity: Severity | None = None,
        find: Find = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> CasePage:
        """Return the cases that are there for you: grave ones first, then overdue ones, then the oldest.

        `proposed`: those of which something waits for a second person. `find`: those that a text stands for, as it is
        written; with `state=all` closed ones, too. Of a part its whole is found.
        """
        return await cases.page(
            who,
            state,
            mine=mine,
            limit=limit,
            cursor=cursor,
            proposed=proposed,
            find=find,
            tenant=tenant,
            kind=kind,
            task=task,
            severity=severity,
        )

    @router.get("/changes")
    async def changes(who: Follows, limit: Limit = 100, cursor: Cursor = "") -> CaseChanges:
        """Return cases that are there for you, as they are now, in the order in which they changed last; parts, too.

        `cursor`: where the last answer ended (`next`); without, from the first case on. Who goes on from each answer
        misses no change: a case that changes again comes again, and one of a transaction that still runs comes later.
        Cases that were deleted by age do not come.
        """
        return await cases.changes(who, limit=limit, cursor=cursor)

    @router.get("/waiting")
    async def waiting(
        who: Annotated[Caller, Security(looker, scopes=[Scope.CASES])],
        since: Annotated[datetime, Query(description="RFC 3339, with an offset.")],
    ) -> Waiting:
        """Return how much there is to do. It reads no case, and does not count as use of the session."""
        if since.tzinfo is None:
            raise Problem(422, "malformed", "since: must say its offset from UTC, such as Z")
        try:
            return await cases.waiting(who, since.astimezone(UTC))
        except OverflowError:
            raise Problem(422, "malformed", "since: lies outside of the years 1 to 9999 in UTC") from None

    @router.post("/next")
    async def given(who: Annotated[Caller, Depends(caller)], _: Nothing, response: Response) -> Next:
        """Take the next case, which nobody else gets."""
        found = await cases.next(who)
        if found.case:
            tagged(found.case, response)
        return found

    @router.get("/{case_id}", responses={307: {"description": "It is a part: `Location` is the whole."}})
    async def one(who: Who, case_id: CaseId, response: Response, itself: bool = False) -> Case:
        """Return a case whole; its version is the `ETag`. A part leads to its whole, unless it is wanted `itself`."""
        found = await cases.one(who, case_id, itself=itself)
        if found.case_id != case_id:
            response.status_code, response.headers["Location"] = 307, quote(found.case_id)
        return tagged(found, response)

    return router
