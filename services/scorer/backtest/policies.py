"""Which two policies a backtest compares: files, documents of the log by their hash, or what is in force."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proofwatch.events.wire import connect_wire
from proofwatch.governance.policy import InvalidPolicy, Policy, load_policy
from proofwatch.governance.regime import Regime
from proofwatch.governance.scope import EVERYONE
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SystemClock
from services.scorer.explain.search import Search

if TYPE_CHECKING:
    from proofwatch.bus.kafka.bus import KafkaBus

_HASH: Final = re.compile(r"[0-9a-f]{32}")


async def policy_of(reference: str, settings: GovernanceSettings, bootstrap: str | None) -> Policy:
    """Return the policy in a file, or the document of this hash on the policies topic. Raises `InvalidPolicy`."""
    if not _HASH.fullmatch(reference):
        return load_policy(Path(reference))
    async with kafka(settings, bootstrap) as bus:
        wire = await connect_wire(settings)
        try:
            found = await Search(bus, wire=wire).policy(reference)
        finally:
            await wire.close()
    if found is None:
        raise InvalidPolicy(f"policy {reference} is not on the policies topic; propose it first, or give its file")
    return found


async def policy_in_force(settings: GovernanceSettings, bootstrap: str | None, tenant: str | None) -> Policy:
    """Return the policy in force for a tenant, or for everyone; without a keyring, the policy file's.

    Says on standard error which one it is, and that cohorts or tenants have others where they do.
    """
    last_resort = load_policy(settings.policy_file)
    if settings.keyring_file is None:
        return last_resort
    clock = SystemClock()
    async with kafka(settings, bootstrap) as bus:
        follower = settings.follower(bus, clock)
        await follower.start()
        regime = follower.replica.at(clock.now_ms())
        await follower.stop()
    found = regime.policy_for(tenant, None) if tenant else regime.policies.get(EVERYONE)
    policy = found or last_resort
    others = narrower(regime, tenant)
    more = f"; not played: the policies of {', '.join(others)}" if others else ""
    sys.stderr.write(f"against {policy.name} ({policy.hash}), in force for {tenant or 'everyone'}{more}\n")
    return policy


def narrower(regime: Regime, tenant: str | None) -> list[str]:
    """Return the scopes within a tenant (None: within everyone) that have a live policy of their own."""
    inside = f"{tenant}/" if tenant else ""
    return sorted(scope for scope in regime.policies if scope != EVERYONE and scope.startswith(inside))


@asynccontextmanager
async def kafka(settings: GovernanceSettings, bootstrap: str | None) -> AsyncIterator["KafkaBus"]:
    """Give a connection, to `bootstrap` in place of the settings' brokers if given. Raises `BusUnavailable`."""
    from proofwatch.bus.kafka.bus import KafkaBus  # the driver belongs to an extra; files work without it

    bus = KafkaBus.of(settings, "backtest", bootstrap=bootstrap)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()
