"""What of the API is the console's own: sessions, and whether the watch itself is well. No logic of its own."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from proofwatch.access.roles import Act
from proofwatch.access.scopes import Scope
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.once import Once
from services.console.watched import Watched
from services.console.who import Callers
from services.triage.api.cases import Cases


class SignIn(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[SecretStr, Field(max_length=4096)]
    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class Nothing(BaseModel):
    """No more than that it is to be done."""

    model_config = ConfigDict(extra="forbid")


class Process(BaseModel):
    """A process as it says of itself. `ready` null: nobody knows. `reasons`: for who reads the platform's health."""

    name: str
    ready: bool | None
    reasons: list[str]
    since: Annotated[datetime | None, Field(description="When this console first found it so.")]
    asked_at: Annotated[datetime | None, Field(description="When this console asked it last.")]


class Health(BaseModel):
    """Whether the processes that this console was told to watch do their work."""

    processes: list[Process]
    read_until: Annotated[datetime | None, Field(description="Up to when triage has read what it makes cases of.")]


def session_routes(callers: Callers) -> APIRouter:
    """Return the routes by which people come and go."""
    router = APIRouter(prefix="/session", tags=["session"])

    @router.post("", status_code=204)
    async def sign_in(given: SignIn) -> Response:
        """Begin a session; the answer brings a cookie that no script reads."""
        response = Response(status_code=204)
        await callers.sign_in(response, given.name, given.password.get_secret_value(), given.code)
        return response

    @router.post("/end", status_code=204)
    async def sign_out(request: Request, _: Nothing) -> Response:
        """End the session."""
        response = Response(status_code=204)
        await callers.sign_out(request, response)
        return response

    return router


def once_route(once: Once, callers: Callers) -> APIRouter:
    """Return the route of a link that signs in who opens it first."""
    router = APIRouter(include_in_schema=False)

    @router.get("/once/{secret}")
    async def come(secret: str) -> Response:
        token = once.taken(secret)
        if token is None:
            raise Problem(404, "no_such_page", "the link was used already, or never was one: start the run anew")
        response = RedirectResponse("/", 303)
        callers.signed_in(response, token)
        return response

    return router


def health_routes(watched: Watched, cases: Cases, callers: Callers) -> APIRouter:
    """Return the route of what `Watched` found, and of how far triage is."""
    router = APIRouter(tags=["health"])

    @router.get("/health")
    async def health(who: Annotated[Caller, Security(callers.looking, scopes=[Scope.HEALTH])]) -> Health:
        """Return whether the processes do their work; why not, to who may read it."""
        return health_of(watched, who, await cases.read_until(who))

    return router


def health_of(watched: Watched, who: Caller, read_until: datetime | None) -> Health:
    """Return what somebody may know of the processes: reasons name hosts and partitions, which is not for everybody."""
    whole = who.session.may(Act.READ_HEALTH)
    processes = [
        Process(name=n, ready=r.ready, reasons=[*r.reasons] if whole else [], since=r.since, asked_at=r.asked_at)
        for n, r in watched.found.items()
    ]
    return Health(processes=processes, read_until=read_until)
