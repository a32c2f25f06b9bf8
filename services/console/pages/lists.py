"""The page Now, and the queue."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.web.sessions import Caller
from services.aggregator.api.anomalies import ToldAnomalies
from services.console.api import health_of
from services.console.pages import words
from services.console.pages.frame import Frame, to
from services.console.watched import Watched
from services.console.who import Callers
from services.triage.api.bodies import Cursor, Find, Severity, State, Task, Tenant
from services.triage.api.bulk_bodies import MOST
from services.triage.api.cases import Cases

PAGE: Final = 25
"""Cases of a page of the queue: what somebody on a telephone scrolls through, not all that there are."""
Rows = Annotated[int, Query(ge=1, le=MOST)]
Show = Literal["waiting", "mine", "closed", "all"]
_STATES: Final[Mapping[Show, State]] = {"waiting": "running", "mine": "running", "closed": "closed", "all": "all"}


_ELSEWHERE: Final[Sequence[tuple[Act, str]]] = (
    (Act.APPROVE_PATTERN, "/patterns"), (Act.PROPOSE_POLICY, "/policies"), (Act.READ_ALL_ENTRIES, "/audit"),
    (Act.READ_REPORTS_OF_ACCESS, "/audit"), (Act.READ_HEALTH, "/health"),
)  # fmt: skip


def elsewhere(who: Session) -> str | None:
    """Return the page on which the work of somebody is whose roles see no cases; None: they see them, or none is."""
    if who.may(Act.READ_CASES):
        return None
    return next((at for act, at in _ELSEWHERE if who.may(act)), None)


def list_pages(frame: Frame, cases: Cases, anomalies: ToldAnomalies, callers: Callers, watched: Watched) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/")
    async def now(request: Request, caller: who) -> Response:
        if at := elsewhere(caller.session):
            return to(at)
        waiting = await cases.waiting(caller, frame.now())
        content: dict[str, Any] = {"waiting": waiting, "health": health_of(watched, caller, waiting.read_until)}
        content["firing"] = await anomalies.firing(caller)
        return frame.page(request, caller, "now.html", **(await cases.held(caller))._asdict(), **content)

    @router.get("/queue")
    async def queue(
        request: Request,
        caller: who,
        show: Show | None = None,
        find: Find = "",
        tenant: Tenant = "",
        task: Literal["", Task] = "",
        severity: Literal["", Severity] = "",
        cursor: Cursor = "",
        told: str = "",
        rows: Rows = PAGE,
    ) -> Response:
        if at := elsewhere(caller.session):
            return to(at)
        asked = {"find": find.strip(), "tenant": tenant.strip(), "task": task, "severity": severity}
        show = show or (
            "all" if asked["find"] else "waiting"
        )  # who looks for one case wants it where it is closed, too
        waiting = await cases.waiting(caller, frame.now())  # first: what comes in between is new
        found = await cases.page(
            caller,
            _STATES[show],
            mine=show == "mine",
            limit=rows,
            cursor=cursor,
            find=find,
            tenant=tenant,
            task=task or None,
            severity=severity or None,
        )
        content: dict[str, Any] = {
            "found": found,
            "asked": {name: each for name, each in asked.items() if each},
            "severities": get_args(Severity)[::-1],
            "show": show,
            "cursor": cursor,
            "rows": rows,
            "waiting": waiting,
            "told": words.TOLD.get(told, ""),
        }
        return frame.page(request, caller, "queue.html", **(await cases.held(caller))._asdict(), **content)

    @router.get("/approvals")
    async def approvals(request: Request, caller: who, told: str = "") -> Response:
        if at := elsewhere(caller.session):
            return to(at)
        found = await cases.page(caller, "running", mine=False, limit=MOST, proposed=True)
        mine = caller.session.person_id
        content: dict[str, Any] = {
            "to_agree": [each for each in found.cases if "approve" in each.deeds],
            "yours": [each for each in found.cases if each.proposal and each.proposal.proposed_by == mine],
            "more": found.next is not None,
            "told": words.TOLD.get(told, ""),
        }
        return frame.page(request, caller, "approvals.html", **(await cases.held(caller))._asdict(), **content)

    return router
