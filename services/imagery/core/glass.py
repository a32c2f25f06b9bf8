"""Breaking the glass: what is somebody else's case may be opened for minutes, because a second person agreed.

One asks, with a reason, for one transaction of one case; a second one agrees, with a reason of their own; then the
first may take a few leases until the time is over. It stands in for the assignment of the case and for nothing else:
every other condition holds (`policy/imagery.cedar`), at each step, and it can be stopped at any moment.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.access.roles import Act, known, may_approve
from proofwatch.governance.purposes import Purpose
from services.imagery.core.facts import Viewer

LONGEST_MINUTES: Final = 30

WORDS: Final = {
    "no_glass": "nobody asked for that, or not for you to see: the id is the one that asking returned",
    "glass_not_agreed": "a second person has not agreed yet: a checker of this tenant does, with the id",
    "glass_unanswered": "nobody agreed in time: ask again",
    "glass_over": "the minutes that were agreed are over: ask again, with a reason",
    "glass_spent": "the uses that were agreed are spent: ask again, with a reason",
    "glass_stopped": "it was stopped: ask again, with a reason",
    "glass_untold": "the SOC could not be told of it yet, and it opens nothing before: it is tried again by itself",
    "glass_ahead": "it begins later than now: the clock of this machine has been set back",
    "agreed_already": "a second person has agreed to it already",
    "own_glass": "nobody agrees to what they asked for themselves, whatever their roles: a second person does",
    "not_for_you": "to agree you need the role checker and this tenant",
    "not_needed": "the case is assigned to you: ask for a grant as ever",
}
"""A sentence for each reason, to who is refused."""


class Glass(NamedTuple):
    """What was asked for, and what became of it. Times are UTC; `expires_at`: of the asking until somebody agrees."""

    glass_id: str
    person_id: str
    tenant: str
    case_id: str
    transaction_id: str
    purpose: Purpose
    reason: str
    asked_at: datetime
    expires_at: datetime
    uses_left: int
    second_person: str | None = None
    agreed_at: datetime | None = None
    ended_at: datetime | None = None
    told_at: datetime | None = None
    """When the SOC was told that it has begun; before, it opens nothing."""
    end_told_at: datetime | None = None
    second_stands: bool = True
    """Whether who agreed could still agree: neither revoked, nor given other roles or tenants."""

    def closed(self, now: datetime) -> str | None:
        """Return why it opens nothing at this moment, whatever is left of its uses; None: it does."""
        if self.ended_at is not None or not self.second_stands:
            return "glass_stopped"
        if self.agreed_at is None:
            return "glass_unanswered" if now >= self.expires_at else "glass_not_agreed"
        if now < self.agreed_at:
            return "glass_ahead"
        if now >= self.expires_at:
            return "glass_over"
        return "glass_untold" if self.told_at is None else None

    def fault(self, now: datetime) -> str | None:
        """Return why it gives no lease at this moment; None: it does."""
        return self.closed(now) or (None if self.uses_left > 0 else "glass_spent")

    def refusal_of(self, second: Viewer, now: datetime) -> str | None:
        """Return why this person cannot agree to it now; None: they can."""
        if second.person_id == self.person_id:
            return "own_glass"
        sees = second.tenants is None or self.tenant in second.tenants
        if not sees or not may_approve(
            known(second.roles), Act.APPROVE_BREAK_GLASS, second.person_id, proposed_by=self.person_id
        ):
            return "not_for_you"
        if self.agreed_at is not None and self.ended_at is None:
            return "agreed_already"
        fault = self.closed(now)
        return None if fault == "glass_not_agreed" else fault

    def may_stop(self, who: Viewer) -> bool:
        """Return whether this person may stop it: who asked, who agreed, and whoever could have agreed."""
        if who.person_id in (self.person_id, self.second_person):
            return True
        sees = who.tenants is None or self.tenant in who.tenants
        return sees and may_approve(known(who.roles), Act.APPROVE_BREAK_GLASS, who.person_id, self.person_id)


class GlassTerms(NamedTuple):
    """How long somebody is waited for, how long it lasts then, and how many leases it gives.

    More than half an hour is half an hour.
    """

    minutes: int = LONGEST_MINUTES
    uses: int = 2
    answer_minutes: int = 15

    def asked_until(self, now: datetime) -> datetime:
        """Return until when somebody may agree."""
        return now + timedelta(minutes=self.answer_minutes)

    def until(self, now: datetime) -> datetime:
        """Return when what is agreed to now is over."""
        return now + timedelta(minutes=min(self.minutes, LONGEST_MINUTES))
