"""The routes file: channels, and routes to them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, Union

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from proofwatch.strict_yaml import InvalidYaml, load_yaml
from services.notifier.adapters.channels.kind import ChannelSettings
from services.notifier.adapters.channels.log import LogSettings
from services.notifier.adapters.channels.registry import KINDS
from services.notifier.core.routes import LOG_CHANNEL, Name, Part, Route

DEFAULT: Final = Path(__file__).with_name("routes.yaml")


def _kind(channel: Any) -> Any:  # a mapping of the file, or a model that is built already
    return channel.get("kind") if isinstance(channel, dict) else getattr(channel, "kind", None)


if TYPE_CHECKING:
    _Channel = ChannelSettings
else:  # one of the registry's kinds, by its name
    _Channel = Annotated[
        Union[tuple(Annotated[kind.settings, Tag(name)] for name, kind in KINDS.items())],  # noqa: UP007 — made here
        Discriminator(_kind),
    ]


class Routes(Part):
    """A whole routes file. The channel `log` is there even if the file does not name it."""

    channels: dict[Name, _Channel] = Field(default_factory=dict)
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

    def all_channels(self) -> dict[str, ChannelSettings]:
        """Return what the file says of every channel, `log` included."""
        return {LOG_CHANNEL: LogSettings(kind="log"), **self.channels}


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
