"""The application: each service's API below /v1, the pages beside it, one form for what goes wrong."""

from typing import TYPE_CHECKING, Final, NamedTuple

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proofwatch.bus.errors import DatabaseAway
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.clock import Clock
from proofwatch.web.guard import Guard
from proofwatch.web.hosts import Hosts, names_of
from proofwatch.web.malformed import sentence_of
from proofwatch.web.origin import JSON, CrossSite, of_own_origin
from proofwatch.web.problems import RESPONSES, Problem, refusal
from proofwatch.web.sessions import Machines, PeopleSessions, SignInRefused
from services.aggregator.api.anomalies import ToldAnomalies
from services.aggregator.api.asking import Source
from services.aggregator.api.figures import Figures
from services.aggregator.api.routes import figure_routes
from services.aggregator.api.windows import ClosedWindows
from services.auditor.api.log import AuditLog
from services.auditor.api.routes import audit_routes
from services.console.api import health_routes, once_route, session_routes
from services.console.config import Settings
from services.console.once import Once
from services.console.pages.site import Pages
from services.console.restored import ErasuresKnown
from services.console.watched import Watched
from services.console.who import Callers
from services.governance.api.policies import GovernedPolicies
from services.governance.api.routes import policy_routes
from services.triage.api.attempt_routes import attempt_routes
from services.triage.api.bulk import BulkDeeds
from services.triage.api.bulk_routes import bulk_routes
from services.triage.api.cases import Cases
from services.triage.api.deed_routes import deed_routes
from services.triage.api.judgement_routes import judgement_routes
from services.triage.api.life_routes import life_routes
from services.triage.api.lookback_routes import lookback_routes
from services.triage.api.lookbacks import Lookbacks
from services.triage.api.note_routes import note_routes
from services.triage.api.pattern_routes import pattern_routes
from services.triage.api.patterns import Patterns
from services.triage.api.rereview_routes import rereview_routes
from services.triage.api.rereviews import Rereviews
from services.triage.api.routes import case_routes
from services.triage.api.stream import Stream
from services.triage.api.stream_routes import stream_routes
from services.triage.app import desk, lookback_desk, pattern_desk, rereviews

if TYPE_CHECKING:
    import asyncpg

    from services.console.sign_on import SignOn

_FAILED: Final = "the console failed; tell the operator, whose log says where"
_DESCRIPTION: Final = (
    "What the pages of the console ask, for programs that are signed in as a person is; what has a scope can be read "
    "with a token as well. Reading cases is an entry of the audit log. Problems are answered as RFC 9457 has them, "
    "with a `code` that stays."
)


_OF_PATTERN: Final = ("path", "pattern_id")
_OF_LOOKBACK: Final = ("path", "lookback_id")
_LARGER: Final = dict.fromkeys(("/v1/cases/bulk", "/bulk", "/bulk/do"), 131_072)
"""Bytes of what names up to 500 cases, with what was seen of each."""


class Counted(NamedTuple):
    """What is counted of tenants, and what is found in it."""

    figures: Figures
    windows: ClosedWindows
    anomalies: ToldAnomalies


class Inside(NamedTuple):
    """What the application is made of."""

    cases: Cases
    stream: Stream
    bulk: BulkDeeds
    rereviews: Rereviews
    patterns: Patterns
    lookbacks: Lookbacks
    figures: Counted
    log: AuditLog
    policies: GovernedPolicies
    sessions: PeopleSessions
    machines: Machines
    known: ErasuresKnown
    watched: Watched
    clock: Clock
    sign_on: "SignOn | None" = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        pool: "asyncpg.Pool",
        clock: Clock,
        sessions: PeopleSessions,
        machines: Machines,
        known: ErasuresKnown,
        governed: Follower | None,
    ) -> "Inside":
        """Return it with what the settings say; `governed`: what follows the settings of tenants, if they are governed.

        Raises `InvalidPolicy`.
        """
        people = desk(settings, pool)
        cases, bulk = Cases(people, pool, clock), BulkDeeds(people, clock)
        stream = Stream.of(people, pool, clock, known.unready)
        patterns, lookbacks = Patterns(pattern_desk(pool), clock), Lookbacks(lookback_desk(pool), clock)
        source = Source.of(settings, pool, governed, clock)
        figures = Counted(Figures(source), ClosedWindows(source), ToldAnomalies(source))
        again, watched = Rereviews(rereviews(people), clock), Watched(settings.watched(), clock)
        log = AuditLog(pool, clock)
        policies = GovernedPolicies(governed, load_policy(settings.policy_file), clock)
        return cls(
            cases,
            stream,
            bulk,
            again,
            patterns,
            lookbacks,
            figures,
            log,
            policies,
            sessions,
            machines,
            known,
            watched,
            clock,
        )


def application(settings: Settings, inside: Inside, once: Once | None = None) -> FastAPI:
    """Return the application; its OpenAPI document is at /openapi.json, which everybody may read.

    `once`: a link that signs in who opens it first; None, as in every deployment: there is none.
    """
    app = FastAPI(
        title="Proofwatch console", version="1", description=_DESCRIPTION, docs_url=None, redoc_url=None,
        servers=[{"url": "/"}],
    )  # fmt: skip
    callers = Callers(settings, inside.sessions, inside.machines, inside.known)
    own_origin = of_own_origin(settings.console_origin, JSON)

    async def changing(request: Request) -> None:
        if request.method not in ("GET", "HEAD"):
            await own_origin(request)

    v1 = APIRouter(prefix="/v1", dependencies=[Depends(changing)], responses=RESPONSES)
    v1.include_router(session_routes(callers))
    v1.include_router(bulk_routes(inside.bulk, callers.caller))
    v1.include_router(case_routes(inside.cases, callers.caller, callers.reader, callers.looking))
    v1.include_router(attempt_routes(inside.cases, callers.reader))
    v1.include_router(stream_routes(inside.stream, callers.looking))
    v1.include_router(note_routes(inside.cases, callers.caller))
    v1.include_router(deed_routes(inside.cases, callers.caller))
    v1.include_router(judgement_routes(inside.cases, callers.caller))
    v1.include_router(life_routes(inside.cases, callers.caller))
    v1.include_router(rereview_routes(inside.rereviews, callers.caller))
    v1.include_router(figure_routes(*inside.figures, callers.reader))
    v1.include_router(pattern_routes(inside.patterns, callers.caller, callers.reader))
    v1.include_router(lookback_routes(inside.lookbacks, callers.caller, callers.looking))
    v1.include_router(health_routes(inside.watched, inside.cases, callers))
    v1.include_router(audit_routes(inside.log, callers.reader))
    v1.include_router(policy_routes(inside.policies, callers.caller))
    app.include_router(v1)
    pages = Pages(
        settings,
        inside.cases,
        inside.bulk,
        inside.rereviews,
        inside.patterns,
        inside.lookbacks,
        inside.figures.figures,
        inside.figures.anomalies,
        inside.log,
        inside.policies,
        callers,
        inside.watched,
        inside.clock,
        inside.sign_on,
    )
    app.include_router(pages.router())
    if once is not None:
        app.include_router(once_route(once, callers))
    _errors(app, pages)

    def refuse(status: int, code: str, sentence: str) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            found = _answer(pages, Request(scope), Problem(status, code, sentence))
            await found(scope, receive, send)

        return answer

    names = names_of(settings.console_origin, settings.console_hosts)
    app.add_middleware(Hosts, names=names, refuse=refusal)
    app.add_middleware(Guard, refuse=refuse, failed=_FAILED, larger=_LARGER)
    return app


def _errors(app: FastAPI, pages: Pages) -> None:
    async def told(request: Request, error: Exception) -> Response:
        return _answer(pages, request, _problem(error))

    for kind in (Problem, CrossSite, SignInRefused, DatabaseAway, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, told)


def _answer(pages: Pages, request: Request, problem: Problem) -> Response:
    path = request.url.path
    if path.startswith("/v1/") or path == "/openapi.json":
        return problem.response()
    return pages.problem(request, problem)


def _problem(error: Exception) -> Problem:
    """Return what is told of an error: nothing of what was sent, which may be a password."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, CrossSite):
        return Problem(403, "cross_site", "the request does not come from a page of the console, or is of another kind")
    if isinstance(error, SignInRefused):
        return Problem(401, "sign_in_refused", str(error))
    if isinstance(error, DatabaseAway):
        return Problem(503, "unavailable", "the database does not answer; nothing was done")
    if isinstance(error, RequestValidationError) and any(each["loc"][:2] == _OF_LOOKBACK for each in error.errors()):
        return Problem(404, "no_such_lookback", "there is nothing of the kind for you; it is kept for thirty days")
    if isinstance(error, RequestValidationError) and any(each["loc"][:2] == _OF_PATTERN for each in error.errors()):
        return Problem(404, "no_such_pattern", "there is no such pattern")
    if isinstance(error, RequestValidationError) and any(each["loc"][0] == "path" for each in error.errors()):
        named = {"index": "entry", "policy_hash": "policy"}
        what = next((named[each["loc"][-1]] for each in error.errors() if each["loc"][-1] in named), "case")
        code = f"no_such_{what}"
        return Problem(404, code, f"there is no such {what} for you")
    if isinstance(error, RequestValidationError):
        return Problem(422, "malformed", sentence_of(error.errors()))
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {
        400: ("malformed", "the body cannot be read: send JSON, in UTF-8"),
        404: ("no_such_page", "there is no such page: the address may be misspelt, or of another release"),
        405: ("other_method", "this address is not asked so: schemas/openapi.json says how"),
    }
    return Problem(status, *known.get(status, ("refused", "the request is not answered")))
