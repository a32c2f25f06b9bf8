"""What a watch remembers of each tenant, as one compressed body in a row of its own in PostgreSQL."""

import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

import msgspec

State = TypeVar("State")


class TenantBodies(Generic[State]):
    """The rows of one table with the columns tenant, partition and body: msgpack, compressed by zlib.

    A table may have columns beside them, which are asked for without the body.
    """

    def __init__(self, table: str, kind: Any, new: Callable[[], State], **beside: str) -> None:
        """`kind`: the type of a state; `new`: one of whom nothing is stored; `beside`: more columns and their types."""
        names = ["tenant", "body", *beside]
        given = ", ".join(f"${n}::{each}[]" for n, each in enumerate(("text", "bytea", *beside.values()), 2))
        anew = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        self._load = f"select tenant, body from {table} where tenant = any($1::text[])"  # noqa: S608 - ours
        self._save = (
            f"insert into {table} (partition, {', '.join(names)}) select $1, * from unnest({given}) "  # noqa: S608
            f"on conflict (tenant) do update set {anew}"
        )
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], State] = msgspec.msgpack.Decoder(kind).decode
        self._new = new

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[str, State]:
        """Return the states of these tenants; a new one where nothing is stored."""
        states = {tenant: self._new() for tenant in tenants}
        if states:
            for tenant, body in await tx.fetch(self._load, list(tenants)):
                states[tenant] = self._decode(zlib.decompress(body))
        return states

    async def save(
        self, tx: Any, partition: int, states: Mapping[str, State], *beside: Mapping[str, int | None]
    ) -> None:
        """Store the states, and by tenant what stands beside them, in the order in which the columns were named."""
        if states:
            tenants = sorted(states)
            bodies = [zlib.compress(self._encode(states[tenant]), 1) for tenant in tenants]
            columns = [[values[tenant] for tenant in tenants] for values in beside]
            await tx.execute(self._save, partition, tenants, bodies, *columns)
