"""News of cases over HTTP, as they come. No logic of its own."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Cursor
from services.triage.api.stream import TYPE, Stream

_EXAMPLE: Final = (
    'id: WzgyMSwiYzEiXQ\nevent: case\ndata: {"case_id":"c1","version":"2.5","tenant":"acme","queue":"soc",'
    '"state":"open","stage":"assigned","part_of":null,"opened_at":"2026-01-01T00:00:00Z"}\n\n'
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events until somebody ends it: `case`, a case as it is now; `end`, with a `code` that says why "
        "(not_signed_in, too_slow, stopping, unavailable) and `detail`, the same in a sentence. Comments between.",
        "content": {TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


def stream_routes(stream: Stream, looker: Callable[..., Any]) -> APIRouter:
    """Return the route; `looker` gives who calls without that being use of the session, or raises `Problem`."""
    router = APIRouter(tags=["cases"])

    @router.get("/stream", response_class=Response, responses=_ANSWERS)
    async def streamed(
        who: Annotated[Caller, Security(looker, scopes=[Scope.CASES])],
        cursor: Cursor = "",
        last_event_id: Annotated[str, Header(max_length=512, description="The `id` of the last event.")] = "",
    ) -> Response:
        """Tell what changes of the cases that are there for you, as it does: ids, versions and how they stand.

        From `Last-Event-ID` on, else from `cursor` (`next` of /v1/cases/changes), else from now on; who goes on from
        the last id misses nothing. It is no use of the session, and ends with it. It says of nobody whom a case is
        about. At most four at a time for a session.
        """
        return await stream.opened(who, last_event_id or cursor)

    return router
