"""What came late and waits for the charts, in PostgreSQL: `windows.late_counts`, one row for each tenant."""

from collections.abc import Mapping
from typing import Any, Final

from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.cusum.late import LateCounts

_WAITING: Final = "select tenant from windows.late_counts where partition = $1 and due_ms is not null"
_bodies = TenantBodies("windows.late_counts", LateCounts, LateCounts, due_ms="bigint")


async def load_waiting(tx: Any, partition: int) -> dict[str, LateCounts]:
    """Return by tenant what waits in a tallies partition."""
    return await _bodies.load(tx, [row[0] for row in await tx.fetch(_WAITING, partition)])


async def save_late(tx: Any, partition: int, late: Mapping[str, LateCounts]) -> None:
    """Store by tenant what waits, or that nothing does."""
    await _bodies.save(tx, partition, late, {tenant: each.due_ms or None for tenant, each in late.items()})
