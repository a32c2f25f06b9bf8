"""A lease: minutes in which one session may open the imagery of one transaction, a few times. And a single view."""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from proofwatch.governance.purposes import Purpose

ViewState = Literal["intended", "delivered", "withheld", "undelivered", "presumed_seen"]
ENDS: Final[dict[ViewState, frozenset[ViewState]]] = {
    "intended": frozenset({"delivered", "withheld", "undelivered", "presumed_seen"}),
    "delivered": frozenset(),
    "withheld": frozenset(),
    "undelivered": frozenset(),
    "presumed_seen": frozenset(),
}
"""From which state a view may go to which."""

WORDS: Final = {
    "no_lease": "there is no such grant: ask for one with the case and your reason",
    "other_session": "the grant was given to another session, and that it was tried here is told to the SOC",
    "lease_over": "the grant is over: ask again",
    "lease_spent": "the grant's views are spent: ask again, with a reason",
    "lease_revoked": "the grant was taken back",
    "lease_ahead": "the grant begins later than now: the clock of this machine has been set back",
}


class Lease(NamedTuple):
    """What was granted, and what is left of it. Times are UTC."""

    lease_id: str
    session_id: str
    person_id: str
    tenant: str
    case_id: str
    transaction_id: str
    purpose: Purpose
    reason: str
    granted_at: datetime
    expires_at: datetime
    views_left: int
    revoked_at: datetime | None = None
    glass_id: str | None = None
    """What a second person agreed to, where the case was not this person's: the lease ends with it."""

    def fault(self, session_id: str, now: datetime) -> str | None:
        """Return why the lease gives this session no view now; None: it does."""
        if session_id != self.session_id:
            return "other_session"
        if self.revoked_at is not None:
            return "lease_revoked"
        if now < self.granted_at:
            return "lease_ahead"
        if now >= self.expires_at:
            return "lease_over"
        return None if self.views_left > 0 else "lease_spent"


class View(NamedTuple):
    """A single view, entered before a byte is fetched."""

    view_id: str
    lease_id: str
    person_id: str
    sharp: bool
    intended_at: datetime


class Terms(NamedTuple):
    """How long a lease lasts and how many views it gives; seconds that a view may take until its first byte.

    `chunk_bytes`: how much of a view is sent at once; between two of them it is looked whether it is still allowed.
    """

    minutes: int = 5
    views: int = 3
    view_s: float = 30.0
    chunk_bytes: int = 16_384

    def until(self, now: datetime) -> datetime:
        """Return when a lease of now is over."""
        return now + timedelta(minutes=self.minutes)


def ended(state: ViewState, into: ViewState) -> ViewState:
    """Return `into`. Raises ValueError where a view cannot go there: a defect."""
    if into not in ENDS[state]:
        msg = f"a view that is {state} does not become {into}"
        raise ValueError(msg)
    return into
