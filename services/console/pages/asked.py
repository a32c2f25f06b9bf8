"""What forms of figures ask: a tenant, whole days by its clock, a segment; and how an answer gets onto its page."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.api.bodies import SEGMENT, TENANT
from services.aggregator.api.figures import Figures, Wanted
from services.console.pages import words
from services.console.pages.frame import Frame

DAYS: Final = 28
"""What limits are judged over, and so what is shown where nobody asks for other days."""
_REPEATED: Final = (404, 422)
"""What is told on the page itself, with what was asked still in its form."""
Content = dict[str, Any]


class Given(NamedTuple):
    """What a form has, as it was typed."""

    tenant: str = ""
    since: str = ""
    until: str = ""
    segment: str = ""


async def answered(
    frame: Frame,
    figures: Figures,
    request: Request,
    caller: Caller,
    template: str,
    given: Given,
    found: Callable[[Given], Awaitable[Content]],
    empty: Content,
) -> Response:
    """Return a page of figures. `found` is given what is asked, with what nobody gave filled in.

    `empty`: what stands for its content where there is none: no tenant is there, or what was asked is refused, which
    the page then says.
    """
    tenants = (await figures.tenants(caller)).tenants
    first = given.since or (frame.now() - timedelta(days=DAYS)).date().isoformat()
    asked = Given(given.tenant or (tenants[0] if tenants else ""), first, given.until, given.segment.strip())
    content: Content = {"tenants": tenants, **asked._asdict(), **empty}
    if not asked.tenant:
        return frame.page(request, caller, template, **content)
    try:
        more = await found(asked)
    except Problem as problem:
        if problem.status not in _REPEATED:
            raise
        told = words.sentence(f"{problem}.")
        return frame.page(request, caller, template, problem.status, **{**content, "refused": told})
    return frame.page(request, caller, template, **{**content, **more})


def wanted(given: Given, segment: str | None = None) -> Wanted:
    """Return what is asked of figures: whole days by the tenant's clock. Raises `Problem`.

    `segment`: another than the form's.
    """
    if not TENANT.fullmatch(given.tenant):
        raise Problem(422, "malformed", "tenant: there is no such name; choose one of the list")
    of = given.segment if segment is None else segment
    if not SEGMENT.fullmatch(of):
        raise Problem(422, "malformed", f"{of!r} is no segment; right is os, or os=android, or nothing")
    until = _day("to", given.until, add=1) if given.until else None
    since = _day("from", given.since)
    if until is not None and until <= since:
        raise Problem(422, "malformed", f"the day of To ({given.until}) lies before that of From ({given.since})")
    return Wanted(given.tenant, since, until, of)


def _day(name: str, text: str, add: int = 0) -> date:
    try:
        return date.fromisoformat(text) + timedelta(days=add)
    except (ValueError, OverflowError):
        raise Problem(422, "malformed", f"{name}: {text!r} is no day; right is 2026-01-15") from None
