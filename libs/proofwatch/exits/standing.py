"""What is in force with a tenant: by its governed settings, as the log has them now.

Where nobody governs tenants (no keyring), whoever runs the platform answers for the contracts, and an entry says so.
"""

from datetime import date
from typing import Final, NamedTuple

from proofwatch.governance.follower import ReplicaBehind
from proofwatch.governance.keyring import InvalidKeyring
from proofwatch.governance.purposes import LegalBasis
from proofwatch.governance.release import NO_CONTRACT, UNDER_CONTRACT
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.governance.tenant import Tenant
from proofwatch.runtime.clock import Clock

NOT_GOVERNED: Final = "not_governed"
UNKNOWN: Final = "unknown"


class ContractUnread(Exception):
    """Tenants are governed, and what is in force with them cannot be read; the message says why."""


class Standing(NamedTuple):
    """The legal bases in force with a tenant, and what its contract is: a state of it, not governed, or unknown."""

    bases: frozenset[LegalBasis]
    contract: str


OF_THE_PLATFORM: Final = Standing(UNDER_CONTRACT, "every_tenant")
"""Of what is about no single tenant: whoever runs the platform does so under the contracts of all of them."""
BY_LAW: Final = Standing(UNDER_CONTRACT, "not_asked")
"""Of what the law asks, whatever a contract is by now: that the log can be read, and that persons have their rights."""


class Days(NamedTuple):
    """Days that an exit is about: `first` inclusive, `after` exclusive."""

    first: date
    after: date


def standing_of(tenant: Tenant | None, now_ms: int, days: Days | None = None) -> Standing:
    """Return what is in force with a tenant; None: its settings are not in the log.

    `days`: the contract must have covered one of them, whatever it is now, for what is billed was served under it;
    None: it must be in force now.
    """
    if tenant is None:
        return Standing(NO_CONTRACT, UNKNOWN)
    contract = tenant.contract
    if days is None:
        covered = tenant.served(now_ms)
    else:
        ended = contract.until is not None and contract.until <= days.first
        covered = contract.state != "draft" and contract.starts < days.after and not ended
    return Standing(UNDER_CONTRACT if covered else NO_CONTRACT, contract.state)


async def standing(
    settings: GovernanceSettings, tenant: str, clock: Clock, *, bootstrap: str | None = None, days: Days | None = None
) -> Standing:
    """Return the same by the newest settings on the topics of governance.

    Raises `ContractUnread`, and `BusUnavailable` where Kafka is away.
    """
    if settings.keyring_file is None:
        return Standing(UNDER_CONTRACT, NOT_GOVERNED)
    try:
        from proofwatch.bus.kafka.bus import KafkaBus  # the driver belongs to an extra
    except ModuleNotFoundError as error:
        raise ContractUnread(
            f"tenants are governed (PROOFWATCH_KEYRING_FILE), and reading their contracts needs {error.name}: "
            "pip install 'proofwatch[kafka]'"
        ) from None
    bus = KafkaBus.of(settings, "exits", bootstrap=bootstrap)
    await bus.start()
    try:
        follower = settings.documents(bus, clock)
        assert follower is not None, "there is a keyring"
        await follower.start()
        now_ms = clock.now_ms()
        found = follower.replica.at(now_ms).tenants.get(tenant)
        await follower.stop()
    except (InvalidKeyring, ReplicaBehind) as error:
        raise ContractUnread(f"the contract of {tenant} cannot be read: {error}") from None
    finally:
        await bus.stop()
    return standing_of(found, now_ms, days)
