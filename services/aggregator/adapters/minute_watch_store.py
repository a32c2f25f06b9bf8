"""What the watch over minutes remembers of each tenant, in PostgreSQL: `windows.minute_watch`."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from proofwatch.bus.postgres.pool import attend as attend
from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.real_time.tenant import TenantState

_LOAD_DUE: Final = "select tenant, due_ms from windows.minute_watch where partition = $1 and due_ms is not null"
_bodies = TenantBodies("windows.minute_watch", TenantState, TenantState, due_ms="bigint")


async def load_tenants(tx: Any, tenants: Collection[str]) -> dict[str, TenantState]:
    """Return the states of these tenants; a new one where nothing is stored."""
    return await _bodies.load(tx, tenants)


async def load_due(tx: Any, partition: int) -> dict[str, int]:
    """Return by when the tenants of a tallies partition are due to be told of, if nothing comes; ms since 1970."""
    return dict(await tx.fetch(_LOAD_DUE, partition))


async def save_tenants(tx: Any, partition: int, states: Mapping[str, tuple[TenantState, int | None]]) -> None:
    """Store the states and when they are due."""
    bodies = {tenant: state for tenant, (state, _) in states.items()}
    await _bodies.save(tx, partition, bodies, {tenant: due_ms for tenant, (_, due_ms) in states.items()})
