"""What every process needs to know that is governed, or that governs."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from proofwatch.bus.port import Bus
from proofwatch.governance.follower import Follower
from proofwatch.governance.keyring import load_keyring
from proofwatch.governance.replica import Replica
from proofwatch.runtime import settings
from proofwatch.runtime.clock import Clock


class GovernanceSettings(settings.Settings):
    """Where the keyring is, and how long records of governance lie in the log before they take effect."""

    keyring_file: Path | None = None
    """Whose signatures count. Absent: policies and tenants are not governed, the policy file decides for everyone."""
    governance_lead_seconds: Annotated[float, Field(ge=10, le=24 * 3600)] = 60.0
    """The same for every process."""

    def follower(self, bus: Bus, clock: Clock) -> Follower:
        """Return what follows the topics of governance. Raises `InvalidKeyring`."""
        keyring = load_keyring(self.keyring_file) if self.keyring_file else None
        return Follower(bus, Replica(keyring, self._lead_ms), clock, every_s=self._every_s)

    def documents(self, bus: Bus, clock: Clock) -> Follower | None:
        """Return what follows policies and tenants alone; None: nobody governs them. Raises `InvalidKeyring`."""
        if self.keyring_file is None:
            return None
        replica = Replica(load_keyring(self.keyring_file), self._lead_ms, documents_only=True)
        return Follower(bus, replica, clock, every_s=self._every_s)

    @property
    def _lead_ms(self) -> int:
        return round(self.governance_lead_seconds * 1000)

    @property
    def _every_s(self) -> float:
        """Seconds between two looks: so often that several may fail before anybody waits, and no oftener."""
        return min(5.0, max(1.0, self.governance_lead_seconds / 12))
