"""The pages and where they are; each asks the same functions as the API."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from proofwatch.access.roles import IMAGERY
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller, SignInRefused
from services.console.api import health_of
from services.console.config import Settings
from services.console.pages import words
from services.console.pages.assets import Assets
from services.console.pages.forms import as_body, form, here
from services.console.pages.render import Render
from services.console.watched import Watched
from services.console.who import Callers
from services.triage.api.bodies import Assigned, Case, CaseId, Cursor, Deed, Found, Given, ListedCase
from services.triage.api.cases import NEEDS_REASON, Cases
from services.triage.api.refusals import Changed

_KEYS: Final = "__Host-proofwatch-keys"
_YEAR_S: Final = 31_536_000
_PAGE: Final = 100
Show = Literal["waiting", "mine", "closed"]
_REPEATED: Final = (403, 409, 422)
"""What is told on the page of the case, with what was written still there."""


class Pages:
    """What people see."""

    def __init__(self, settings: Settings, cases: Cases, callers: Callers, watched: Watched, clock: Clock) -> None:
        self._settings, self._cases, self._callers = settings, cases, callers
        self._watched, self._clock = watched, clock
        self._assets = Assets()
        self._render = Render(self._assets, settings.console_time_zone)

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        ours = [Depends(of_own_origin(self._settings.console_origin, FORM))]
        router.add_api_route("/static/{name}", self._static, methods=["GET"])
        router.add_api_route("/sign-in", self._sign_in_page, methods=["GET"])
        router.add_api_route("/sign-in", self._sign_in, methods=["POST"], dependencies=ours)
        router.add_api_route("/sign-out", self._sign_out, methods=["POST"], dependencies=ours)
        router.add_api_route("/keys", self._keys, methods=["POST"], dependencies=ours)
        who = Annotated[Caller, Depends(self._callers.caller)]

        @router.get("/")
        async def now(request: Request, caller: who) -> Response:
            waiting = await self._cases.waiting(caller, self._now())
            return self._page(request, caller, "now.html", waiting=waiting, health=health_of(self._watched, caller))

        @router.get("/queue")
        async def queue(
            request: Request, caller: who, show: Show = "waiting", cursor: Cursor = "", told: str = ""
        ) -> Response:
            state: Literal["closed", "running"] = "closed" if show == "closed" else "running"
            waiting = await self._cases.waiting(caller, self._now())  # first: what comes in between is new
            found = await self._cases.page(caller, state, mine=show == "mine", limit=_PAGE, cursor=cursor)
            return self._page(
                request, caller, "queue.html", found=found, show=show, waiting=waiting, told=words.TOLD.get(told, "")
            )

        @router.get("/cases/{case_id}")
        async def case(request: Request, caller: who, case_id: CaseId, told: str = "") -> Response:
            found = await self._cases.one(caller, case_id)
            return self._case(request, caller, found, told=words.TOLD.get(told, ""))

        @router.post("/cases/{case_id}/{deed}", dependencies=ours)
        async def do(request: Request, caller: who, case_id: CaseId, deed: Deed) -> Response:
            return await self._do(request, caller, case_id, deed)

        @router.post("/next", dependencies=ours)
        async def following(caller: who) -> Response:
            found = await self._cases.next(caller)
            if found.case is None:
                return _to("/queue", told="none")
            return _to(f"/cases/{quote(found.case.case_id)}", told=found.because or "take")

        return router

    def problem(self, request: Request, problem: Problem) -> Response:
        """Return the page of a problem; who must sign in first comes back to where they were going."""
        if problem.status == 401:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return _to("/sign-in", next=here(wanted if request.method == "GET" else "/queue"))
        content = {"problem": problem, "sentence": words.sentence(str(problem))}
        return self._page(request, None, "problem.html", problem.status, **content)

    def _page(self, request: Request, caller: Caller | None, name: str, status: int = 200, **content: Any) -> Response:
        roles = ", ".join(sorted(caller.session.roles)) if caller else ""
        given = {"roles": roles, "keys": _keys_on(request), "now": self._now(), "path": here(request.url.path, "/")}
        return self._render.page(name, status, **{"told": "", "refused": "", **given, **content})

    def _case(self, request: Request, caller: Caller, case: Case, status: int = 200, **content: Any) -> Response:
        given = {"case": case, "pictures": self._pictures(caller, case), "reason": "", "wanted": "", "to": ""}
        return self._page(request, caller, "case.html", status, **{**given, **content})

    async def _do(self, request: Request, caller: Caller, case_id: str, deed: Deed) -> Response:
        given = await form(request)
        reason, to = given.get("reason", "").strip(), given.get("to", "").strip()
        attack, species = given.get("attack", ""), given.get("species", "").strip()
        kept = {"wanted": deed, "reason": reason, "to": to}
        more: dict[str, Any] = {}
        try:
            if deed == "threat" and reason:
                more = as_body(Found, reason=reason, attack=attack, species=species).model_dump(exclude={"reason"})
            elif deed in NEEDS_REASON and reason:
                as_body(Given, reason=reason)
            if deed == "assign":
                as_body(Assigned, to=to)
            await self._cases.do(caller, deed, case_id, given.get("seen", ""), to=to or None, reason=reason, **more)
        except Changed as changed:
            return self._page(request, caller, "conflict.html", 412, case=changed.case, **kept)
        except Problem as problem:
            if problem.status not in _REPEATED:
                raise
            case = await self._cases.one(caller, case_id)
            return self._case(request, caller, case, problem.status, refused=words.sentence(str(problem)), **kept)
        return _to(f"/cases/{quote(case_id)}", told=deed)

    def _pictures(self, caller: Caller, case: Case) -> list[tuple[str, str]]:
        """Return the flagged transactions of a case with the broker's address for each, which decides by itself."""
        origin = self._settings.console_imagery_origin
        if origin is None or case.state == "closed" or not any(caller.session.may(act) for act in IMAGERY):
            return []
        ids = dict.fromkeys(each.transaction_id for each in case.why if each.transaction_id)
        return [(each, f"{origin}/#{_place(case, each)}") for each in ids]

    async def _static(self, name: str) -> Response:
        return self._assets.answer(name)

    async def _sign_in_page(self, request: Request, next: str = "") -> Response:  # noqa: A002 — as the address has it
        return self._page(request, None, "sign-in.html", next=here(next))

    async def _sign_in(self, request: Request) -> Response:
        given = await form(request)
        wanted, name = here(given.get("next", "")), given.get("name", "")
        response = _to(wanted)
        try:
            code = given.get("code", "").replace(" ", "")
            await self._callers.sign_in(response, name[:256], given.get("password", "")[:4096], code[:16])
        except SignInRefused as error:
            sentence = words.sentence(str(error))
            return self._page(request, None, "sign-in.html", 401, next=wanted, refused=sentence)
        return response

    async def _sign_out(self, request: Request) -> Response:
        response = _to("/sign-in")
        await self._callers.sign_out(request, response)
        return response

    async def _keys(self, request: Request) -> Response:
        given = await form(request)
        response = _to(here(given.get("back", "")))
        kept = "off" if given.get("keys") == "off" else "on"
        response.set_cookie(_KEYS, kept, _YEAR_S, secure=True, httponly=True, samesite="strict", path="/")
        return response

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


def _to(path: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def _keys_on(request: Request) -> bool:
    return request.cookies.get(_KEYS) != "off"


def _place(case: ListedCase, transaction_id: str) -> str:
    return urlencode(
        {"tenant": case.tenant, "case_id": case.case_id, "transaction_id": transaction_id}, quote_via=quote
    )
