"""The page of a case, and the forms by which people work on it."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.access.roles import IMAGERY, Act
from proofwatch.access.session import Session
from proofwatch.web.origin import FORM, of_own_origin
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.config import Settings
from services.console.pages import words
from services.console.pages.attempts import drawn
from services.console.pages.forms import as_body, form
from services.console.pages.frame import Frame, to
from services.console.who import Callers
from services.triage.api.bodies import Assigned, Case, CaseId, Cursor, Deed, Found, Given, ListedCase
from services.triage.api.cases import NEEDS_REASON, Cases
from services.triage.api.pattern_bodies import NOVEL
from services.triage.api.refusals import Changed

REPEATED: Final = (403, 409, 422)
"""What is told on the page of the case, with what was written still there."""
_KEY_BYTES: Final = 16
_ATTEMPTS: Final = 200
_LISTS: Final = ("/approvals",)
"""Where a deed is done at a row, and its form says so: there one goes on."""
OF_PARTS: Final = frozenset[Deed]({"merge", "unmerge"})
_FIELDS: Final = ("reason", "to", "attack", "species", "hours", "with_", "note")


class Work:
    """Cases, one at a time."""

    def __init__(self, frame: Frame, cases: Cases, callers: Callers, settings: Settings) -> None:
        self._frame, self._cases, self._callers, self._settings = frame, cases, callers, settings

    def router(self) -> APIRouter:
        """Return the routes; what is sent by POST leads by GET to the case, or the queue."""
        router = APIRouter(include_in_schema=False)
        router.include_router(self._attempts())
        ours = [Depends(of_own_origin(self._settings.console_origin, FORM))]
        who = Annotated[Caller, Depends(self._callers.caller)]

        @router.get("/cases/{case_id}")
        async def case(
            request: Request, caller: who, case_id: CaseId, told: str = "", itself: bool = False
        ) -> Response:
            found = await self._cases.one(caller, case_id.lower(), itself=itself)  # ids have no capitals
            if found.case_id != case_id.lower():
                return to(path_of(found.case_id), told=told or "part")
            return await self.case_page(request, caller, found, told=words.TOLD.get(told, ""))

        @router.get("/cases/{case_id}/{deed}")
        async def returned(caller: who, case_id: CaseId, deed: str) -> Response:
            return to(path_of(case_id))

        @router.post("/cases/{case_id}/{deed}", dependencies=ours)
        async def do(request: Request, caller: who, case_id: CaseId, deed: Deed) -> Response:
            return await self._do(request, caller, case_id, deed)

        @router.get("/next")
        async def listed(caller: who) -> Response:
            return to("/queue")

        @router.post("/next", dependencies=ours)
        async def following(caller: who) -> Response:
            try:
                found = await self._cases.next(caller)
            except Problem as problem:
                if problem.code != "enough_in_hand":
                    raise
                return to("/queue", show="mine", told="enough")
            if found.case is None:
                return to("/queue", told="none")
            return to(path_of(found.case.case_id), told=found.because or "take")

        return router

    def _attempts(self) -> APIRouter:
        """Return the route of what lies before the attempts that the page of a case has."""
        router = APIRouter(include_in_schema=False)
        who = Annotated[Caller, Depends(self._callers.caller)]

        @router.get("/cases/{case_id}/attempts")
        async def attempts(request: Request, caller: who, case_id: CaseId, cursor: Cursor = "") -> Response:
            found = await self._cases.attempts(caller, case_id, limit=_ATTEMPTS, cursor=cursor)
            given: dict[str, Any] = {"case_id": case_id, "found": found, "drawn": drawn(found.attempts)}
            return self._frame.page(request, caller, "attempts.html", **given)

        return router

    async def case_page(
        self, request: Request, caller: Caller, case: Case, status: int = 200, **content: Any
    ) -> Response:
        """Return the page of a case; `content`: what was refused of it, as the template has it."""
        given: dict[str, Any] = {"pictures": self._pictures(caller, case), "field": "", **dict.fromkeys(_FIELDS, "")}
        given["drawn"] = drawn(case.timeline.attempts)
        given["drafts"] = may_draft(case, caller.session)
        given |= {"note_key": secrets.token_urlsafe(_KEY_BYTES), "takes_notes": self._cases.takes_notes}
        return await self.of_case(request, caller, case, "case.html", status, **{**given, **content})

    async def refused(
        self, request: Request, caller: Caller, case_id: str, deed: Deed, problem: Problem, **kept: Any
    ) -> Response:
        """Return the page of a case on which a deed was refused, with what was written; of a part, when it is its own.

        `kept`: as the fields have it.
        """
        case = await self._cases.one(caller, case_id, itself=deed in OF_PARTS)
        told = {"refused": words.sentence(str(problem)), "field": problem.members.get("field", ""), "wanted": deed}
        return await self.case_page(
            request, caller, case, problem.status, beside=deed in case.deeds, **{**kept, **told}
        )

    async def of_case(
        self, request: Request, caller: Caller, case: Case, name: str, status: int, **content: Any
    ) -> Response:
        """Return a page about a case."""
        held = (await self._cases.held(caller))._asdict()
        place = path_of(case.case_id) + ("?itself=true" if case.part_of else "")
        given = {"case": case, "me": caller.session.person_id, "place": place, "again": "", **held}
        return self._frame.page(request, caller, name, status, **{**given, **content})

    async def _do(self, request: Request, caller: Caller, case_id: str, deed: Deed) -> Response:
        given = await form(request)
        kept: dict[str, Any] = {name: given.get(name, "").strip() for name in _FIELDS}
        try:
            await self._cases.do(caller, deed, case_id, given.get("seen", ""), **_asked(deed, kept, self._frame.now()))
        except Changed as changed:
            return await self.of_case(request, caller, changed.case, "conflict.html", 412, wanted=deed, **kept)
        except Problem as problem:
            if problem.status not in REPEATED:
                raise
            return await self.refused(request, caller, case_id, deed, problem, **kept)
        back = given.get("back", "")
        return to(back if back in _LISTS else path_of(case_id), told=deed)

    def _pictures(self, caller: Caller, case: Case) -> list[tuple[str, str]]:
        """Return the flagged transactions of a case with the broker's address for each, which decides by itself."""
        origin = self._settings.console_imagery_origin
        if origin is None or case.state == "closed" or not any(caller.session.may(act) for act in IMAGERY):
            return []
        ids = dict.fromkeys(each.transaction_id for each in case.why if each.transaction_id)
        return [(each, f"{origin}/#{_place(case, each)}") for each in ids]


def _asked(deed: Deed, given: dict[str, str], now: datetime) -> dict[str, Any]:
    """Return what a form says beyond the deed itself, as the API would take it. Raises `Problem`."""
    reason, to_whom = given["reason"], given["to"]
    if deed == "threat" and reason:
        return as_body(Found, reason=reason, attack=given["attack"], species=given["species"]).model_dump()
    if deed in NEEDS_REASON and reason:
        as_body(Given, reason=reason)
    if deed == "snooze":
        if given["hours"] not in words.RESTS:
            raise Problem(422, "malformed", "say for how long: one of those of the list", {"field": "hours"})
        return {"reason": reason, "until": now + timedelta(hours=int(given["hours"]))}
    if deed == "assign":
        as_body(Assigned, to=to_whom)
    return {"reason": reason, "to": to_whom or None}


def may_draft(case: Case, who: Session) -> bool:
    """Return whether somebody may draft an attack pattern from a case."""
    mine = case.assignee == who.person_id and not case.restricted and case.part_of is None
    return mine and case.stage in NOVEL and who.may(Act.PROPOSE_PATTERN)


def path_of(case_id: str) -> str:
    """Return where the page of a case is."""
    return f"/cases/{quote(case_id)}"


def _place(case: ListedCase, transaction_id: str) -> str:
    return urlencode(
        {"tenant": case.tenant, "case_id": case.case_id, "transaction_id": transaction_id}, quote_via=quote
    )
