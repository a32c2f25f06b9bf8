"""Pages of coming and going, and whether keys are on, which the browser keeps."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.sessions import SignInRefused
from services.console.pages import words
from services.console.pages.forms import form, here
from services.console.pages.frame import KEYS, Frame, to
from services.console.who import Callers

_YEAR_S: Final = 31_536_000


def coming_pages(frame: Frame, callers: Callers, origin: str) -> APIRouter:
    """Return the routes; what is sent by POST leads by GET to where one then is."""
    router = APIRouter(include_in_schema=False)
    ours = [Depends(of_own_origin(origin, FORM))]

    @router.get("/sign-in")
    async def asked(request: Request, next: str = "") -> Response:  # noqa: A002 — as the address has it
        return frame.page(request, None, "sign-in.html", next=here(next), name="")

    @router.post("/sign-in", dependencies=ours)
    async def sign_in(request: Request) -> Response:
        given = await form(request)
        wanted, name = here(given.get("next", "")), given.get("name", "")[:256]
        response = to(wanted)
        try:
            code = given.get("code", "").replace(" ", "")
            await callers.sign_in(response, name, given.get("password", "")[:4096], code[:16])
        except SignInRefused as error:
            content = {"next": wanted, "name": name, "refused": words.sentence(str(error)), "beside": True}
            return frame.page(request, None, "sign-in.html", 401, **content)
        return response

    @router.post("/sign-out", dependencies=ours)
    async def sign_out(request: Request) -> Response:
        response = to("/sign-in")
        await callers.sign_out(request, response)
        return response

    @router.post("/keys", dependencies=ours)
    async def switch(request: Request) -> Response:
        given = await form(request)
        response = to(here(given.get("back", "")))
        kept = "off" if given.get("keys") == "off" else "on"
        response.set_cookie(KEYS, kept, _YEAR_S, secure=True, httponly=True, samesite="strict", path="/")
        return response

    @router.get("/sign-out")
    @router.get("/keys")
    async def returned() -> Response:
        return to("/")

    return router
