"""A system without governance: the policy of last resort decides about everything, always."""

from proofwatch.governance.regime import Regime
from services.scorer.core.books import UNGOVERNED


class Ungoverned:
    """Implements `ports.Governance`."""

    def knows(self, log_ms: int) -> bool:
        """There is nothing to know."""
        return True

    def at(self, log_ms: int) -> Regime:
        """Return the regime in which nothing is in force."""
        return UNGOVERNED
