"""Governance as the scorer asks for it: by a follower of its topics, or none at all."""

from proofwatch.governance.follower import Follower
from proofwatch.governance.regime import Regime
from services.scorer.core.effective_policies import UNGOVERNED


class Governed:
    """Implements `ports.Governance` by what a follower has read."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def knows(self, log_ms: int) -> bool:
        """Return whether the follower has come far enough."""
        known_ms = self._follower.known_until_ms
        return known_ms is not None and log_ms < known_ms

    def at(self, log_ms: int) -> Regime:
        """Return what is in force."""
        return self._follower.replica.at(log_ms)


class Ungoverned:
    """Implements `ports.Governance` where nobody governs: the policy of last resort decides, always."""

    def knows(self, log_ms: int) -> bool:
        """There is nothing to know."""
        return True

    def at(self, log_ms: int) -> Regime:
        """Return the regime in which nothing is in force."""
        return UNGOVERNED
