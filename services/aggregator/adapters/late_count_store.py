"""What came late and waits for the charts, in PostgreSQL: `windows.late_counts`, one row for each tenant."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.cusum.late import LateCounts

_LOAD: Final = "select tenant, body from windows.late_counts where partition = $1 and due_ms is not null"
_decode: Final = msgspec.msgpack.Decoder(LateCounts).decode
_bodies = TenantBodies("windows.late_counts", LateCounts, LateCounts, due_ms="bigint")


async def load_waiting(tx: Any, partition: int) -> dict[str, LateCounts]:
    """Return by tenant what waits in a tallies partition."""
    return {tenant: _decode(zlib.decompress(body)) for tenant, body in await tx.fetch(_LOAD, partition)}


async def save_late(tx: Any, partition: int, late: Mapping[str, LateCounts]) -> None:
    """Store by tenant what waits, or that nothing does."""
    await _bodies.save(tx, partition, late, {tenant: each.due_ms or None for tenant, each in late.items()})
