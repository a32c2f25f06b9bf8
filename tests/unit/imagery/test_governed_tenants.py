"""The settings that imagery is opened by: in force at this moment, known to be, and of one tenant alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from proofwatch.governance.tenant import Tenant
from proofwatch.runtime.clock import SimulatedClock
from services.imagery.adapters.governed_tenants import GovernedTenants, SharedPlace

NOW = 1_772_442_000_000


def tenant(name: str, prefix: str, state: str = "active", **contract: str) -> Tenant:
    return Tenant.from_document(
        {
            "tenant": name,
            "contract": {"state": state, "from": "2025-01-01", **contract},
            "time_zone": "UTC",
            "segments": [],
            "imagery": {"store": "main", "bucket": "imagery", "prefix": prefix},
        }
    )


def governed(*tenants: Tenant, known_until: int | None = NOW + 5_000) -> GovernedTenants:
    regime = SimpleNamespace(tenants={each.tenant: each for each in tenants})
    follower: Any = SimpleNamespace(known_until_ms=known_until, replica=SimpleNamespace(at=lambda _: regime))
    return GovernedTenants(follower, SimulatedClock(NOW))


async def test_what_is_in_force_is_given() -> None:
    kestrel = tenant("kestrel", "kestrel/")
    found = governed(kestrel, tenant("heron", "heron/"))
    await found.start()
    assert found("kestrel") == kestrel
    assert found("osprey") is None
    assert GovernedTenants(None, SimulatedClock(NOW))("kestrel") is None


@pytest.mark.parametrize(
    "settings",
    [
        tenant("kestrel", "kestrel/", "suspended"),
        tenant("kestrel", "kestrel/", "ended"),
        tenant("kestrel", "kestrel/", "draft"),
        tenant("kestrel", "kestrel/", until="2026-03-01"),
    ],
)
def test_a_contract_that_is_not_in_force_opens_nothing(settings: Tenant) -> None:
    assert governed(settings)("kestrel") is None


@pytest.mark.parametrize("known_until", [None, NOW - 1])
def test_settings_that_may_have_been_withdrawn_meanwhile_open_nothing(known_until: int | None) -> None:
    """Governance could not be read for longer than a change takes to come into force."""
    assert governed(tenant("kestrel", "kestrel/"), known_until=known_until)("kestrel") is None


async def test_two_tenants_in_one_place_are_refused_at_the_start_and_later() -> None:
    """Both, whoever was there first; who shares nothing goes on."""
    found = governed(tenant("kestrel", "imagery/"), tenant("heron", "imagery/heron/"), tenant("wren", "wren/"))
    with pytest.raises(SharedPlace, match="heron and kestrel keep imagery in one place"):
        await found.start()
    assert found("kestrel") is None
    assert found("heron") is None
    assert found("wren") is not None
