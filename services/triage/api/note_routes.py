"""Notes on cases over HTTP; no logic here."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Case, CaseId, Noted
from services.triage.api.cases import Cases
from services.triage.api.deed_routes import KEY, Calls, tagged

_HEADER: Final = Header(description="Of your own: what is sent again under it is noted once.")


def note_routes(cases: Cases, caller: Calls) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/cases", tags=["cases"])

    @router.post("/{case_id}/notes")
    async def note(
        who: Annotated[Caller, Depends(caller)],
        case_id: CaseId,
        what: Noted,
        response: Response,
        idempotency_key: Annotated[str | None, _HEADER] = None,
    ) -> Case:
        """Add a note to a case, sealed; what looks as if it said who somebody is is refused, with where it is."""
        await cases.note(who, case_id, what.text, key_of(idempotency_key) if idempotency_key else None)
        return tagged(await cases.one(who, case_id), response)

    return router


def key_of(text: str) -> str:
    """Return what was sent as a key. Raises `Problem`."""
    if not KEY.fullmatch(text):
        raise Problem(422, "malformed", "a key is a text of 1 to 128 printed characters", {"field": "key"})
    return text
