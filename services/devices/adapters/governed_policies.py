"""The policies that governance has put in force."""

from proofwatch.detection.velocity import horizon_ms, limits_of
from proofwatch.events.segments import segment_value
from proofwatch.events.types import Transaction
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy


class GovernedPolicies:
    """`ports.Policies` by what a follower has read; where nothing is in force, the policy of last resort."""

    def __init__(self, follower: Follower, last_resort: Policy) -> None:
        self._follower = follower
        self._last_resort = last_resort
        self._by_hash = {last_resort.hash: last_resort}
        self._horizon_ms = _horizon_ms(last_resort)

    def in_force(self, event: Transaction, log_ms: int) -> Policy:
        """Return the policy of the narrowest scope that covers the transaction. Raises `ReplicaBehind`."""
        self._follower.require(log_ms)
        regime = self._follower.replica.at(log_ms)
        names = regime.cohorts.get(event.tenant, ())
        values = {name: value for name in names if (value := segment_value(event, name)) is not None}
        policy = regime.policy_for(event.tenant, values) or self._last_resort
        self._learn(policy)
        return policy

    def named(self, policy_hash: str) -> Policy | None:
        """Return the policy of that content hash; None: it is not in the log."""
        if policy_hash not in self._by_hash:
            document = self._follower.replica.documents.get("policy", policy_hash)
            if document is None or not isinstance(document.content, Policy):
                return None
            self._learn(document.content)
        return self._by_hash[policy_hash]

    def horizon_ms(self) -> int:
        """Return how much log time the rules of all policies look back on that are in force now or were met."""
        newest = self._follower.known_until_ms
        in_force = self._follower.replica.at(newest).policies.values() if newest is not None else ()
        return max([self._horizon_ms, *map(_horizon_ms, in_force)])

    def _learn(self, policy: Policy) -> None:
        if policy.hash not in self._by_hash:
            self._by_hash[policy.hash] = policy
            self._horizon_ms = max(self._horizon_ms, _horizon_ms(policy))


def _horizon_ms(policy: Policy) -> int:
    return horizon_ms(limits_of(policy.suspicion.device_velocity))
