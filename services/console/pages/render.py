"""Pages from templates: whatever they show is escaped, and a page lets in nothing but files of this console."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from proofwatch.local_time import clock, minute, zone_words
from proofwatch.plain import one_line
from services.console.pages import keys, pattern_words, words
from services.console.pages.assets import Assets
from services.console.pages.explained import explained

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # not no-referrer: a browser would then hide from us that a form came from this origin
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
}


class Render:
    """Makes pages; times are told by one clock, and its zone is said."""

    def __init__(self, assets: Assets, zone: str | None) -> None:
        self._zone = zone
        self._pages = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(words=words, of_patterns=pattern_words, keys=keys, asset=assets.path)
        self._pages.filters.update(
            minute=self._minute, clock=self._clock, zone=self._words, iso=_iso, explained=explained
        )

    def page(self, template: str, status: int = 200, **content: Any) -> HTMLResponse:
        """Return the page of a template."""
        return HTMLResponse(self._pages.get_template(template).render(**content), status, HEADERS)

    def _minute(self, at: datetime) -> str:
        return minute(at, self._zone)

    def _clock(self, at: datetime) -> str:
        return clock(at, self._zone)

    def _words(self, at: datetime) -> str:
        return zone_words(at, self._zone)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _shown(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
