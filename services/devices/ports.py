"""What devices needs from outside."""

from typing import Protocol

from proofwatch.events.types import Transaction
from proofwatch.governance.policy import Policy


class Policies(Protocol):
    """The policies in force, and those that were: a proof names its policy by hash and is judged by it later."""

    def in_force(self, event: Transaction, log_ms: int) -> Policy:
        """Return the policy that is in force for a transaction at its log time (ms since the Unix epoch)."""
        ...

    def named(self, policy_hash: str) -> Policy | None:
        """Return the policy of that content hash; None: it is not known here."""
        ...

    def horizon_ms(self) -> int:
        """Return how much log time the rules of all policies look back on (`detection.velocity.horizon_ms`)."""
        ...
