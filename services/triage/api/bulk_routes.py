"""A deed on many cases over HTTP; no logic here."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.api.bulk import BulkDeeds
from services.triage.api.bulk_bodies import Bulk, BulkDone
from services.triage.api.deed_routes import KEY, Calls

_HEADER: Final = Header(description="Of your own; what was done under it is told again, and not done again.")


def bulk_routes(bulk: BulkDeeds, caller: Calls) -> APIRouter:
    """Return the route; it stands before those of one case."""
    router = APIRouter(prefix="/cases", tags=["cases"])

    @router.post("/bulk")
    async def do(
        who: Annotated[Caller, Depends(caller)],
        asked: Bulk,
        idempotency_key: Annotated[str | None, _HEADER] = None,
    ) -> BulkDone:
        """Do a deed to up to 500 cases, each as it was seen; each has a result, and none hinders another."""
        if idempotency_key is None or not KEY.fullmatch(idempotency_key):
            said = "say as Idempotency-Key a text of 1 to 128 printed characters that is new for each deed"
            raise Problem(422, "idempotency_key_missing", said)
        return await bulk.do(who, idempotency_key, asked)

    return router
