"""The way from the broker's page to the provider and back, for people who have no password of this house."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from services.console.pages.coming import leaving
from services.console.pages.frame import Frame
from services.console.who import COOKIE, Callers

if TYPE_CHECKING:
    from services.console.sign_on import SignOn

_JUST_NOW: Final = timedelta(minutes=2)
"""Who confirmed so lately comes back from doing so; everybody else is asked to."""


def entering_pages(frame: Frame, callers: Callers, sign_on: "SignOn", imagery_origin: str) -> APIRouter:
    """Return the route to which the broker's page sends people; `imagery_origin`: where they go back to."""
    router = APIRouter(include_in_schema=False)

    @router.get("/imagery/enter")
    async def enter(
        request: Request, challenge: Annotated[str, Query(pattern="^[A-Za-z0-9_-]{43}$")], here: bool = False
    ) -> Response:
        own = f"{request.url.path}?{urlencode({'challenge': challenge, 'here': 'true'})}"
        if not here and COOKIE not in request.cookies:
            # a page, not a redirect: what another site led to is sent no cookie of ours
            return frame.page(request, None, "come.html", wanted=own)
        caller = await callers.caller(request)
        now = frame.now()
        if not caller.session.has_confirmed(now, _JUST_NOW):
            return leaving(*await sign_on.begin(own, caller.session))
        ticket = await sign_on.handover.give(caller.session.session_id, challenge, now)
        return RedirectResponse(f"{imagery_origin}/#{urlencode({'ticket': ticket})}", 303)

    return router
