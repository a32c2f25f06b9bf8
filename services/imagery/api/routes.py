"""What the broker answers over HTTP: sessions, leases, single views. No logic of its own.

A view is a POST: GET, HEAD and prefetching consume nothing and show nothing, and a Range is not looked at. A request
that changes anything must come from the page's own origin (`Origin`), as JSON; the session is a cookie that no script
reads and no other site sends.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from proofwatch.bus.errors import DatabaseAway
from proofwatch.web.guard import Guard
from proofwatch.web.hosts import LOOPBACK, Hosts, names_of
from proofwatch.web.malformed import sentence_of
from proofwatch.web.origin import JSON, CrossSite, of_own_origin
from proofwatch.web.sessions import PeopleSessions, SignInRefused
from services.imagery.api.bodies import Code, Entered, Id, Look, SignIn, Wanted
from services.imagery.api.entrance import Entrance
from services.imagery.api.glass_routes import glass_routes
from services.imagery.api.picture_response import PictureResponse
from services.imagery.api.viewer_page import viewer_page
from services.imagery.handlers.broker import Broker
from services.imagery.handlers.glass import BreakGlass
from services.imagery.handlers.refusals import Denied, NotSignedIn, Unavailable
from services.imagery.ports import Undelivered

COOKIE: Final = "__Host-proofwatch"


def application(
    broker: Broker, glass: BreakGlass, sessions: PeopleSessions, origin: str, entrance: Entrance | None = None
) -> FastAPI:
    """Return the application; `origin` is the page's own, such as https://imagery.example.

    `entrance`: by which people of the house's provider come; None: they do not.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def session(request: Request) -> str:
        """Return the session of the cookie. Raises `NotSignedIn`."""
        found = await sessions.session_id(request.cookies.get(COOKIE, ""))
        if found is None:
            raise NotSignedIn
        return found

    mine = [Depends(of_own_origin(origin, JSON))]
    app.include_router(viewer_page(entrance.console_origin if entrance else None))
    app.include_router(_sessions(sessions), prefix="/api", dependencies=mine)
    if entrance is not None:
        app.include_router(_entering(entrance), prefix="/api", dependencies=mine)
    app.include_router(_imagery(broker, session), prefix="/api", dependencies=mine)
    app.include_router(glass_routes(glass, session), prefix="/api", dependencies=mine)
    _errors(app)
    app.add_middleware(Hosts, names=names_of(origin) | LOOPBACK, refuse=_refusal)
    app.add_middleware(Guard, refuse=_refusal, failed="the broker failed, and nothing was opened: tell the operator")
    return app


def _sessions(sessions: PeopleSessions) -> APIRouter:
    router = APIRouter()

    @router.post("/session", status_code=204)
    async def sign_in(given: SignIn) -> Response:
        token = await sessions.sign_in(given.name, given.password.get_secret_value(), given.code)
        return _signed_in(token)

    @router.post("/session/confirm", status_code=204)
    async def confirm(request: Request, given: Code) -> Response:
        await sessions.confirm(request.cookies.get(COOKIE, ""), given.code)
        return Response(status_code=204)

    @router.post("/session/end", status_code=204)
    async def sign_out(request: Request) -> Response:
        await sessions.sign_out(request.cookies.get(COOKIE, ""))
        response = Response(status_code=204, headers={"Clear-Site-Data": '"cache", "storage"'})
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
        return response

    return router


def _entering(entrance: Entrance) -> APIRouter:
    router = APIRouter()

    @router.post("/session/entered", status_code=204)
    async def entered(given: Entered) -> Response:
        return _signed_in(await entrance.entered(given.ticket, given.verifier))

    return router


def _signed_in(token: str) -> Response:
    response = Response(status_code=204)
    response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")
    return response


def _imagery(broker: Broker, session: Callable[[Request], Awaitable[str]]) -> APIRouter:
    router = APIRouter(prefix="/imagery")

    @router.post("/leases", status_code=201)
    async def lease(wanted: Wanted, session_id: Annotated[str, Depends(session)]) -> dict[str, Any]:
        found = await broker.lease(session_id, wanted.asked())
        seconds = (found.expires_at - found.granted_at).total_seconds()
        return {
            "lease_id": found.lease_id,
            "views": found.views_left,
            "expires_at": found.expires_at.isoformat(),
            "seconds": seconds,
        }

    @router.post("/leases/{lease_id}/views")
    async def view(lease_id: Id, look: Look, session_id: Annotated[str, Depends(session)]) -> Response:
        showing = await broker.show(session_id, lease_id, sharp=look.sharp)
        return PictureResponse(showing)

    return router


_REFUSALS: Final[Mapping[type[Exception], tuple[int, str, str]]] = {
    Denied: (403, "", ""),
    CrossSite: (403, "cross_site", "the request does not come from this page, or is not JSON"),
    NotSignedIn: (401, "not_signed_in", "sign in first"),
    SignInRefused: (401, "sign_in_refused", ""),
    Unavailable: (503, "unavailable", ""),
    DatabaseAway: (503, "unavailable", "the database does not answer: nothing is opened"),
    Undelivered: (502, "", ""),
}
"""Status, code and sentence of each error; empty: the error's own."""


def _refusal(status: int, code: str, sentence: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": sentence}, status)


def _errors(app: FastAPI) -> None:
    async def refused(_: Request, error: Exception) -> Response:
        status, code, sentence = next(_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS)
        return _refusal(status, code or getattr(error, "code", ""), sentence or str(error))

    for kind in _REFUSALS:
        app.add_exception_handler(kind, refused)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        return _refusal(422, "malformed", sentence_of(error.errors()))
