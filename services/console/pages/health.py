"""The page of how the watch itself is, for who reads the platform's health."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.access.roles import Act
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.api import Health, Process, health_of
from services.console.pages.frame import Frame
from services.console.watched import Watched
from services.console.who import Callers
from services.triage.api.cases import Cases

LONG: Final = timedelta(minutes=10)
"""So far behind triage is not by itself: somebody is to look."""
_REFUSED: Final = (
    "how the processes are, and why, is for the roles sre and admin; the page Now says whether they work, and an admin "
    "gives roles"
)


def health_pages(frame: Frame, cases: Cases, callers: Callers, watched: Watched) -> APIRouter:
    """Return the route."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/health")
    async def health(request: Request, caller: who) -> Response:
        if not caller.session.may(Act.READ_HEALTH):
            raise Problem(403, "role_missing", _REFUSED)
        found, now = health_of(watched, caller, await cases.read_until(caller)), frame.now()
        content: dict[str, Any] = {
            "health": found,
            "whole": in_a_sentence(found.processes),
            "behind": is_behind(found, now),
        }
        return frame.page(request, caller, "health.html", **content)

    return router


def in_a_sentence(processes: Sequence[Process]) -> str:
    """Return how they all are, the worst first."""
    down = [each.name for each in processes if each.ready is False]
    unknown = [each.name for each in processes if each.ready is None]
    if not (down or unknown):
        return f"All {len(processes)} processes work." if len(processes) > 1 else "The process works."
    said = [f"{len(down)} of {len(processes)} do not work: {', '.join(down)}."] if down else []
    return " ".join([*said, *([f"Nobody knows yet of {', '.join(unknown)}."] if unknown else [])])


def is_behind(health: Health, now: datetime) -> bool:
    """Return whether triage has not read for long."""
    return health.read_until is not None and now - health.read_until > LONG
