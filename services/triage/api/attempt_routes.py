"""Attempts beside a case over HTTP. No logic of its own."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Attempts, CaseId, Cursor, Limit
from services.triage.api.cases import Cases


def attempt_routes(cases: Cases, reader: Callable[..., Any]) -> APIRouter:
    """Return the route; `reader`: gives who reads, a person or a machine with the scope."""
    router = APIRouter(prefix="/cases", tags=["cases"])

    @router.get("/{case_id}/attempts")
    async def attempts(
        who: Annotated[Caller, Security(reader, scopes=[Scope.CASES])],
        case_id: CaseId,
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Attempts:
        """Return what the people of a case and their handsets tried, the newest first; of a part, its own.

        Of a cluster also attempts that have in common what it is made by. It is a listing, which decides nothing.
        """
        return await cases.attempts(who, case_id, limit=limit, cursor=cursor)

    return router
