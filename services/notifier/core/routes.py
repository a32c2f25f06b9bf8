"""What a routes file says: channels, and routes to them. Reading it is `services.notifier.routes_file`'s work."""

from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from services.notifier.core.facts import Severity, State

LOG_CHANNEL: Final = "log"
"""The channel that always exists."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
_SETTINGS: Final = "PROOFWATCH_"
Topic = Literal["metrics.anomalies.v1", "soc.escalations.v1", "platform.alerts.v1"]


class _Part(BaseModel):
    # What was given is not repeated in errors: somebody may have put a secret where its name belongs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LogChannel(_Part):
    """One line in the process's log for each notification, and one JSON line in `path` if that is given."""

    kind: Literal["log"]
    path: str | None = None


class WebhookChannel(_Part):
    """An HTTPS endpoint that gets signed requests; the secret is named here, never written.

    `secret_env` names an environment variable (or, with the suffix _FILE, a variable that names a file), `secret_file`
    a file; either holds one or more `whsec_…` secrets, separated by blanks, the newest first (all of them sign, so
    that a receiver can change over). A variable's name does not begin with PROOFWATCH_: those are settings.
    """

    kind: Literal["webhook"]
    url: str
    secret_env: Variable | None = None
    secret_file: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 10.0

    @field_validator("url")
    @classmethod
    def _plain_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = "must be an http or https URL"
            raise ValueError(msg)
        if parts.username or parts.password or parts.fragment:
            msg = "must carry no credentials and no fragment; requests are signed instead"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.secret_env or "").startswith(_SETTINGS):
            msg = f"secret_env must not begin with {_SETTINGS}: such variables are settings, and others stop the start"
            raise ValueError(msg)
        if (self.secret_env is None) == (self.secret_file is None):
            msg = "give either secret_env (the name of a variable) or secret_file (a path)"
            raise ValueError(msg)
        return self


class Match(_Part):
    """Conditions that must all hold; what is not given matches everything. `severity` is the least."""

    source: tuple[Topic, ...] | None = None
    severity: Severity | None = None
    tenant: tuple[str, ...] | None = None
    state: tuple[State, ...] | None = None


class Route(_Part):
    """What it wants, and the channels it goes to."""

    name: Name
    match: Match = Match()
    channels: Annotated[tuple[Name, ...], Field(min_length=1)]


def _kind(channel: Any) -> Any:  # a mapping of the file, or a model that is built already
    return channel.get("kind") if isinstance(channel, dict) else getattr(channel, "kind", None)


ChannelSpec = Annotated[
    Annotated[LogChannel, Tag("log")] | Annotated[WebhookChannel, Tag("webhook")], Discriminator(_kind)
]


class Routes(_Part):
    """A whole routes file. The channel `log` is there even if the file does not name it."""

    channels: dict[Name, ChannelSpec] = {}
    routes: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        known = {LOG_CHANNEL, *self.channels}
        for route in self.routes:
            if missing := sorted(set(route.channels) - known):
                msg = f"route {route.name} names the channel {missing[0]}; there are: {', '.join(sorted(known))}"
                raise ValueError(msg)
        names = [route.name for route in self.routes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = f"two routes are called {twice[0]}; each needs a name of its own"
            raise ValueError(msg)
        return self

    def channel_specs(self) -> dict[str, LogChannel | WebhookChannel]:
        """Return every channel, `log` included."""
        return {LOG_CHANNEL: LogChannel(kind="log"), **self.channels}
