"""What the broker answers over HTTP: sessions, leases, single views. No logic of its own.

A view is a POST: GET, HEAD and prefetching consume nothing and show nothing, and a Range is not looked at. A request
that changes anything must come from the page's own origin (`Origin`), as JSON; the session is a cookie that no script
reads and no other site sends.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from proofwatch.bus.errors import DatabaseAway
from proofwatch.governance.purposes import Purpose
from services.imagery.handlers.broker import Asked, Broker, Denied, NotSignedIn, Unavailable
from services.imagery.ports import Sessions, SignInRefused, Undelivered

COOKIE: Final = "__Host-proofwatch"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SignIn(_Body):
    """Who signs in."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    password: SecretStr
    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class Code(_Body):
    """A one-time code."""

    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class Wanted(_Body):
    """The imagery that is asked for, and why."""

    model_config = ConfigDict(extra="forbid", strict=False)
    tenant: Annotated[str, Field(max_length=63)]
    case_id: Annotated[str, Field(max_length=128)]
    transaction_id: Annotated[str, Field(max_length=256)]
    purpose: Purpose = Purpose.PROVIDE_FEATURES
    reason: Annotated[str, Field(max_length=500)]


class Look(_Body):
    """How: blurred, or after a second deliberate key sharp."""

    sharp: bool = False


class CrossSite(Exception):
    """The request does not come from the page's own origin."""


def application(broker: Broker, sessions: Sessions, origin: str) -> FastAPI:
    """Return the application; `origin` is the page's own, such as https://imagery.example."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def same_origin(request: Request) -> None:
        """Refuse what another page sends, and what a plain form could."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.headers.get("origin") != origin or kind != "application/json":
            raise CrossSite
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise CrossSite

    mine = [Depends(same_origin)]
    app.include_router(_sessions(sessions), prefix="/api", dependencies=mine)
    app.include_router(_imagery(broker, sessions), prefix="/api", dependencies=mine)
    _errors(app)
    return app


def _sessions(sessions: Sessions) -> APIRouter:
    router = APIRouter()

    @router.post("/session", status_code=204)
    async def sign_in(given: SignIn) -> Response:
        token = await sessions.sign_in(given.name, given.password.get_secret_value(), given.code)
        response = Response(status_code=204)
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")
        return response

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


def _imagery(broker: Broker, sessions: Sessions) -> APIRouter:
    router = APIRouter(prefix="/imagery")

    async def session(request: Request) -> str:
        """Return the session of the cookie. Raises `NotSignedIn`."""
        found = await sessions.session_id(request.cookies.get(COOKIE, ""))
        if found is None:
            raise NotSignedIn
        return found

    @router.post("/leases", status_code=201)
    async def lease(wanted: Wanted, session_id: Annotated[str, Depends(session)]) -> dict[str, Any]:
        asked = Asked(wanted.tenant, wanted.case_id, wanted.transaction_id, wanted.purpose, wanted.reason)
        found = await broker.lease(session_id, asked)
        return {"lease_id": found.lease_id, "views": found.views_left, "expires_at": found.expires_at.isoformat()}

    @router.post("/leases/{lease_id}/views")
    async def view(lease_id: str, look: Look, session_id: Annotated[str, Depends(session)]) -> Response:
        showing = await broker.show(session_id, lease_id[:128], sharp=look.sharp)
        return StreamingResponse(showing.chunks, media_type=showing.media_type, headers=_HEADERS)

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


def _errors(app: FastAPI) -> None:
    def refusal(status: int, code: str, sentence: str) -> JSONResponse:
        return JSONResponse({"code": code, "message": sentence}, status, headers=_HEADERS)

    async def refused(_: Request, error: Exception) -> Response:
        status, code, sentence = next(_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS)
        return refusal(status, code or getattr(error, "code", ""), sentence or str(error))

    for kind in _REFUSALS:
        app.add_exception_handler(kind, refused)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        # what was sent may be a password: only where it is wrong is told
        where = "; ".join(".".join(str(part) for part in each["loc"]) + ": " + each["msg"] for each in error.errors())
        return refusal(422, "malformed", where)
