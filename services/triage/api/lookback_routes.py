"""Looking back over HTTP. No logic of its own."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Security

from proofwatch.access.scopes import Scope
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.api.deed_routes import KEY, Calls
from services.triage.api.lookback_bodies import Lookback, LookbackAsked, LookbackId
from services.triage.api.lookbacks import Lookbacks

_KEY: Any = Header(description="Of the caller's choice: what is asked twice under one is looked back for once.")


def lookback_routes(lookbacks: Lookbacks, caller: Calls, looking: Callable[..., Any]) -> APIRouter:
    """Return the routes; `looking` gives who asks how far it is, which is no use of a session."""
    router = APIRouter(prefix="/lookbacks", tags=["patterns"])
    Who = Annotated[Caller, Depends(caller)]  # noqa: N806 — a type
    Looking = Annotated[Caller, Security(looking, scopes=[Scope.PATTERNS])]  # noqa: N806 — likewise

    @router.post("", status_code=202)
    async def ask(who: Who, asked: LookbackAsked, idempotency_key: Annotated[str | None, _KEY] = None) -> Lookback:
        """Look back: what a case's members share, what a pattern would have matched, or open that for review."""
        if idempotency_key is None or not KEY.fullmatch(idempotency_key):
            raise Problem(422, "malformed", "Idempotency-Key: send one, of 1 to 128 printable characters")
        return await lookbacks.ask(who, asked, idempotency_key)

    @router.get("/{lookback_id}")
    async def one(who: Looking, lookback_id: LookbackId) -> Lookback:
        """Return how far it is, and what was found."""
        return await lookbacks.one(who, lookback_id)

    return router
