"""Pages of the audit log: who did what and who has seen what; is it proved; one entry verified at a click."""

import base64
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from proofwatch.web.malformed import sentence_of
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.auditor.api.bodies import About, Action, Outcome, Scope, Tenant, Who
from services.auditor.api.log import AuditLog, Looked
from services.console.pages import words
from services.console.pages.frame import Frame
from services.console.who import Callers

ROWS: Final = 50
_FIELDS: Final = {"action": Action, "who": Who, "tenant": Tenant, "about": About}
_SCOPES: Final = {
    "all": "Everything", "team": "What people did with cases and imagery", "views": "Who has seen what",
    "own": "Your own",
}  # fmt: skip
_MARKS: Final = {"done": "", "granted": "well", "denied": "high", "failed": "medium"}


def audit_pages(frame: Frame, log: AuditLog, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/audit")
    async def listed(request: Request, caller: who) -> Response:
        given = {name: request.query_params.get(name, "").strip() for name in ("scope", "outcome", "since", *_FIELDS)}
        content: dict[str, Any] = {
            **given, "given": {name: each for name, each in given.items() if each}, "found": None,
            "scopes": _SCOPES, "marks": _MARKS, "outcomes": get_args(Outcome),
        }  # fmt: skip
        try:
            looked = _looked(given, request.query_params.get("before", ""))
            found = await log.entries(caller, looked, ROWS)
        except Problem as problem:
            if problem.status != 422:
                raise
            told = words.sentence(f"{problem}.")
            return frame.page(request, caller, "audit.html", 422, **{**content, "refused": told})
        content |= {"found": found, "scope": found.scope, "since": given["since"] or found.since.date().isoformat()}
        return frame.page(request, caller, "audit.html", **content)

    @router.get("/audit/{index}")
    async def one(request: Request, caller: who, index: int, verify: bool = False) -> Response:
        checked = await log.verified(caller, index) if verify else None
        try:
            entry = await log.entry(caller, index)
        except Problem as problem:
            if problem.status != 409 or checked is None:
                raise
            entry = None
        return frame.page(request, caller, "entry.html", index=index, entry=entry, checked=checked, marks=_MARKS)

    @router.get("/audit/{index}/{file}")
    async def kept(caller: who, index: int, file: str) -> Response:
        """A file for who checks the entry without this console."""
        if file not in (f"{index}.tlog-proof", f"{index}.leaf.json"):
            raise Problem(404, "no_such_page", "there is no such file")
        found = await log.verified(caller, index)
        wanted = found.proof if file.endswith("proof") else found.leaf
        if wanted is None:
            raise Problem(404, "not_proved_yet", "no checkpoint has left with this entry yet: try again in a minute")
        headers = {
            "Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }  # fmt: skip
        return Response(base64.b64decode(wanted), media_type="application/octet-stream", headers=headers)

    return router


def _looked(given: dict[str, str], before: str) -> Looked:
    """Return what a form looks for. Raises `Problem`."""
    for name, kind in _FIELDS.items():
        try:
            TypeAdapter(kind).validate_python(given[name])
        except ValidationError as error:
            told = sentence_of([{**each, "loc": (name,)} for each in error.errors(include_input=False)])
            raise Problem(422, "malformed", told) from None
    scope, outcome = given["scope"], given["outcome"]
    if scope and scope not in get_args(Scope):
        raise Problem(422, "malformed", f"scope: {scope!r} is none; right is {', '.join(get_args(Scope))}")
    if outcome and outcome not in get_args(Outcome):
        raise Problem(422, "malformed", f"outcome: {outcome!r} is none; right is {', '.join(get_args(Outcome))}")
    if before and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise Problem(422, "malformed", "before: must be the number of an entry")
    return Looked(
        scope or None, given["action"], given["who"], given["tenant"], outcome or None, given["about"],  # type: ignore[arg-type]
        _day(given["since"]), int(before or 0),
    )  # fmt: skip


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise Problem(422, "malformed", f"since: {text!r} is no day; right is 2026-01-15") from None
