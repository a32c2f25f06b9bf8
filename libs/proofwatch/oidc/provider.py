"""An OpenID Connect provider as its client asks it, by Authlib: where to send people, what their codes are worth.

Answers of a provider are believed as far as `id_token` says. A call takes at most some seconds, and follows no
redirect.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.jwk import KeySet

from proofwatch.oidc.id_token import Expected, NotBelieved, UnknownKey, believed, keys_of
from proofwatch.oidc.logout_token import Logout, believed_logout

_ANSWER_S: Final = 5.0
_KEYS_S: Final = 30.0
_KEPT_S: Final = 3600.0
"""What a provider says of itself is asked anew after so long; keys also where one is not known."""
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_BYTES: Final = 32


class ProviderAway(Exception):
    """The provider does not answer, or not as a provider does; the message says what was asked."""


class Gone(Exception):
    """The provider does not vouch for this person, or this code, any more."""


class Client(NamedTuple):
    """Who we are to the provider. `secret` None: a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str | None
    scopes: str
    returned: str
    """The address to which it sends people back."""


class Flow(NamedTuple):
    """What one sign-in is known by: `state` in the address, `nonce` in the ID token, `verifier` for PKCE."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Flow":
        """Return one that nobody guesses."""
        return cls(*(secrets.token_urlsafe(_BYTES) for _ in range(3)))


class Fresh(NamedTuple):
    """A sign-in that must happen now (OpenID Connect Core 1.0, 3.1.2.1); `acr`: one of these is to be reached."""

    acr: tuple[str, ...] = ()

    def asked(self) -> dict[str, str]:
        """Return what the provider is asked for."""
        return {"max_age": "0", "prompt": "login"} | ({"acr_values": " ".join(self.acr)} if self.acr else {})


class Vouched(NamedTuple):
    """What the provider says of somebody: the claims, and what to ask it with again; None: it gave nothing for that."""

    claims: Mapping[str, Any]
    refresh_token: str | None
    proven: Mapping[str, Any] = MappingProxyType({})
    """Those of the ID token alone."""


class Provider:
    """One for each process."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._said: tuple[dict[str, Any], float] | None = None
        self._keys: KeySet | None = None
        self._keys_s = 0.0

    @property
    def issuer(self) -> str:
        """Return its name."""
        return self._client.issuer

    async def address(self, flow: Flow, fresh: Fresh | None = None) -> str:
        """Return where somebody signs in; `fresh`: whatever session they have there. Raises `ProviderAway`."""
        said = await self._of_itself()
        async with self._session(said) as session:
            address, _ = session.create_authorization_url(
                said["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
                **(fresh.asked() if fresh else {}),
            )
        return str(address)

    async def come(self, code: str, flow: Flow, now: datetime, issuer: str | None = None) -> Vouched:
        """Return who somebody is by the code that they brought; `issuer`: who sent them, by the address (RFC 9207).

        Raises `ProviderAway`, `Gone`, `NotBelieved`.
        """
        said = await self._of_itself()
        if (issuer or said.get("authorization_response_iss_parameter_supported") is True) and issuer != self.issuer:
            raise NotBelieved("other_issuer")
        given = await self._tokens(
            said, grant_type="authorization_code", code=code, code_verifier=flow.verifier,
            redirect_uri=self._client.returned,
        )  # fmt: skip
        expected = Expected(self.issuer, self._client.client_id, flow.nonce)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise NotBelieved("no_id_token")
        claims = await self._believed(said, token, expected, given, now)
        return await self._vouched(said, given, claims, claims["sub"])

    async def still(self, refresh_token: str, subject: str, now: datetime) -> Vouched:
        """Return what the provider says now of somebody who has signed in; no claims: that they are still there alone.

        Raises `ProviderAway`, `Gone`, `NotBelieved`.
        """
        said = await self._of_itself()
        given = await self._tokens(said, refresh_token=refresh_token)
        expected = Expected(self.issuer, self._client.client_id, subject=subject)
        token = given.get("id_token")
        claims = await self._believed(said, token, expected, given, now) if isinstance(token, str) else {}
        found = await self._vouched(said, given, claims, subject)
        return found._replace(refresh_token=found.refresh_token or refresh_token)

    async def logout(self, token: str, now: datetime) -> Logout:
        """Return what a logout token says. Raises `ProviderAway`, `Gone`, `NotBelieved`.

        Anybody may send one: keys that are not known are asked for at most twice a minute.
        """
        said, expected = await self._of_itself(), Expected(self.issuer, self._client.client_id)
        known = self._keys
        try:
            return believed_logout(token, known or await self._newest_keys(said), expected, now)
        except UnknownKey:
            if known is None or monotonic() - self._keys_s < _KEYS_S:
                raise
        return believed_logout(token, await self._newest_keys(said), expected, now)

    async def way_out(self, returned: str) -> str | None:
        """Return where people sign out of the provider, and come back from to `returned`; None: it has no such place.

        Raises `ProviderAway` (OpenID Connect RP-Initiated Logout 1.0).
        """
        place = (await self._of_itself()).get("end_session_endpoint")
        secure = not self.issuer.startswith("https://")
        if not isinstance(place, str) or not (secure or place.startswith("https://")):
            return None
        asked = urlencode({"client_id": self._client.client_id, "post_logout_redirect_uri": returned})
        return f"{place}{'&' if '?' in place else '?'}{asked}"

    async def _vouched(
        self, said: Mapping[str, Any], given: Mapping[str, Any], claims: Mapping[str, Any], subject: str
    ) -> Vouched:
        """Add what the provider says of somebody at its userinfo endpoint, if it has one; the ID token goes before."""
        more: Mapping[str, Any] = {}
        access, endpoint = given.get("access_token"), said.get("userinfo_endpoint")
        if isinstance(endpoint, str) and isinstance(access, str):
            more = await self._asked(endpoint, {"Authorization": f"Bearer {access}"})
            if more.get("sub") != subject:
                raise NotBelieved("other_subject")
        refresh = given.get("refresh_token")
        return Vouched({**more, **claims}, refresh if isinstance(refresh, str) and refresh else None, claims)

    async def _believed(
        self, said: Mapping[str, Any], token: str, expected: Expected, given: Mapping[str, Any], now: datetime
    ) -> dict[str, Any]:
        access = str(given.get("access_token") or "")
        known = self._keys
        try:
            return believed(token, known or await self._newest_keys(said), expected, now, access)
        except UnknownKey:
            if known is None:
                raise
        return believed(token, await self._newest_keys(said), expected, now, access)

    async def _newest_keys(self, said: Mapping[str, Any]) -> KeySet:
        self._keys, self._keys_s = keys_of(await self._asked(said["jwks_uri"])), monotonic()
        return self._keys

    async def _of_itself(self) -> dict[str, Any]:
        if self._said is None or monotonic() - self._said[1] > _KEPT_S:
            said = await self._asked(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if said.get("issuer") != self.issuer:
                raise ProviderAway("the discovery document is of another issuer than PROOFWATCH_OIDC_ISSUER")
            secure = self.issuer.startswith("https://")
            for name in _ENDPOINTS:
                if not isinstance(said.get(name), str) or (secure and not said[name].startswith("https://")):
                    raise ProviderAway(f"the discovery document has no {name}, or one without TLS")
            self._said, self._keys = (said, monotonic()), None
        return self._said[0]

    async def _tokens(self, said: Mapping[str, Any], **asked: str) -> Mapping[str, Any]:
        try:
            async with self._session(said) as session:
                if "refresh_token" in asked:
                    found = await session.refresh_token(said["token_endpoint"], **asked)
                else:
                    found = await session.fetch_token(said["token_endpoint"], **asked)
        except OAuthError as error:
            if error.error in ("invalid_grant", "access_denied"):
                raise Gone from None
            raise ProviderAway(f"the token endpoint refuses this client: {error.error!r:.80}") from None
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise ProviderAway(f"the token endpoint does not answer as one ({type(error).__name__})") from None
        return dict(found)

    async def _asked(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False) as client:
                answer = await client.get(address, headers=headers)
            if headers and answer.status_code in (401, 403):
                raise Gone
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAway(f"{address} does not answer ({type(error).__name__})") from None
        if not isinstance(found, dict):
            raise ProviderAway(f"{address} answers something else than an object")
        return found

    def _session(self, said: Mapping[str, Any]) -> Any:
        ways = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return AsyncOAuth2Client(
            client_id=self._client.client_id,
            client_secret=self._client.secret,
            token_endpoint_auth_method=way if self._client.secret else "none",
            scope=self._client.scopes,
            redirect_uri=self._client.returned,
            code_challenge_method="S256",
            timeout=_ANSWER_S,
            trust_env=False,
        )
