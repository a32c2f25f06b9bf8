"""What a kind of channel is made of, and what opening one needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Generic, Self, TypeVar

from pydantic import Field, model_validator

from proofwatch.events.types import Notification
from proofwatch.runtime.secrets import InvalidSecretFile, read_secret, secret_of
from services.notifier.core.routes import Part
from services.notifier.ports import Channel

Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
_SETTINGS: Final = "PROOFWATCH_"


class ChannelSettings(Part):
    """What the routes file says of one channel; a kind's own settings say `kind: Literal["…"]`."""

    kind: str


class SecretSettings(ChannelSettings):
    """Of a channel with a secret, which is named here and never written.

    `secret_env` names an environment variable (or, with the suffix _FILE, a variable that names a file), `secret_file`
    a file. A variable's name does not begin with PROOFWATCH_: those are settings.
    """

    secret_env: Variable | None = None
    secret_file: str | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.secret_env or "").startswith(_SETTINGS):
            msg = f"secret_env must not begin with {_SETTINGS}: such variables are settings, and others stop the start"
            raise ValueError(msg)
        if (self.secret_env is None) == (self.secret_file is None):
            msg = "give either secret_env (the name of a variable) or secret_file (a path)"
            raise ValueError(msg)
        return self

    @property
    def secret_place(self) -> str:
        """Where the secret is, as messages name it."""
        return f"file {self.secret_file}" if self.secret_file else f"variable {self.secret_env}"

    def secret(self, environment: Mapping[str, str]) -> str | None:
        """Return the secret's text; None: it is not set. Raises `InvalidChannel`."""
        try:
            if self.secret_file:
                return read_secret(Path(self.secret_file))
            return secret_of(str(self.secret_env), environment)
        except InvalidSecretFile as error:
            raise InvalidChannel(str(error)) from error


class InvalidChannel(ValueError):
    """A channel cannot be opened: stop at start-up; the message names what would be right, and no secret."""


S = TypeVar("S", bound=ChannelSettings)
Payload = Callable[[Notification], bytes]


@dataclass(frozen=True)
class ChannelKind(Generic[S]):
    """One kind: what the routes file says of it, what its receivers get, and how one is opened.

    `payload` holds nothing of the event but the notification; `open` raises `InvalidChannel` and connects to nobody.
    """

    settings: type[S]
    payload: Payload
    open: Callable[[S, Payload, Mapping[str, str]], Channel]
