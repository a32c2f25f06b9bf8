"""The ways out that concern the provider: it says that somebody has left, or somebody leaves it from here."""

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.console.pages.forms import form
from services.console.pages.frame import to
from services.console.who import Callers

if TYPE_CHECKING:
    from services.console.sign_on import SignOn

_NO_STORE: Final = {"Cache-Control": "no-store"}
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST: Final = 16_384


def leaving_pages(callers: Callers, sign_on: "SignOn", origin: str) -> APIRouter:
    """Return the routes; `origin`: of this console, to which the provider sends people back."""
    router = APIRouter(include_in_schema=False)

    @router.post("/sign-out/back-channel")
    async def signed_off(request: Request) -> Response:
        # no browser sends it, so neither its origin nor a cookie is looked at: the token says everything
        callers.require()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        token = (await form(request)).get("logout_token", "") if kind == _FORM else ""
        if not token or len(token) > _LONGEST or not await sign_on.signed_off(token):
            said = {"error": "invalid_request", "error_description": "this is no logout token for this console"}
            return JSONResponse(said, 400, _NO_STORE)
        return Response(status_code=200, headers=_NO_STORE)

    @router.get("/sign-out/provider")
    async def leave() -> Response:
        address = await sign_on.way_out(f"{origin}/sign-in")
        return RedirectResponse(address, 303) if address else to("/sign-in")

    return router
