"""What is usual of the durations of each tenant, in PostgreSQL: `windows.timings`."""

from collections.abc import Collection, Mapping
from typing import Any

from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.timing_jumps import Timings

_bodies = TenantBodies[Timings]("windows.timings", Timings, dict)


async def load_timings(tx: Any, tenants: Collection[str]) -> dict[str, Timings]:
    """Return what is known of these tenants; nothing where nothing is stored."""
    return await _bodies.load(tx, tenants)


async def save_timings(tx: Any, partition: int, timings: Mapping[str, Timings]) -> None:
    """Store what is known of them."""
    await _bodies.save(tx, partition, timings)
