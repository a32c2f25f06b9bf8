"""Sessions: who signed in, as what, until when. Of a token only its SHA-256 is kept.

Lifetimes are those of NIST SP 800-63B-4 for its highest level: twelve hours at most, fifteen minutes without a call.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.access.roles import Act, Role, may
from proofwatch.access.scopes import OPENS, Scope
from proofwatch.audit.entry import Actor, person

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

    Or a machine with a token (`proofwatch.access.machines`): `machine` is its name, it has scopes and no roles, and the
    token's id stands for both the session's and the person's. No such session can be locked, so it changes nothing.
    """

    session_id: str
    person_id: str
    tenants: frozenset[str] | None
    roles: frozenset[Role]
    signed_in_at: datetime
    mfa_at: datetime
    expires_at: datetime
    machine: str | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def actor(self) -> Actor:
        """Return who acts, for an entry."""
        return person(self.person_id) if self.machine is None else Actor("service", f"machine {self.machine}")

    @property
    def identity(self) -> str:
        """Return by what who acts is known, for an entry."""
        return f"session {self.session_id}" if self.machine is None else f"token {self.session_id}"

    def may(self, act: Act) -> bool:
        """Return whether its roles allow this; of a machine, its scopes."""
        return bool(self.allowing(act)) if self.machine is not None else may(self.roles, act)

    def allowing(self, act: Act) -> list[str]:
        """Return which of the roles, or of the scopes, allow this, for an entry."""
        if self.machine is not None:
            return sorted(scope for scope in self.scopes if act in OPENS[scope])
        return sorted(role for role in self.roles if may([role], act))

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


def is_alive(
    session: Session,
    seen_at: datetime,
    now: datetime,
    lifetimes: Lifetimes = LIFETIMES,
    vouched_until: datetime | None = None,
) -> bool:
    """Return whether a session holds at `now`; `seen_at`: the latest time that it was used.

    `vouched_until`: until when a provider has vouched for it; None: it is a local one.

    A clock that shows less than the session has seen was set back: no.
    """
    if now < max(seen_at, session.signed_in_at) - SKEW:
        return False
    if vouched_until is not None and now >= vouched_until:
        return False
    return now < session.expires_at and now - seen_at < lifetimes.idle
