"""Pages of policies: what is in force and coming for whom, who signed it, and what differs; signing is a command."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.access.roles import Act
from proofwatch.plain import one_line
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.frame import Frame
from services.console.who import Callers
from services.governance.api.policies import GovernedPolicies

_HASH: Final = re.compile("[0-9a-f]{32}")
_MARKS: Final = {"in force": "well", "coming": "medium", "past": "", "refused": "high"}
_DIRECTIONS: Final = {"stricter": "well", "laxer": "medium"}


def policy_pages(frame: Frame, policies: GovernedPolicies, callers: Callers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/policies")
    async def listed(request: Request, caller: who, scope: str = "") -> Response:
        content: dict[str, Any] = {"found": None, "scope": scope, "marks": _MARKS}
        try:
            content["found"] = policies.listed(caller, scope.strip())
        except Problem as problem:
            if problem.status != 422:
                raise
            told = words.sentence(f"{problem}.")
            return frame.page(request, caller, "policies.html", 422, **{**content, "refused": told})
        return frame.page(request, caller, "policies.html", **content)

    @router.get("/policies/{policy_hash}")
    async def one(request: Request, caller: who, policy_hash: str, against: str = "", scope: str = "") -> Response:
        if not _HASH.fullmatch(policy_hash) or not (against == "" or _HASH.fullmatch(against)):
            raise Problem(404, "no_such_policy", "there is no such policy for you")
        found = policies.one(caller, policy_hash, against, scope)
        known = policies.listed(caller)
        others = {each.policy_hash: each.name for each in known.activations}
        content: dict[str, Any] = {
            "policy": found,
            "governed": known.governed,
            "others": {each: name for each, name in others.items() if each != policy_hash},
            "against": against,
            "changes": [(each.key, _text(each.old), _text(each.new), each.direction) for each in found.changes],
            "whole": [(key, _text(value)) for key, value in _flat(found.document)],
            "directions": _DIRECTIONS,
            "approves": caller.session.may(Act.APPROVE_POLICY),
        }
        return frame.page(request, caller, "policy.html", **content)

    return router


def _flat(document: dict[str, Any], under: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in document.items():
        found += _flat(value, f"{under}{key}.") if isinstance(value, dict) else [(f"{under}{key}", value)]
    return found


def _text(value: Any) -> str:
    """Return a value of a policy as people read it."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(each)}" for key, each in value.items())
    return one_line(str(value))
