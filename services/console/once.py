"""Links that sign in whoever opens one first, for a console that ends with who started it."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Final

_BYTES: Final = 32


class Once:
    """Holds tokens of sessions, each until somebody has come for it by its own link."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = {secrets.token_urlsafe(_BYTES): token for token in tokens}
        self._paths = [f"/once/{secret}" for secret in self._tokens]

    @property
    def paths(self) -> Sequence[str]:
        """Return what the links have behind the origin, in the order of the tokens."""
        return self._paths

    def taken(self, secret: str) -> str | None:
        """Return the token, to the first who knows its secret; None: it is another one, or somebody was here."""
        for known in self._tokens:
            if hmac.compare_digest(secret.encode(), known.encode()):
                return self._tokens.pop(known)
        return None
