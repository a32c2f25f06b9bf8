"""The log over HTTP. No logic of its own."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Security

from proofwatch.access import scopes
from proofwatch.web.sessions import Caller
from services.auditor.api.bodies import (
    About,
    Action,
    Before,
    Entries,
    Entry,
    Limit,
    Outcome,
    Scope,
    Since,
    Tenant,
    Verified,
    Who,
)
from services.auditor.api.log import AuditLog, Looked


def audit_routes(log: AuditLog, reader: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """Return the routes; `reader` gives who reads, a machine too, or raises `Problem`.

    Every answer is an entry of the log itself.
    """
    router = APIRouter(prefix="/audit", tags=["audit"])
    Asking = Annotated[Caller, Security(reader, scopes=[scopes.Scope.AUDIT])]  # noqa: N806 — a type

    @router.get("")
    async def entries(
        asking: Asking,
        scope: Scope | None = None,
        action: Action = "",
        who: Who = "",
        tenant: Tenant = "",
        outcome: Outcome | None = None,
        about: About = "",
        since: Since = None,
        before: Before = 0,
        limit: Limit = 50,
    ) -> Entries:
        """Return the newest entries that are there for you: all, the team's, who saw what, or your own."""
        return await log.entries(asking, Looked(scope, action, who, tenant, outcome, about, since, before), limit)

    @router.get("/{index}")
    async def entry(asking: Asking, index: int) -> Entry:
        """Return an entry whole, and the checkpoint that has left with it."""
        return await log.entry(asking, index)

    @router.get("/{index}/verified")
    async def verified(asking: Asking, index: int) -> Verified:
        """Check an entry against the tree; with the proof that others check by themselves."""
        return await log.verified(asking, index)

    return router
