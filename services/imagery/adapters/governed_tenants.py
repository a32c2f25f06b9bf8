"""The tenants' settings that are in force now, as governance has put them there."""

from collections.abc import Mapping, Sequence

import structlog

from proofwatch.bus.errors import Halted
from proofwatch.governance.follower import Follower
from proofwatch.governance.tenant import Tenant
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from services.imagery.core.location import shared

_log = structlog.get_logger(__name__)


class SharedPlace(Halted):
    """Two tenants keep imagery in one place: nothing is opened before people have separated them."""


class GovernedTenants:
    """By what a follower has read; without one no tenant has settings, and no imagery is opened.

    A part of the service as well, behind the follower: it does not start where two tenants share a place.
    """

    def __init__(self, follower: Follower | None, clock: Clock) -> None:
        self._follower, self._clock = follower, clock
        self._shared = Condition(_log, "imagery_place_shared")

    def __call__(self, tenant: str) -> Tenant | None:
        """Return the settings in force of a tenant whose contract is; None: there are none, or none can be known.

        They cannot while governance has not been read for longer than changes take to come into force. Nor has a
        tenant any whose place is another's, too.
        """
        tenants = self._in_force()
        found = tenants.get(tenant)
        if found is None or not found.served(self._clock.now_ms()):
            return None
        pairs = shared(tenants.values())
        if pairs:
            self._shared.holds("shared", reason="; ".join(map(str, pairs)))
        else:
            self._shared.clears()
        return None if any(tenant in pair for pair in pairs) else found

    async def start(self) -> None:
        """Look at the settings once. Raises `SharedPlace`."""
        if pairs := shared(self._in_force().values()):
            raise SharedPlace("; ".join(map(str, pairs)))

    async def step(self, *, idle: bool = False) -> int:
        """Nothing: each decision looks at them."""
        return 0

    async def run(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing to release."""

    def unready(self) -> Sequence[str]:
        """Return nothing: who shares a place is refused, and others are not."""
        return []

    def _in_force(self) -> Mapping[str, Tenant]:
        follower, now = self._follower, self._clock.now_ms()
        if follower is None or follower.known_until_ms is None or now > follower.known_until_ms:
            return {}
        return follower.replica.at(now).tenants
