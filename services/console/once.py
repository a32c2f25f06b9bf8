"""A link that signs in whoever opens it first, for a console that ends with who started it."""

import hmac
import secrets
from typing import Final

_BYTES: Final = 32


class Once:
    """Holds the token of a session until somebody has come for it."""

    def __init__(self, token: str) -> None:
        self._token: str | None = token
        self._secret = secrets.token_urlsafe(_BYTES)

    @property
    def path(self) -> str:
        """Return what the link has behind the origin."""
        return f"/once/{self._secret}"

    def taken(self, secret: str) -> str | None:
        """Return the token, to the first who knows the secret; None: it is another one, or somebody was here."""
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return None
        token, self._token = self._token, None
        return token
