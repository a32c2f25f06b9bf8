"""A small OpenID Connect provider over HTTP: code and PKCE, refresh, userinfo; it lies where a test says so."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "console", "the client's secret"


class OidcProvider:
    """People by their subject, with claims; whoever comes to it signs in as `who`."""

    def __init__(self, issuer: str, now: Callable[[], float]) -> None:
        self.issuer, self._now = issuer, now
        self.people: dict[str, dict[str, Any]] = {}
        self.who = ""
        self.keys: list[Any] = [RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})]
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh: dict[str, str] = {}
        self.sessions: dict[str, float] = {}
        """When each signed in here; who has a session is not asked again, unless that is asked for."""
        self.sids: dict[str, str] = {}
        """Its own session of each."""
        self.says_sid = True
        self.sought: list[dict[str, str]] = []
        """What the authorization endpoint was asked."""
        self.lie: Callable[[dict[str, Any]], None] = lambda claims: None
        self.signed: Callable[[dict[str, Any]], str] = self.honest
        self.away = self.gives_no_refresh = False
        self.asked: list[str] = []
        self.keys_asked = 0
        self.says_more: dict[str, Any] = {}
        """What its userinfo endpoint says beside the name."""

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        self.keys = [RSAKey.generate_key(2048, {"kid": f"k{secrets.token_hex(4)}", "use": "sig"})]

    def honest(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, claims, self.keys[0])

    def unsigned(self, claims: dict[str, Any]) -> str:
        head, body = _b64(b'{"alg":"none","kid":"k1"}'), self.honest(claims).split(".")[1]
        return f"{head}.{body}."

    def confused(self, claims: dict[str, Any]) -> str:
        """Sign with the public key, as if it were a secret (HS256)."""
        head, body = _b64(b'{"alg":"HS256","kid":"k1"}'), self.honest(claims).split(".")[1]
        signature = hmac.digest(self.keys[0].as_pem(private=False), f"{head}.{body}".encode(), "sha256")
        return f"{head}.{body}.{_b64(signature)}"

    def foreign(self, claims: dict[str, Any]) -> str:
        """Sign with a key of somebody else's, under the name of ours."""
        other = RSAKey.generate_key(2048, {"kid": str(self.keys[0].kid)})
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, claims, other)

    def unknown(self, claims: dict[str, Any]) -> str:
        """Sign with a key of somebody else's, of which nobody has heard."""
        other = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})
        return jwt.encode({"alg": "RS256", "kid": other.kid}, claims, other)

    def application(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def configuration() -> Response:
            return self._or_away(
                {
                    "issuer": self.issuer,
                    **{f"{each}_endpoint": f"{self.issuer}/{each}" for each in ("authorization", "token", "userinfo")},
                    "jwks_uri": f"{self.issuer}/jwks",
                    "end_session_endpoint": f"{self.issuer}/leave",
                    "backchannel_logout_supported": True,
                    "backchannel_logout_session_supported": True,
                    "authorization_response_iss_parameter_supported": True,
                }
            )

        @app.get("/jwks")
        async def jwks() -> Response:
            self.keys_asked += 1
            return self._or_away(dict(KeySet(self.keys).as_dict(private=False)))

        @app.get("/authorization")
        async def authorization(request: Request) -> Response:
            asked = dict(request.query_params)
            assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
            assert (asked["code_challenge_method"], asked["scope"].split()[0]) == ("S256", "openid")
            self.sought.append(asked)
            if asked.get("prompt") == "login" or asked.get("max_age") == "0" or self.who not in self.sessions:
                self.sessions[self.who] = self._now()
                self.sids[self.who] = secrets.token_hex(8)
            code = secrets.token_urlsafe(16)
            self.codes[code] = {**asked, "sub": self.who}
            back = {"code": code, "state": asked["state"], "iss": self.issuer}
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303)

        @app.post("/token")
        async def token(request: Request) -> Response:
            given = dict(parse_qsl((await request.body()).decode()))
            grant_type, refresh_token = given["grant_type"], given.get("refresh_token", "")
            self.asked.append(grant_type)
            if (
                request.headers.get("authorization")
                != f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
            ):
                return JSONResponse({"error": "invalid_client"}, 401)
            begun = self.codes.pop(given.get("code", ""), {})
            challenge = _b64(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
            subject = self.refresh.pop(refresh_token, None) if grant_type == "refresh_token" else begun.get("sub")
            proven = grant_type == "refresh_token" or (begun.get("code_challenge"), begun.get("redirect_uri")) == (
                challenge, given.get("redirect_uri"),
            )  # fmt: skip
            if subject not in self.people or not proven:
                return self._or_away({"error": "invalid_grant"}, 400)
            return self._or_away(self._tokens(subject, begun.get("nonce")))

        @app.get("/userinfo")
        async def userinfo(request: Request) -> Response:
            subject = request.headers["authorization"].rpartition(".")[2]
            name = self.people[subject].get("name", "")
            return self._or_away({"sub": subject, "preferred_username": name, **self.says_more})

        return app

    def logout_claims(self, **said: Any) -> dict[str, Any]:
        """Return what a logout token says; `said`: of whom, or what a test has otherwise; None: not there."""
        at = int(self._now())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 120, "jti": secrets.token_hex(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        return {name: each for name, each in {**claims, **said}.items() if each is not None}

    def _tokens(self, subject: str, nonce: str | None) -> dict[str, Any]:
        at = int(self._now())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": subject, "iat": at, "exp": at + 300}
        claims["auth_time"] = int(self.sessions.get(subject, at))
        claims |= {name: each for name, each in self.people[subject].items() if name != "name"}
        claims |= {"nonce": nonce} if nonce else {}
        claims |= {"sid": self.sids[subject]} if self.says_sid and subject in self.sids else {}
        self.lie(claims)
        again = secrets.token_urlsafe(16)
        self.refresh[again] = subject
        given = {
            "access_token": f"{secrets.token_hex(8)}.{subject}",
            "token_type": "Bearer",
            "id_token": self.signed(claims),
        }
        return given if self.gives_no_refresh else {**given, "refresh_token": again}

    def _or_away(self, body: dict[str, Any], status: int = 200) -> Response:
        return JSONResponse({"error": "server_error"}, 503) if self.away else JSONResponse(body, status)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
