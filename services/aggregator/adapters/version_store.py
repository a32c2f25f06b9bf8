"""Versions of each tenant and their markers, in PostgreSQL: `windows.versions`, `windows.markers`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from proofwatch.bus.postgres.pool import attend as attend
from services.aggregator.adapters.tenant_bodies import TenantBodies
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.tenant import TenantVersions

_SAVE_MARKER: Final = """
insert into windows.markers
  (tenant, name, version, since_ms, previous, known_ms, transactions, share, state, ended_ms, by_whom, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (tenant, name, version, since_ms) do update set
  previous = excluded.previous, known_ms = excluded.known_ms, transactions = excluded.transactions,
  share = excluded.share, state = excluded.state, ended_ms = excluded.ended_ms,
  by_whom = excluded.by_whom, reason = excluded.reason
"""
_DELETE_MARKER: Final = "delete from windows.markers where tenant = $1 and name = $2 and version = $3 and since_ms = $4"
_MARKERS: Final = """
select tenant, name, version, previous, since_ms, known_ms, transactions, share, state, ended_ms, by_whom, reason
from windows.markers where $1::text is null or tenant = $1 order by tenant, known_ms, name, version
"""
_LOAD_DUE: Final = "select tenant, due_ms from windows.versions where partition = $1 and due_ms is not null"
_LOAD_DECLARED: Final = """
select tenant, name, version, at_ms, effective_ms, by_whom, reason from windows.declared_markers
where tenant = any($1::text[]) order by id
"""
_WRITE_DECLARED: Final = """
insert into windows.declared_markers (tenant, name, version, at_ms, effective_ms, by_whom, reason)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_bodies = TenantBodies("windows.versions", TenantVersions, TenantVersions, due_ms="bigint")


async def load_due(tx: Any, partition: int) -> dict[str, int]:
    """Return when what is found of a tallies partition's tenants ends by silence, if nothing comes; ms since 1970."""
    return dict(await tx.fetch(_LOAD_DUE, partition))


async def load_declared(tx: Any, tenants: Collection[str]) -> list[Declared]:
    """Return what people declared of these tenants, in the order in which they did."""
    return [Declared(*row) for row in await tx.fetch(_LOAD_DECLARED, list(tenants))] if tenants else []


async def write_declared(tx: Any, marker: Declared) -> None:
    """Add an entry, which stays: the table refuses to be changed."""
    await tx.execute(_WRITE_DECLARED, *marker)


async def load_versions(tx: Any, tenants: Collection[str]) -> dict[str, TenantVersions]:
    """Return the states of these tenants; a new one where nothing is stored."""
    return await _bodies.load(tx, tenants)


async def save_versions(
    tx: Any, partition: int, states: Mapping[str, TenantVersions], due_ms: Mapping[str, int | None]
) -> None:
    """Store the states, and by tenant when what is found ends by silence."""
    await _bodies.save(tx, partition, states, due_ms)


async def save_markers(tx: Any, tenant: str, changed: Sequence[Marker], taken_back: Sequence[Marker]) -> None:
    """Store the markers of a tenant that are new or changed, and delete those that late data took back."""
    for each in taken_back:
        await tx.execute(_DELETE_MARKER, tenant, each.name, each.version, each.since_ms)
    for each in changed:
        await tx.execute(
            _SAVE_MARKER, tenant, each.name, each.version, each.since_ms, each.previous, each.known_ms, each.n,
            each.share, each.state, each.ended_ms or None, each.by, each.reason,
        )  # fmt: skip


async def read_markers(connection: Any, tenant: str | None = None) -> list[tuple[str, Marker]]:
    """Return the markers of a tenant (None: of all) with its name, by when they became known."""
    return [
        (row["tenant"], Marker(
            row["name"], row["version"], row["previous"], row["since_ms"], row["known_ms"], row["transactions"],
            row["share"], row["state"], row["ended_ms"] or 0, row["by_whom"], row["reason"],
        ))
        for row in await connection.fetch(_MARKERS, tenant)
    ]  # fmt: skip
