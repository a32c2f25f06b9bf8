"""Whether an ID token can be believed (OpenID Connect Core 1.0, 3.1.3.7). Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures of key pairs alone: neither none, nor one that whoever has the public key could make (HS256)."""
_KINDS: Final = ("RSA", "EC")
_LEEWAY_S: Final = 30
_LONGEST_SUBJECT: Final = 255


class NotBelieved(Exception):
    """A token is not what it should be; `why` says which, in a word, for the log alone."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class UnknownKey(NotBelieved):
    """It is signed by no key that is known here: there may be newer ones."""


class Expected(NamedTuple):
    """What an ID token must say. `nonce` None: none was sent, as when a session is looked at again."""

    issuer: str
    client_id: str
    nonce: str | None = None
    subject: str | None = None


def keys_of(document: Mapping[str, Any]) -> KeySet:
    """Return the keys of a JWK Set that may sign; what is of another kind is left out. Raises `NotBelieved`."""
    given = document.get("keys")
    if not isinstance(given, list):
        raise NotBelieved("keys_unreadable")
    found = []
    for each in given:
        if not isinstance(each, dict) or each.get("kty") not in _KINDS or each.get("use", "sig") != "sig":
            continue
        try:
            found.append(import_key(each))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return KeySet(found)


def decoded(token: str, keys: KeySet) -> jwt.Token:
    """Return a token that one of these keys has signed; of its claims nothing is judged. Raises `UnknownKey`."""
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS)
    except JoseError as error:
        raise UnknownKey(type(error).__name__) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UnknownKey("unreadable") from None


def believed(token: str, keys: KeySet, expected: Expected, now: datetime, access_token: str = "") -> dict[str, Any]:
    """Return the claims of an ID token. Raises `UnknownKey`, `NotBelieved`."""
    found = decoded(token, keys)
    must = {"iss": expected.issuer, "aud": expected.client_id}
    options: Any = {name: {"essential": True, "value": value} for name, value in must.items()}
    params = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": access_token}
    claims = CodeIDToken(found.claims, found.header, options, params)
    try:
        claims.validate(int(now.timestamp()), _LEEWAY_S)
    except JoseError as error:
        raise NotBelieved(f"{type(error).__name__}_{getattr(error, 'claim', '')}") from None
    except (ValueError, TypeError, AttributeError):
        raise NotBelieved("unreadable") from None
    return _strict(dict(claims), expected)


def _strict(claims: dict[str, Any], expected: Expected) -> dict[str, Any]:
    subject = claims["sub"]
    if claims["iss"] != expected.issuer:  # the library takes a list that has it
        raise NotBelieved("other_issuer")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
        raise NotBelieved("no_subject")
    if expected.subject is not None and subject != expected.subject:
        raise NotBelieved("other_subject")
    return claims


def sid_in(proven: Mapping[str, Any]) -> str | None:
    """Return by what the provider knows its own session; None: it does not say (Back-Channel Logout 1.0, 2.1)."""
    found = proven.get("sid")
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_SUBJECT and "\0" not in found else None
