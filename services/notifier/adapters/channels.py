"""From what the routes file names to channels that deliver."""

from collections.abc import Mapping
from pathlib import Path

from proofwatch.runtime.secrets import InvalidSecretFile, read_secret, secret_of
from services.notifier.adapters.http import WebhookChannel
from services.notifier.adapters.log import LogChannel
from services.notifier.core import routes
from services.notifier.core.signature import InvalidSecret, Secret, parse_secrets
from services.notifier.ports import Channel


class InvalidChannel(ValueError):
    """A channel cannot be opened: stop at start-up; the message names the channel and what would be right."""


def open_channels(wanted: routes.Routes, environment: Mapping[str, str]) -> dict[str, Channel]:
    """Open every channel of the routes. Raises `InvalidChannel`, which never holds a secret."""
    return {name: _open(name, spec, environment) for name, spec in wanted.channel_specs().items()}


def _open(name: str, spec: routes.LogChannel | routes.WebhookChannel, environment: Mapping[str, str]) -> Channel:
    if isinstance(spec, routes.WebhookChannel):
        return WebhookChannel(spec.url, _secrets(name, spec, environment), spec.timeout_seconds)
    try:
        return LogChannel(Path(spec.path) if spec.path else None)
    except OSError as error:
        msg = f"channel {name}: {spec.path} cannot be appended to ({error.strerror}); give a writable path"
        raise InvalidChannel(msg) from error


def _secrets(name: str, spec: routes.WebhookChannel, environment: Mapping[str, str]) -> tuple[Secret, ...]:
    where = f"file {spec.secret_file}" if spec.secret_file else f"variable {spec.secret_env}"
    try:
        text = read_secret(Path(spec.secret_file)) if spec.secret_file else secret_of(str(spec.secret_env), environment)
    except InvalidSecretFile as error:
        msg = f"channel {name}: {error}"
        raise InvalidChannel(msg) from error
    try:
        return parse_secrets(text)
    except InvalidSecret as error:
        msg = f"channel {name}: the secret in {where} {error}"
        raise InvalidChannel(msg) from error
