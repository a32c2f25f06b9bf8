"""Tokens for SASL OAUTHBEARER: from a file that somebody else renews, or from an OAuth 2.0 token endpoint."""

import asyncio
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from aiokafka import conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import AuthenticationFailedError, SaslAuthenticationFailed

from proofwatch.runtime.secrets import InvalidSecretFile, read_secret

_ANSWER_S: Final = 8.0
_MAX_BYTES: Final = 65_536
_EARLY: Final = 0.8
"""A token is renewed after this share of its life, so that none expires on its way to the broker."""


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # the library ships no types
    """The content of a file, read anew for every connection, since it is renewed there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """Return the token. Raises `AuthenticationFailedError`, as the library expects."""
        try:
            return (await asyncio.to_thread(read_secret, self._path)).strip()
        except InvalidSecretFile as error:
            raise AuthenticationFailedError(f"PROOFWATCH_KAFKA_OAUTH_TOKEN_FILE: {error}") from None


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """A token for client id and secret (RFC 6749, section 4.4), shared by all connections until it is about to end."""

    def __init__(self, url: str, client_id: str, client_secret: str, scope: str | None = None) -> None:
        self._url = url
        self._form = urllib.parse.urlencode({"grant_type": "client_credentials"} | ({"scope": scope} if scope else {}))
        # section 2.3.1: both are form-encoded before they go into the header
        pair = ":".join(map(urllib.parse.quote_plus, (client_id, client_secret)))
        self._authorization = "Basic " + b64encode(pair.encode()).decode()
        self._token, self._until = "", 0.0
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that is still good for a while. Raises `AuthenticationFailedError`."""
        async with self._turn:
            if time.monotonic() >= self._until:
                asked_at = time.monotonic()
                answer = await asyncio.to_thread(self._ask)
                self._token = str(answer["access_token"])
                self._until = asked_at + _EARLY * float(answer.get("expires_in", 0))
            return self._token

    def _ask(self) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https only
            self._url,
            self._form.encode(),
            {"Authorization": self._authorization, "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S, context=_context(self._url)) as response:  # noqa: S310
                answer = json.loads(response.read(_MAX_BYTES))
        except urllib.error.HTTPError as error:
            raise self._failed(f"answers {error.code}; is the client secret right?") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise self._failed(f"does not answer as a token endpoint ({reason})") from None
        if not isinstance(answer, dict) or not answer.get("access_token"):
            raise self._failed("gives no access_token")
        return answer

    def _failed(self, why: str) -> AuthenticationFailedError:
        return AuthenticationFailedError(f"PROOFWATCH_KAFKA_OAUTH_TOKEN_URL: {self._url} {why}")


class _Authenticator(conn.OAuthAuthenticator):  # type: ignore[misc]
    """Notices that a token was refused: the broker says so in the exchange itself (RFC 7628, section 3.2.2), which the
    library takes for success, and every later request for nonsense.
    """

    async def step(self, payload: bytes | None) -> Any:
        """Return what to send next; None: the broker has let us in. Raises `SaslAuthenticationFailed`."""
        if payload:
            raise SaslAuthenticationFailed(payload.decode(errors="replace"))
        return await super().step(payload)


conn.OAuthAuthenticator = _Authenticator


def _context(url: str) -> ssl.SSLContext | None:
    return ssl.create_default_context() if url.startswith("https:") else None
