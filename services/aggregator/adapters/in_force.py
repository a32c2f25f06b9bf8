"""What is in force with a tenant now, for who reads its figures: contract, time zone, the policy whose limits judge."""

from typing import NamedTuple

from proofwatch.exits.standing import NOT_GOVERNED, Standing, standing_of
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy
from proofwatch.governance.release import UNDER_CONTRACT
from proofwatch.runtime.clock import Clock


class TenantNow(NamedTuple):
    """`zone` None: UTC."""

    standing: Standing
    zone: str | None
    policy: Policy


class TenantsNow:
    """By what a follower has read; without one nobody governs tenants, and one policy judges them all."""

    def __init__(self, follower: Follower | None, policy: Policy, clock: Clock) -> None:
        """`policy`: what judges where none is in force for the tenant."""
        self._follower, self._policy, self._clock = follower, policy, clock

    def of(self, tenant: str) -> TenantNow:
        """Return what is in force. Raises `ReplicaBehind`."""
        if self._follower is None:
            return TenantNow(Standing(UNDER_CONTRACT, NOT_GOVERNED), None, self._policy)
        now_ms = self._clock.now_ms()
        self._follower.require(now_ms)
        regime = self._follower.replica.at(now_ms)
        settings = regime.tenants.get(tenant)
        zone = settings.calendar().zone if settings else None
        return TenantNow(standing_of(settings, now_ms), zone, regime.policy_for(tenant, None) or self._policy)
