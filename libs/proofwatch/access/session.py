"""Sessions: who signed in, as what, until when. Of a token only its SHA-256 is kept.

Lifetimes are those of NIST SP 800-63B-4 for its highest level: twelve hours at most, fifteen minutes without a call.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.access.roles import Act, Role, may

TOKEN_BYTES: Final = 32
SKEW: Final = timedelta(seconds=5)
"""By so much clocks of several machines may differ; one that is further back than what a session has seen is wrong."""


class Lifetimes(NamedTuple):
    """How long a session lasts: without a call, and at most."""

    idle: timedelta = timedelta(minutes=15)
    whole: timedelta = timedelta(hours=12)


LIFETIMES: Final = Lifetimes()


@dataclass(frozen=True, slots=True)
class Session:
    """A person who signed in. `tenants` None: all of them. `expires_at`: when it ends at the latest.

    Roles and tenants are those of the person as long as the session lasts: a change of them ends it.
    """

    session_id: str
    person_id: str
    tenants: frozenset[str] | None
    roles: frozenset[Role]
    signed_in_at: datetime
    mfa_at: datetime
    expires_at: datetime

    def may(self, act: Act) -> bool:
        """Return whether its roles allow this."""
        return may(self.roles, act)

    def sees(self, tenant: str) -> bool:
        """Return whether what belongs to this tenant is there for this person."""
        return self.tenants is None or tenant in self.tenants

    def has_confirmed(self, now: datetime, within: timedelta) -> bool:
        """Return whether a one-time code was given so lately; a clock that was set back says no."""
        return timedelta(0) <= now - self.mfa_at + SKEW <= within + SKEW


def token_of(random: bytes) -> str:
    """Return 32 random bytes as what the person's browser or file keeps. Raises `ValueError` for another number."""
    if len(random) != TOKEN_BYTES:
        raise ValueError(f"a token is made of {TOKEN_BYTES} random bytes, not {len(random)}")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_alive(session: Session, seen_at: datetime, now: datetime, lifetimes: Lifetimes = LIFETIMES) -> bool:
    """Return whether a session holds at `now`; `seen_at`: the latest time that it was used.

    A clock that shows less than the session has seen was set back: no.
    """
    if now < max(seen_at, session.signed_in_at) - SKEW:
        return False
    return now < session.expires_at and now - seen_at < lifetimes.idle
