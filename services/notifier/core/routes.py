"""Routes: which events go to which channels. `services.notifier.routes_file` reads them."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.events.enumerations import NotificationSeverity, NotificationState

LOG_CHANNEL: Final = "log"
"""The channel that always exists."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Topic = Literal["metrics.incidents.v1", "soc.escalations.v1", "platform.alerts.v1"]


class Part(BaseModel):
    """A part of the routes file."""

    # What was given is not repeated in errors: somebody may have put a secret where its name belongs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Match(Part):
    """Conditions that must all hold; what is not given matches everything, but for cases. `severity` is the least.

    Cases (soc.escalations.v1) are told only where `source` names them.
    """

    source: tuple[Topic, ...] | None = None
    severity: NotificationSeverity | None = None
    tenant: tuple[str, ...] | None = None
    state: tuple[NotificationState, ...] | None = None


class Route(Part):
    """What it wants, and the channels it goes to."""

    name: Name
    match: Match = Match()
    channels: Annotated[tuple[Name, ...], Field(min_length=1)]
