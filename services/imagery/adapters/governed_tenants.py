"""The tenants' settings that are in force now, as governance has put them there."""

from proofwatch.governance.activations import TimelineKey
from proofwatch.governance.follower import Follower
from proofwatch.governance.tenant import Tenant
from proofwatch.runtime.clock import Clock


class GovernedTenants:
    """By what a follower has read; without one no tenant has settings, and no imagery is opened."""

    def __init__(self, follower: Follower | None, clock: Clock) -> None:
        self._follower, self._clock = follower, clock

    def __call__(self, tenant: str) -> Tenant | None:
        """Return the settings in force; None: there are none, or a document is missing."""
        if self._follower is None:
            return None
        replica, now = self._follower.replica, self._clock.now_ms()
        entries = replica.activations.effective(TimelineKey("tenant", "live", tenant))
        current = next((each for each in reversed(entries) if each.from_ms <= now), None)
        document = replica.documents.get("tenant", current.hash) if current else None
        return document.content if document and isinstance(document.content, Tenant) else None
