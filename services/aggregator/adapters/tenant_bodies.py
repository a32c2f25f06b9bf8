"""What a watch remembers of each tenant, as one compressed body in a row of its own in PostgreSQL."""

import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

import msgspec

State = TypeVar("State")


class TenantBodies(Generic[State]):
    """The rows of one table with the columns tenant, partition and body: msgpack, compressed by zlib."""

    def __init__(self, table: str, kind: Any, new: Callable[[], State]) -> None:
        """`kind`: the type of a state; `new`: that of a tenant of whom nothing is stored."""
        self._load = f"select tenant, body from {table} where tenant = any($1::text[])"  # noqa: S608 - ours
        self._save = (
            f"insert into {table} (partition, tenant, body) select $1, * from unnest($2::text[], $3::bytea[]) "  # noqa: S608
            f"on conflict (tenant) do update set body = excluded.body"
        )
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], State] = msgspec.msgpack.Decoder(kind).decode
        self._new = new

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[str, State]:
        """Return the states of these tenants; a new one where nothing is stored."""
        states = {tenant: self._new() for tenant in tenants}
        for tenant, body in await tx.fetch(self._load, list(tenants)):
            states[tenant] = self._decode(zlib.decompress(body))
        return states

    async def save(self, tx: Any, partition: int, states: Mapping[str, State]) -> None:
        """Store the states."""
        rows = [(tenant, zlib.compress(self._encode(state), 1)) for tenant, state in sorted(states.items())]
        await tx.execute(self._save, partition, *map(list, zip(*rows, strict=True)))
