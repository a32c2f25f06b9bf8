"""What the watch over minutes remembers of each tenant, in PostgreSQL: `windows.minute_watch`."""

import zlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from services.aggregator.core.real_time.tenant import TenantState

_LOAD: Final = "select tenant, body from windows.minute_watch where tenant = any($1::text[])"
_LOAD_DUE: Final = "select tenant, due_ms from windows.minute_watch where partition = $1 and due_ms is not null"
_SAVE: Final = """
insert into windows.minute_watch (partition, tenant, due_ms, body)
select $1, * from unnest($2::text[], $3::bigint[], $4::bytea[])
on conflict (tenant) do update set due_ms = excluded.due_ms, body = excluded.body
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TenantState).decode


async def load_tenants(tx: Any, tenants: Collection[str]) -> dict[str, TenantState]:
    """Return the states of these tenants; a new one where nothing is stored."""
    states = {tenant: TenantState() for tenant in tenants}
    if tenants:
        for tenant, body in await tx.fetch(_LOAD, list(tenants)):
            states[tenant] = _decode(zlib.decompress(body))
    return states


async def load_due(tx: Any, partition: int) -> dict[str, int]:
    """Return by when the tenants of a tallies partition are due to be told of, if nothing comes; ms since 1970."""
    return dict(await tx.fetch(_LOAD_DUE, partition))


async def save_tenants(tx: Any, partition: int, states: Mapping[str, tuple[TenantState, int | None]]) -> None:
    """Store the states and when they are due."""
    if states:
        rows = [
            (tenant, due_ms, zlib.compress(_encode(state), 1)) for tenant, (state, due_ms) in sorted(states.items())
        ]
        await tx.execute(_SAVE, partition, *map(list, zip(*rows, strict=True)))
