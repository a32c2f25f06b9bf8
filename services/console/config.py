"""Settings of the console."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from proofwatch.runtime.oidc_settings import OidcSettings
from services.aggregator.config import FigureSettings
from services.triage.app import DeskSettings

_WATCHED: Final = re.compile(r"([a-z][a-z0-9-]{0,62})=(https?://[^\s=,/]+)")
_ORIGIN: Final = r"^https?://[^/\s]+$"
_HOSTS: Final = r"^(([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])( +|$))*$"


def _places(text: str) -> str:
    if not all(_WATCHED.fullmatch(each) for each in text.split()):
        raise ValueError("must be names with addresses, with blanks between: triage=http://triage:8080 …")
    return text


class Settings(OidcSettings, DeskSettings, FigureSettings):
    """What the console needs to know to start, beyond what every process does."""

    console_host: str = "127.0.0.1"
    """The address it listens at; a proxy with TLS stands before it."""
    console_port: Annotated[int, Field(ge=0, le=65535)] = 8091
    console_origin: Annotated[str, Field(pattern=_ORIGIN)] = "http://localhost:8091"
    """Scheme, host and port as browsers see them: what changes anything must come from there."""
    console_hosts: Annotated[str, Field(pattern=_HOSTS)] = "localhost 127.0.0.1 [::1]"
    """Names under which it answers beside that of the origin, with blanks between; others get nothing."""
    console_imagery_origin: Annotated[str, Field(pattern=_ORIGIN)] | None = None
    """Those of the imagery broker, as browsers see it; None: no page leads to a picture."""
    console_time_zone: str | None = None
    """The zone by whose clock pages tell times, such as Asia/Kolkata; None: UTC."""
    console_calls_a_minute: Annotated[int, Field(ge=60, le=100_000)] = 1200
    """Calls of one session that are answered in a minute, by each process of the console; then 429."""
    console_token_calls_a_minute: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Likewise of one token of a machine."""
    console_watched: Annotated[str, AfterValidator(_places)] = ""
    """Processes whose /ready is shown, with the addresses of their health ports: name=http://host:port, with blanks
    between."""

    def watched(self) -> dict[str, str]:
        """Return where each watched process is asked."""
        return {name: place for name, _, place in (each.partition("=") for each in self.console_watched.split())}
