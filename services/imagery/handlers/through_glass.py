"""Where a case is not assigned to who asks, what a second person agreed to may stand in for that, and nothing else."""

from typing import Any, Final

from services.imagery.core.decision import ImageryPolicy
from services.imagery.core.facts import Request
from services.imagery.ports import Glasses

_NOT_THEIRS: Final = "case_not_assigned"


async def through_glass(
    glasses: Glasses, tx: Any, policy: ImageryPolicy, request: Request
) -> tuple[Request, str | None]:
    """Decide on a lease; return the facts that it was decided on, and why not. A use that is granted is taken off."""
    decision = policy.decide(request)
    if _NOT_THEIRS not in decision.reasons:
        return request, decision.reason or None
    glass = await glasses.newest_glass(
        tx, request.viewer.person_id, request.case.tenant, request.case.case_id, request.imagery.transaction_id
    )
    if glass is None:
        return request, decision.reason
    through = request._replace(glass_id=glass.glass_id, second_person=glass.second_person)
    if fault := glass.fault(request.at):
        return through, fault if decision.reasons == (_NOT_THEIRS,) else decision.reason
    through = through._replace(break_glass=True)
    decision = policy.decide(through)
    if decision.allowed:
        await glasses.change_glass(tx, glass._replace(uses_left=glass.uses_left - 1))
    return through, decision.reason or None


async def held_open(glasses: Glasses, tx: Any, request: Request, glass_id: str) -> Request:
    """Return the facts of a lease that was granted through it: it counts while it is neither over nor stopped."""
    glass = await glasses.glass(tx, glass_id)
    if glass is None:
        return request
    return request._replace(
        break_glass=glass.closed(request.at) is None, glass_id=glass_id, second_person=glass.second_person
    )
