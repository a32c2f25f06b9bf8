"""Policies over HTTP. No logic of its own."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from proofwatch.web.sessions import Caller
from services.governance.api.bodies import Against, Hash, Policies, Policy, Scope
from services.governance.api.policies import GovernedPolicies


def policy_routes(policies: GovernedPolicies, caller: Callable[[Request], Awaitable[Caller]]) -> APIRouter:
    """Return the routes; `caller` gives who calls, or raises `Problem`."""
    router = APIRouter(prefix="/policies", tags=["policies"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type

    @router.get("")
    async def listed(who: Who, scope: Scope = "") -> Policies:
        """Return which policy was, is and will be in force for whom, and what waits for signatures."""
        return policies.listed(who, scope)

    @router.get("/{policy_hash}")
    async def one(who: Who, policy_hash: Hash, against: Against = "", scope: Scope = "") -> Policy:
        """Return a policy, who signed it, and what differs from another."""
        return policies.one(who, policy_hash, against, scope)

    return router
