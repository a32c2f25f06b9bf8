"""What every page has around it: who is signed in, the way to the other pages, one form for what went wrong."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proofwatch.access.roles import Act
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.console.pages import words
from services.console.pages.assets import Assets
from services.console.pages.forms import here
from services.console.pages.render import Render
from services.console.who import COOKIE

_ENTRIES: Final = (
    Act.READ_OWN_ENTRIES, Act.READ_TEAM_ENTRIES, Act.READ_REPORTS_OF_ACCESS, Act.READ_ALL_ENTRIES,
)  # fmt: skip
_OF_PATTERNS: Final = (Act.PROPOSE_PATTERN, Act.APPROVE_PATTERN, Act.READ_CASES)
KEYS: Final = "__Host-proofwatch-keys"


class Frame:
    """Makes pages."""

    def __init__(self, zone: str | None, clock: Clock) -> None:
        """`zone`: by whose clock times are told; None: UTC."""
        self._clock = clock
        self.assets = Assets()
        self._render = Render(self.assets, zone)

    def page(
        self, request: Request, caller: Caller | None, template: str, status: int = 200, **content: Any
    ) -> Response:
        """Return the page of a template; `caller`: who is signed in, None: nobody knows."""
        given = {
            "roles": ", ".join(sorted(caller.session.roles)) if caller else "",
            "signed_in": caller is not None,
            "sees_figures": caller is None or caller.session.may(Act.READ_FIGURES),
            "sees_health": caller is None or caller.session.may(Act.READ_HEALTH),
            "reads_entries": caller is None or any(caller.session.may(each) for each in _ENTRIES),
            "sees_patterns": caller is None or any(map(caller.session.may, _OF_PATTERNS)),
            "keys_on": request.cookies.get(KEYS) != "off",
            "now": self.now(),
            "path": here(request.url.path, "/"),
            "told": "",
            "refused": "",
            "wanted": "",
            "beside": False,
            "place": "",
        }
        return self._render.page(template, status, **{**given, **content})

    def problem(self, request: Request, problem: Problem) -> Response:
        """Return the page of a problem; who must sign in first comes back to where they were going.

        Who has a cookie has the way to the other pages: nothing is asked for it, since that may be what fails.
        """
        if problem.status == 401:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return to("/sign-in", next=here(wanted if request.method == "GET" else "/queue"))
        content = {"sentence": words.sentence(str(problem)), "signed_in": bool(request.cookies.get(COOKIE))}
        response = self.page(request, None, "problem.html", problem.status, **content)
        response.headers.update(problem.headers)
        return response

    def now(self) -> datetime:
        """Return the time."""
        return instant_of(self._clock.now_ms())


def to(path: str, **query: str) -> RedirectResponse:
    """Return an answer that leads there, by GET."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
