"""Attack patterns over HTTP. No logic of its own."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.sessions import Caller
from services.triage.api.bodies import Given
from services.triage.api.deed_routes import Calls
from services.triage.api.pattern_bodies import Drafted, Pattern, PatternId, PatternPage
from services.triage.api.patterns import Patterns


def pattern_routes(patterns: Patterns, caller: Calls, reader: Callable[..., Any]) -> APIRouter:
    """Return the routes; `reader` gives who reads, a machine too."""
    router = APIRouter(prefix="/patterns", tags=["patterns"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type
    Reading = Annotated[Caller, Security(reader, scopes=[Scope.PATTERNS])]  # noqa: N806 — likewise

    @router.get("")
    async def listed(who: Reading) -> PatternPage:
        """Return the patterns. They are the platform's; what they matched is counted of your tenants."""
        return await patterns.page(who)

    @router.get("/{pattern_id}")
    async def one(who: Reading, pattern_id: PatternId) -> Pattern:
        """Return a pattern whole: what it matched by day, how precise it is, what people did with it."""
        return await patterns.one(who, pattern_id)

    @router.post("")
    async def draft(who: Who, drafted: Drafted) -> Pattern:
        """Draft a pattern from a case that was found to be novel and that you work on; or write a draft anew."""
        return await patterns.draft(who, drafted)

    @router.post("/{pattern_id}/propose")
    async def propose(who: Who, pattern_id: PatternId, why: Given) -> Pattern:
        """Propose a draft: another person is asked whether it is compared in shadow."""
        return await patterns.do(who, "propose", pattern_id, why.reason)

    @router.post("/{pattern_id}/approve")
    async def approve(who: Who, pattern_id: PatternId, why: Given) -> Pattern:
        """Agree to what another proposed: in shadow it changes nothing, live it raises suspicions."""
        return await patterns.do(who, "approve", pattern_id, why.reason)

    @router.post("/{pattern_id}/reject")
    async def reject(who: Who, pattern_id: PatternId, why: Given) -> Pattern:
        """Send back what another proposed."""
        return await patterns.do(who, "reject", pattern_id, why.reason)

    @router.post("/{pattern_id}/live")
    async def live(who: Who, pattern_id: PatternId, why: Given) -> Pattern:
        """Propose that what is compared in shadow goes live."""
        return await patterns.do(who, "live", pattern_id, why.reason)

    @router.post("/{pattern_id}/withdraw")
    async def withdraw(who: Who, pattern_id: PatternId, why: Given) -> Pattern:
        """Compare with a pattern no more."""
        return await patterns.do(who, "withdraw", pattern_id, why.reason)

    return router
