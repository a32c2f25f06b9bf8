"""Breaking the glass over HTTP: ask, agree, stop. No logic of its own."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.imagery.api.bodies import Body, Id, Reason, Wanted
from services.imagery.core.glass import Glass
from services.imagery.handlers.glass import BreakGlass


class Agreed(Body):
    """Why a second person agrees."""

    reason: Reason


def glass_routes(glass: BreakGlass, session: Callable[[Request], Awaitable[str]]) -> APIRouter:
    """Return the routes; `session` gives the session of a request, or raises `NotSignedIn`."""
    router = APIRouter(prefix="/imagery/glass")

    @router.post("", status_code=201)
    async def ask(wanted: Wanted, session_id: Annotated[str, Depends(session)]) -> dict[str, Any]:
        return _told(await glass.ask(session_id, wanted.asked()))

    @router.post("/{glass_id}/agree")
    async def agree(glass_id: Id, given: Agreed, session_id: Annotated[str, Depends(session)]) -> dict[str, Any]:
        return _told(await glass.agree(session_id, glass_id, given.reason))

    @router.post("/{glass_id}/end", status_code=204)
    async def stop(glass_id: Id, session_id: Annotated[str, Depends(session)]) -> Response:
        await glass.stop(session_id, glass_id)
        return Response(status_code=204)

    return router


def _told(glass: Glass) -> dict[str, Any]:
    return {"glass_id": glass.glass_id, "uses": glass.uses_left, "expires_at": glass.expires_at.isoformat()}
