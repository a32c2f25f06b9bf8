"""What is usual of the durations of each tenant, in PostgreSQL: `windows.timings`."""

import zlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from services.aggregator.core.timing_jumps import Timings

_LOAD: Final = "select tenant, body from windows.timings where tenant = any($1::text[])"
_SAVE: Final = """
insert into windows.timings (partition, tenant, body) select $1, * from unnest($2::text[], $3::bytea[])
on conflict (tenant) do update set body = excluded.body
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Timings).decode


async def load_timings(tx: Any, tenants: Collection[str]) -> dict[str, Timings]:
    """Return what is known of these tenants; nothing where nothing is stored."""
    found: dict[str, Timings] = {tenant: {} for tenant in tenants}
    for tenant, body in await tx.fetch(_LOAD, list(tenants)):
        found[tenant] = _decode(zlib.decompress(body))
    return found


async def save_timings(tx: Any, partition: int, timings: Mapping[str, Timings]) -> None:
    """Store what is known of them."""
    rows = [(tenant, zlib.compress(_encode(each), 1)) for tenant, each in sorted(timings.items())]
    await tx.execute(_SAVE, partition, *map(list, zip(*rows, strict=True)))
