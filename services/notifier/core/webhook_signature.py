"""Signing as Standard Webhooks 1.0.0 says (github.com/standard-webhooks): HMAC-SHA256 over `id.timestamp.body`."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_MIN_BYTES: Final = 24
_MAX_BYTES: Final = 64
_REMEDY: Final = (
    f"it must be {_PREFIX} and the base64 of {_MIN_BYTES} to {_MAX_BYTES} random bytes; "
    f'make one: echo "{_PREFIX}$(head -c 32 /dev/urandom | base64)"'
)


class InvalidSecret(ValueError):
    """A webhook secret cannot be used: stop at start-up. The message never holds the secret."""


class Secret:
    """A symmetric signing secret that shows itself nowhere."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Take `whsec_` + base64. Raises `InvalidSecret`."""
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else b""
        except (binascii.Error, ValueError):
            key = b""
        if not _MIN_BYTES <= len(key) <= _MAX_BYTES:
            raise InvalidSecret(_REMEDY)
        self._key = key

    def sign(self, content: bytes) -> str:
        """Return one signature with its version, `v1,<base64>`."""
        return "v1," + base64.b64encode(hmac.digest(self._key, content, "sha256")).decode()

    def __repr__(self) -> str:
        return "Secret(…)"


def parse_secrets(text: str | None) -> tuple[Secret, ...]:
    """Return the secrets of a blank-separated list. Raises `InvalidSecret` for none or a bad one."""
    secrets = tuple(Secret(part) for part in (text or "").split())
    if not secrets:
        msg = f"is not set or empty; {_REMEDY}"
        raise InvalidSecret(msg)
    return secrets


def signed_headers(secrets: Sequence[Secret], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers; `timestamp_s` is the time of the attempt, in seconds since the Unix epoch."""
    content = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(secret.sign(content) for secret in secrets),
    }
