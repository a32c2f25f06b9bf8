"""The routing tree: which facts go to which channels, grouped how. `services.notifier.routes_file` reads it.

The semantics are Alertmanager's: a fact goes down the tree into the first child that wants it, and on to further
children where `continue` says so; the deepest that want it tell it. What a node does not say it has from its parent.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from proofwatch.events.enumerations import NotificationSeverity, NotificationState
from services.notifier.core.durations import Span
from services.notifier.core.intervals import Interval, within
from services.notifier.core.matchers import MatcherText

LOG_CHANNEL: Final = "log"
"""The channel that always exists."""
ALONE: Final = "..."
"""In `group_by`: by all labels, and by the fact itself, so that each is told alone."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Topic = Literal["metrics.incidents.v1", "soc.escalations.v1", "platform.alerts.v1"]
Label = Annotated[str, Field(pattern=r"^([a-z_][a-z0-9_]{0,63}|\.\.\.)$")]


class Part(BaseModel):
    """A part of the routes file."""

    # What was given is not repeated in errors: somebody may have put a secret where its name belongs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Match(Part):
    """Conditions that must all hold; what is not given matches everything, but for cases. `severity` is the least.

    Cases (soc.escalations.v1) are told only where `source` names them, in the node or above it.
    """

    source: tuple[Topic, ...] | None = None
    severity: NotificationSeverity | None = None
    tenant: tuple[str, ...] | None = None
    state: tuple[NotificationState, ...] | None = None
    labels: tuple[MatcherText, ...] = ()


class Escalate(Part):
    """Whom to tell when nobody has acknowledged a group `after` it was first told."""

    after: Span
    channels: Annotated[tuple[Name, ...], Field(min_length=1)]


class Route(Part):
    """A node of the tree."""

    name: Name
    match: Match = Match()
    channels: tuple[Name, ...] | None = None
    group_by: tuple[Label, ...] | None = None
    group_wait: Span | None = None
    group_interval: Span | None = None
    repeat_interval: Span | None = None
    active: tuple[Name, ...] | None = None
    mute: tuple[Name, ...] | None = None
    escalate: Escalate | None = None
    goes_on: bool = Field(default=False, alias="continue")
    routes: tuple["Route", ...] = ()


class Plan(NamedTuple):
    """How one node tells: what it says itself, and what it has from above."""

    path: tuple[str, ...]
    """Names from the root on."""
    channels: tuple[str, ...] = (LOG_CHANNEL,)
    group_by: tuple[str, ...] = ("source", "tenant")
    wait_ms: int = 30_000
    interval_ms: int = 300_000
    repeat_ms: int = 86_400_000
    active: tuple[Interval, ...] = ()
    """Empty: always."""
    mute: tuple[Interval, ...] = ()
    escalate: Escalate | None = None

    @property
    def name(self) -> str:
        """The route's name, as notifications have it."""
        return self.path[-1]

    def is_muted(self, at_ms: int) -> bool:
        """Return whether nobody is to be told of what fires at this moment."""
        return within(self.mute, at_ms) or (bool(self.active) and not within(self.active, at_ms))


def planned(route: Route, above: Plan | None, times: Mapping[str, tuple[Interval, ...]]) -> Plan:
    """Return how a node tells; `above`: how its parent does. `times`: those that it may name."""
    before = above or Plan(())

    def named(names: tuple[str, ...] | None, inherited: tuple[Interval, ...]) -> tuple[Interval, ...]:
        return inherited if names is None else tuple(each for name in names for each in times[name])

    def given(own: int | None, inherited: int) -> int:
        return inherited if own is None else own

    return Plan(
        (*before.path, route.name),
        before.channels if route.channels is None else route.channels,
        before.group_by if route.group_by is None else route.group_by,
        given(route.group_wait, before.wait_ms),
        given(route.group_interval, before.interval_ms),
        given(route.repeat_interval, before.repeat_ms),
        named(route.active, before.active),
        named(route.mute, before.mute),
        route.escalate or before.escalate,
    )


def nodes(root: Route, times: Mapping[str, tuple[Interval, ...]]) -> Iterator[tuple[Route, Plan]]:
    """Yield every node with its plan, parents first."""

    def below(route: Route, above: Plan | None) -> Iterator[tuple[Route, Plan]]:
        plan = planned(route, above, times)
        yield route, plan
        for child in route.routes:
            yield from below(child, plan)

    return below(root, None)
