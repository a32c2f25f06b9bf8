"""One policy for everyone and all times: that of the policy file."""

from proofwatch.detection.velocity import horizon_ms, limits_of
from proofwatch.events.types import Transaction
from proofwatch.governance.policy import Policy


class OnePolicy:
    """`ports.Policies` of a single policy; a proof that names another is judged by this one, as after a change."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def in_force(self, event: Transaction, log_ms: int) -> Policy:
        """Return the policy."""
        return self._policy

    def named(self, policy_hash: str) -> Policy | None:
        """Return the policy, whatever the hash."""
        return self._policy

    def horizon_ms(self) -> int:
        """Return how far its rules look back."""
        return horizon_ms(limits_of(self._policy.suspicion.device_velocity))
