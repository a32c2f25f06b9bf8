"""Versions of each tenant and their markers, in PostgreSQL: `windows.versions`, `windows.markers`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.tenant import TenantVersions

_SAVE_MARKER: Final = """
insert into windows.markers (tenant, name, version, since_ms, previous, known_ms, transactions, share, state, ended_ms)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, name, version, since_ms) do update set
  previous = excluded.previous, known_ms = excluded.known_ms, transactions = excluded.transactions,
  share = excluded.share, state = excluded.state, ended_ms = excluded.ended_ms
"""
_DELETE_MARKER: Final = "delete from windows.markers where tenant = $1 and name = $2 and version = $3 and since_ms = $4"
_MARKERS: Final = """
select tenant, name, version, previous, since_ms, known_ms, transactions, share, state, ended_ms
from windows.markers where $1::text is null or tenant = $1 order by tenant, known_ms, name, version
"""
_bodies = TenantBodies("windows.versions", TenantVersions, TenantVersions)


async def load_versions(tx: Any, tenants: Collection[str]) -> dict[str, TenantVersions]:
    """Return the states of these tenants; a new one where nothing is stored."""
    return await _bodies.load(tx, tenants)


async def save_versions(tx: Any, partition: int, states: Mapping[str, TenantVersions]) -> None:
    """Store the states."""
    await _bodies.save(tx, partition, states)


async def save_markers(tx: Any, tenant: str, changed: Sequence[Marker], taken_back: Sequence[Marker]) -> None:
    """Store the markers of a tenant that are new or changed, and delete those that late data took back."""
    for each in taken_back:
        await tx.execute(_DELETE_MARKER, tenant, each.name, each.version, each.since_ms)
    for each in changed:
        await tx.execute(
            _SAVE_MARKER, tenant, each.name, each.version, each.since_ms, each.previous, each.known_ms, each.n,
            each.share, each.state, each.ended_ms or None,
        )  # fmt: skip


async def read_markers(connection: Any, tenant: str | None = None) -> list[tuple[str, Marker]]:
    """Return the markers of a tenant (None: of all) with its name, by when they became known."""
    return [
        (row["tenant"], Marker(
            row["name"], row["version"], row["previous"], row["since_ms"], row["known_ms"], row["transactions"],
            row["share"], row["state"], row["ended_ms"] or 0,
        ))
        for row in await connection.fetch(_MARKERS, tenant)
    ]  # fmt: skip
