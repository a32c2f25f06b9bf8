"""Logout tokens: what is believed, and everything that is not (OpenID Connect Back-Channel Logout 1.0, 2.6)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from proofwatch.oidc.id_token import Expected, NotBelieved
from proofwatch.oidc.logout_token import EVENT, Logout, believed_logout

ISSUER = "https://id.example"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
TOLD: dict[str, Any] = {
    "iss": ISSUER, "aud": "console", "iat": AT, "exp": AT + 120, "jti": "j1", "sub": "s-ada", "events": {EVENT: {}},
}  # fmt: skip


def read(said: dict[str, Any], **header: str) -> Logout:
    claims = {name: each for name, each in {**TOLD, **said}.items() if each is not None}
    token = jwt.encode({"alg": "RS256", "kid": "k1", **header}, claims, KEY)
    return believed_logout(token, KeySet([KEY]), Expected(ISSUER, "console"), NOW)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, Logout(ISSUER, "j1", "s-ada", None)),
        ({"sid": "x"}, Logout(ISSUER, "j1", "s-ada", "x")),
        ({"sub": None, "sid": "x", "aud": ["console"]}, Logout(ISSUER, "j1", None, "x")),
        ({"iat": AT - 600, "exp": AT - 29}, Logout(ISSUER, "j1", "s-ada", None)),
        ({"iat": AT + 30, "events": {EVENT: {}, "other": 1}}, Logout(ISSUER, "j1", "s-ada", None)),
    ],
)
def test_what_is_a_logout_token_is_believed(said: dict[str, Any], found: Logout) -> None:
    """Of one session, or of a subject; clocks may differ by half a minute."""
    assert read(said) == found
    assert read(said, typ="logout+jwt") == found


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "another client"},
        {"aud": ["console", "another client"]},
        {"aud": []},
        {"aud": None},
        {"iat": None},
        {"iat": True},
        {"iat": 0},
        {"iat": AT - 601},
        {"iat": AT + 31},
        {"exp": AT - 30},
        {"iat": float("nan")},
        {"exp": float("nan")},
        {"iat": 10**11},
        {"iat": "now"},
        {"exp": 1},
        {"exp": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"events": None},
        {"events": [EVENT]},
        {"events": {EVENT: None}},
        {"events": {EVENT: "{}"}},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"nonce": "n"},
        {"sub": None, "sid": None},
        {"sub": ""},
        {"sub": ["s-ada"]},
        {"sub": "s-ada\0"},
        {"sid": 7},
    ],
)
def test_what_is_no_logout_token_is_not(said: dict[str, Any]) -> None:
    """Of another issuer, for another client, too old or to come, of no event, an ID token, about nobody."""
    with pytest.raises(NotBelieved):
        read(said)


def test_a_token_of_another_type_or_signature_is_not() -> None:
    """Not one that is an access token by its header; not one without a signature, or with a secret's (HS256)."""
    with pytest.raises(NotBelieved):
        read({}, typ="at+jwt")
    secret = OctKey.import_key("a secret of at least thirty-two bytes")
    made = jwt.encode({"alg": "HS256", "kid": "k1"}, TOLD, secret)
    other = jwt.encode({"alg": "RS256", "kid": "k1"}, TOLD, RSAKey.generate_key(2048, {"kid": "k1"}))
    for token in (made, other, made.rpartition(".")[0] + ".", "", "x", "a.b.c"):
        with pytest.raises(NotBelieved):
            believed_logout(token, KeySet([KEY]), Expected(ISSUER, "console"), NOW)
