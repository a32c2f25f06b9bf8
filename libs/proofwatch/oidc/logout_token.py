"""Whether a logout token can be believed (OpenID Connect Back-Channel Logout 1.0, 2.6). Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from joserfc.jwk import KeySet

from proofwatch.oidc.id_token import Expected, NotBelieved, decoded

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
OLDEST_S: Final = 600
"""So old one may be; so long it is remembered which were taken."""
_LEEWAY_S: Final = 30
_LONGEST: Final = 255
_TYPES: Final = ("logout+jwt", "application/logout+jwt", "jwt")


class Logout(NamedTuple):
    """Whose sessions have ended at the provider: those of `sid`, or all of the subject; `jti`: of this token alone."""

    issuer: str
    jti: str
    subject: str | None
    sid: str | None


def believed_logout(token: str, keys: KeySet, expected: Expected, now: datetime) -> Logout:
    """Return what a logout token says. Raises `UnknownKey`, `NotBelieved`."""
    found = decoded(token, keys)
    claims = found.claims
    if not isinstance(claims, dict):
        raise NotBelieved("unreadable")
    if str(found.header.get("typ", "jwt")).lower() not in _TYPES:
        raise NotBelieved("other_type")
    if claims.get("iss") != expected.issuer:
        raise NotBelieved("other_issuer")
    if claims.get("aud") not in (expected.client_id, [expected.client_id]):
        raise NotBelieved("other_audience")
    if "nonce" in claims:  # of an ID token, which nobody shall use as this
        raise NotBelieved("nonce")
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise NotBelieved("no_event")
    _timely(claims, now.timestamp())
    jti, subject, sid = (_name(claims, each) for each in ("jti", "sub", "sid"))
    if jti is None or (subject is None and sid is None):
        raise NotBelieved("nobody")
    return Logout(expected.issuer, jti, subject, sid)


def _timely(claims: Mapping[str, Any], now: float) -> None:
    at, until = claims.get("iat"), claims.get("exp")
    for each in (at, until):
        if not isinstance(each, int | float) or isinstance(each, bool):
            raise NotBelieved("no_time")
    assert at is not None, "as was seen"
    assert until is not None, "likewise"
    if not now - OLDEST_S <= at <= now + _LEEWAY_S or not until > now - _LEEWAY_S:
        raise NotBelieved("other_time")


def _name(claims: Mapping[str, Any], claim: str) -> str | None:
    found = claims.get(claim)
    if found is None:
        return None
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST or "\0" in found:
        raise NotBelieved(f"malformed_{claim}")
    return found
