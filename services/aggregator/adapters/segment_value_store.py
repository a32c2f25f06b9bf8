"""Which segment values of each tenant are counted each by itself, in PostgreSQL: `windows.segment_values`."""

from collections.abc import Collection, Mapping
from typing import Any

from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.segment_values import Admitted

_bodies = TenantBodies("windows.segment_values", Admitted, Admitted)


async def load_values(tx: Any, tenants: Collection[str]) -> dict[str, Admitted]:
    """Return the values of these tenants; none where nothing is stored."""
    return await _bodies.load(tx, tenants)


async def save_values(tx: Any, partition: int, values: Mapping[str, Admitted]) -> None:
    """Store the values of the tenants that changed."""
    await _bodies.save(tx, partition, values)
