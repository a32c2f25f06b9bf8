"""The routes file: channels, and the tree of routes to them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, Union

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from proofwatch.strict_yaml import InvalidYaml, load_yaml
from services.notifier.adapters.channels.kind import ChannelSettings
from services.notifier.adapters.channels.log import LogSettings
from services.notifier.adapters.channels.registry import KINDS
from services.notifier.core.around import Inhibition, Limit
from services.notifier.core.durations import Span
from services.notifier.core.intervals import Interval
from services.notifier.core.matchers import MatcherText
from services.notifier.core.plans import ESCALATED, Plans
from services.notifier.core.routes import LOG_CHANNEL, Name, Part, Route
from services.notifier.core.routing import UNMATCHED
from services.notifier.core.telling import DIGEST

DEFAULT: Final = Path(__file__).with_name("routes.yaml")
_TAKEN: Final = frozenset({UNMATCHED, DIGEST, ESCALATED})


def _kind(channel: Any) -> Any:  # a mapping of the file, or a model that is built already
    return channel.get("kind") if isinstance(channel, dict) else getattr(channel, "kind", None)


if TYPE_CHECKING:
    _Channel = ChannelSettings
else:  # one of the registry's kinds, by its name
    _Channel = Annotated[
        Union[tuple(Annotated[kind.settings, Tag(name)] for name, kind in KINDS.items())],  # noqa: UP007 — made here
        Discriminator(_kind),
    ]


class LimitSettings(Part):
    """At most so many messages within a time; what ends is told beyond it."""

    messages: Annotated[int, Field(ge=1, le=100_000)]
    per: Span


class InhibitionSettings(Part):
    """While something that matches `source` fires, what matches `target` and equals it in `equal` is not told."""

    source: Annotated[tuple[MatcherText, ...], Field(min_length=1)]
    target: Annotated[tuple[MatcherText, ...], Field(min_length=1)]
    equal: tuple[str, ...] = ()


class Routes(Part):
    """A whole routes file. The channel `log` is there even if the file does not name it."""

    channels: dict[Name, _Channel] = Field(default_factory=dict)
    route: Route = Route(name="default", channels=(LOG_CHANNEL,))
    times: dict[Name, tuple[Interval, ...]] = Field(default_factory=dict)
    inhibit: tuple[InhibitionSettings, ...] = ()
    limits: dict[Name, LimitSettings] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _a_tree(cls, document: Any) -> Any:
        if isinstance(document, dict) and "routes" in document:
            msg = (
                "routes stands at the top: routes are a tree now. Write `route: {name: all, channels: [log], routes: "
                "[…]}` with the routes of before in it, and `continue: true` in each that is not to be the last"
            )
            raise ValueError(msg)
        return document

    @model_validator(mode="after")
    def _complete(self) -> Self:
        routes = [*_all(self.route)]
        for route in routes:
            self._whole(route)
        names = [route.name for route in routes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = f"two routes are called {twice[0]}; each needs a name of its own"
            raise ValueError(msg)
        if self.route.channels is None:
            msg = "route.channels: the first route tells what no other wants; give it channels, such as [log]"
            raise ValueError(msg)
        if self.route.model_fields_set & {"match", "goes_on"}:
            msg = "route: the first route takes everything; put match and continue into the routes below it"
            raise ValueError(msg)
        if missing := sorted(set(self.limits) - self._known):
            msg = f"limits.{missing[0]}: there is no such channel; there are: {', '.join(sorted(self._known))}"
            raise ValueError(msg)
        return self

    @property
    def _known(self) -> set[str]:
        return {LOG_CHANNEL, *self.channels}

    def _whole(self, route: Route) -> None:
        """Raise `ValueError` for what a route names and nobody has."""
        wanted = {*(route.channels or ()), *(route.escalate.channels if route.escalate else ())}
        if missing := sorted(wanted - self._known):
            msg = f"route {route.name} names the channel {missing[0]}; there are: {', '.join(sorted(self._known))}"
            raise ValueError(msg)
        if missing := sorted({*(route.active or ()), *(route.mute or ())} - set(self.times)):
            there_are = ", ".join(sorted(self.times)) or "none"
            msg = f"route {route.name} names the times {missing[0]}; there are: {there_are}"
            raise ValueError(msg)
        if route.name in _TAKEN:
            msg = f"a route is called {route.name}, a name that the service uses; choose another"
            raise ValueError(msg)

    def all_channels(self) -> dict[str, ChannelSettings]:
        """Return what the file says of every channel, `log` included."""
        return {LOG_CHANNEL: LogSettings(kind="log"), **self.channels}

    def plans(self) -> Plans:
        """Return the tree with how each node tells."""
        return Plans.of(self.route, self.times)

    def inhibitions(self) -> tuple[Inhibition, ...]:
        """Return what is not told while something else fires."""
        return tuple(Inhibition(each.source, each.target, each.equal) for each in self.inhibit)

    def channel_limits(self) -> Mapping[str, Limit]:
        """Return how much the channels take that do not take everything."""
        return {name: Limit(each.messages, each.per) for name, each in self.limits.items()}


def _all(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _all(child)


class InvalidRoutes(ValueError):
    """The routes file cannot be used: stop at start-up; the message names file, key and what would be right."""


def load_routes(path: Path | None = None) -> Routes:
    """Read a routes file, or the default for None. Raises `InvalidRoutes`, which repeats no value of the file."""
    path = path or DEFAULT
    try:
        document = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidRoutes(str(error)) from None
    try:
        return Routes.model_validate(document)
    except ValidationError as error:
        findings = "; ".join(
            f"{'.'.join(map(str, finding['loc'])) or 'the file'}: {finding['msg'].removeprefix('Value error, ')}"
            for finding in error.errors(include_url=False, include_input=False)
        )
        msg = f"{path}: {findings}; {DEFAULT} shows a right one"
        raise InvalidRoutes(msg) from None
