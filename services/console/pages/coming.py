"""Pages of coming and going, and whether keys are on, which the browser keeps."""

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.sessions import SignInRefused
from services.console.pages import words
from services.console.pages.forms import form, here
from services.console.pages.frame import KEYS, Frame, to
from services.console.who import BROWSER, COOKIE, Callers

if TYPE_CHECKING:
    from services.console.sign_on import SignOn

_YEAR_S: Final = 31_536_000
_FLOW_S: Final = 600


def coming_pages(frame: Frame, callers: Callers, origin: str, sign_on: "SignOn | None" = None) -> APIRouter:
    """Return the routes; what is sent by POST leads by GET to where one then is. `sign_on`: with a provider."""
    router = APIRouter(include_in_schema=False)
    ours = [Depends(of_own_origin(origin, FORM))]
    ways = {"local": callers.local, "provider": sign_on is not None, "out": False}

    @router.get("/sign-in")
    async def asked(request: Request, next: str = "", out: bool = False) -> Response:  # noqa: A002 — as addresses have it
        offered = {**ways, "out": out and sign_on is not None}
        return frame.page(request, None, "sign-in.html", next=here(next), name="", **offered)

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
            content |= ways
            return frame.page(request, None, "sign-in.html", 401, **content)
        return response

    @router.post("/sign-out", dependencies=ours)
    async def sign_out(request: Request) -> Response:
        caller = await callers.sessions.caller(request.cookies.get(COOKIE, ""), used=False)
        ours = sign_on is not None and caller is not None and await sign_on.is_ours(caller.session.session_id)
        response = to("/sign-in", out="true") if ours else to("/sign-in")
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

    if sign_on is not None:
        _provider_routes(router, frame, callers, sign_on)
    return router


def leaving(address: str, browser: str) -> Response:
    """Return what leads to the provider; `browser`: a secret by which it is known who comes back."""
    response = RedirectResponse(address, 303)
    # lax: the way back comes from another site
    response.set_cookie(BROWSER, browser, _FLOW_S, secure=True, httponly=True, samesite="lax", path="/")
    return response


def _provider_routes(router: APIRouter, frame: Frame, callers: Callers, sign_on: "SignOn") -> None:
    """Add the way to the provider, and the way back from it."""

    @router.get("/sign-in/provider")
    async def go(next: str = "") -> Response:  # noqa: A002 — as the address has it
        callers.require()
        return leaving(*await sign_on.begin(here(next)))

    @router.get("/sign-in/again")
    async def again(request: Request, next: str = "") -> Response:  # noqa: A002 — as the address has it
        caller = await callers.caller(request)
        return leaving(*await sign_on.begin(here(next), caller.session))

    @router.get("/sign-in/returned")
    async def returned(request: Request) -> Response:
        callers.require()
        try:
            come = await sign_on.finish(request.query_params, request.cookies.get(BROWSER, ""))
        except SignInRefused as error:
            content = {"next": "/queue", "name": "", "refused": words.sentence(str(error)), "beside": True}
            content |= {"local": callers.local, "provider": True, "out": False}
            response = frame.page(request, None, "sign-in.html", 401, **content)
        else:
            # a page, not a redirect: what another site led to is sent no cookie of ours
            response = frame.page(request, None, "come.html", wanted=come.wanted)
            if come.token is not None:
                callers.signed_in(response, come.token)
        response.delete_cookie(BROWSER, secure=True, httponly=True, samesite="lax", path="/")
        return response
