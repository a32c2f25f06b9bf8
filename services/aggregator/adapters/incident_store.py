"""What the incident stage knows, in PostgreSQL: the schema `incidents`."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from proofwatch.bus.postgres.setup import fence_progress
from proofwatch.bus.records import TopicPartition
from proofwatch.detection.findings import FindingHistory, Panel
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents
from proofwatch.events.types import Anomaly
from services.aggregator.adapters.postgres_joins import columns_of
from services.aggregator.core.incident_groups import Arrival
from services.aggregator.core.incident_windows import Place, Row, Told
from services.aggregator.core.times import SECOND_MS
from services.aggregator.ports.incidents import Taken

SCHEMA: Final = "incidents"
_HOLD: Final = """
insert into incidents.partitions as p (partition, step, done_ms, tidy_ms) values ($1, 0, 0, 0)
on conflict (partition) do update set step = p.step returning step, done_ms, tidy_ms
"""
_MOVE: Final = "update incidents.partitions set step = $2, done_ms = $3, tidy_ms = $4 where partition = $1"
_WAITING: Final = "select exists(select from incidents.arrivals where partition = $1)"
_ARRIVALS: Final = "select at_ms, body from incidents.arrivals where partition = $1"
_ARRIVE: Final = """
insert into incidents.arrivals (partition, anomaly_id, revision, at_ms, body)
select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bytea[]) on conflict do nothing
"""
_TAKE: Final = """
delete from incidents.arrivals a using unnest($2::text[], $3::bigint[]) t(anomaly_id, revision)
where a.partition = $1 and a.anomaly_id = t.anomaly_id and a.revision = t.revision
"""
_FINDINGS: Final = "select tenant, anomaly_id, body from incidents.findings where tenant = any($1::text[])"
_INCIDENTS: Final = "select tenant, incident_id, body from incidents.incidents where tenant = any($1::text[])"
_SAVE_FINDINGS: Final = """
insert into incidents.findings (tenant, anomaly_id, body) select $1, * from unnest($2::text[], $3::bytea[])
on conflict (tenant, anomaly_id) do update set body = excluded.body
"""
_SAVE_INCIDENTS: Final = """
insert into incidents.incidents (tenant, incident_id, state, body)
select $1, * from unnest($2::text[], $3::text[], $4::bytea[])
on conflict (tenant, incident_id) do update set state = excluded.state, body = excluded.body
"""
_DROP_FINDINGS: Final = "delete from incidents.findings where tenant = $1 and anomaly_id = any($2::text[])"
_DROP_INCIDENTS: Final = "delete from incidents.incidents where tenant = $1 and incident_id = any($2::text[])"
_WINDOWS: Final = """
select w.tenant, w.length_s, w.start_ms, w.body from incidents.windows w
join unnest($1::text[], $2::int[], $3::bigint[]) t(tenant, length_s, start_ms) using (tenant, length_s, start_ms)
"""
_WITHIN: Final = """
select length_s, start_ms, body from incidents.windows
where tenant = $1 and start_ms >= $2 and start_ms < $3 and start_ms + length_s * 1000::bigint <= $3
"""
_SAVE_WINDOWS: Final = """
insert into incidents.windows (partition, tenant, length_s, start_ms, body)
select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::bytea[])
on conflict (tenant, start_ms, length_s) do update set body = excluded.body
"""
_FORGET: Final = """
delete from incidents.windows where ctid = any(array(
  select ctid from incidents.windows
  where partition = $1 and (length_s < 86400 - 7200 and start_ms < $2 or start_ms < $3) limit $4))
"""

_encode = msgspec.msgpack.Encoder().encode
_anomaly = msgspec.msgpack.Decoder(Anomaly).decode
_finding = msgspec.msgpack.Decoder(FindingHistory).decode
_incident = msgspec.msgpack.Decoder(Incident).decode
_decode_row = msgspec.msgpack.Decoder(tuple[Told, ...]).decode
_ROWS_AT_HAND: Final = 500
"""Each some 30 kB: a finding that goes on is compared in the same windows, and a few more, at every closing."""


async def progress(tx: Any) -> Mapping[TopicPartition, int | None]:
    """Return how far every lane of the stage has come in time."""
    return await fence_progress(tx, SCHEMA)


async def waiting(tx: Any, partition: int) -> bool:
    """Return whether an anomaly of the partition waits."""
    return bool(await tx.fetchval(_WAITING, partition))


async def hold(tx: Any, partition: int) -> Taken:
    """Lock the partition for this transaction, and return where it stands."""
    return Taken(*await tx.fetchrow(_HOLD, partition))


async def move(tx: Any, partition: int, taken: Taken) -> None:
    """Store where the partition stands."""
    await tx.execute(_MOVE, partition, *taken)


async def arrivals(tx: Any, partition: int) -> list[Arrival]:
    """Return the anomalies that wait, in no order."""
    return [Arrival(at_ms, _anomaly(body)) for at_ms, body in await tx.fetch(_ARRIVALS, partition)]


async def arrive(tx: Any, partition: int, new: Sequence[Arrival]) -> None:
    """Keep anomalies until the rest of their closing has come; those that wait already are left as they are."""
    rows = {(e.anomaly.anomaly_id, e.anomaly.revision): (e.at_ms, _encode(e.anomaly)) for e in reversed(new)}
    if rows:
        await tx.execute(_ARRIVE, partition, *columns_of([(*one, *rest) for one, rest in sorted(rows.items())]))


async def take(tx: Any, partition: int, taken: Iterable[Anomaly]) -> None:
    """Let go of anomalies that wait no longer."""
    rows = [(each.anomaly_id, each.revision) for each in taken]
    if rows:
        await tx.execute(_TAKE, partition, *columns_of(rows))


async def load(tx: Any, tenants: Collection[str]) -> dict[str, Incidents]:
    """Return findings and incidents of these tenants, without counts."""
    findings: dict[str, dict[str, FindingHistory]] = {tenant: {} for tenant in tenants}
    incidents: dict[str, dict[str, Incident]] = {tenant: {} for tenant in tenants}
    if tenants:
        for tenant, one, body in await tx.fetch(_FINDINGS, list(tenants)):
            findings[tenant][one] = _finding(body)
        for tenant, one, body in await tx.fetch(_INCIDENTS, list(tenants)):
            incidents[tenant][one] = _incident(body)
    return {tenant: Incidents(findings[tenant], {}, incidents[tenant]) for tenant in tenants}


async def save(tx: Any, tenant: str, before: Incidents, after: Incidents) -> None:
    """Store what changed of a tenant."""
    changed = [(one, _encode(f)) for one, f in after.findings.items() if before.findings.get(one) is not f]
    if changed:
        await tx.execute(_SAVE_FINDINGS, tenant, *columns_of(changed))
    moved = [(one, i.state, _encode(i)) for one, i in after.incidents.items() if before.incidents.get(one) is not i]
    if moved:
        await tx.execute(_SAVE_INCIDENTS, tenant, *columns_of(moved))
    if gone := sorted(before.findings.keys() - after.findings.keys()):
        await tx.execute(_DROP_FINDINGS, tenant, gone)
    if over := sorted(before.incidents.keys() - after.incidents.keys()):
        await tx.execute(_DROP_INCIDENTS, tenant, over)


async def load_windows(tx: Any, places: Collection[tuple[str, Place]]) -> dict[tuple[str, Place], Row]:
    """Return what is known of these places, by tenant; what is not there is left out."""
    if not places:
        return {}
    rows = await tx.fetch(_WINDOWS, *columns_of([(tenant, *place) for tenant, place in sorted(places)]))
    return {(tenant, Place(*place)): _row(body) for tenant, *place, body in rows}


async def windows_within(tx: Any, tenant: str, panel: Panel) -> dict[Place, Row]:
    """Return the windows of a tenant that lie whole in a panel's span."""
    rows = await tx.fetch(_WITHIN, tenant, panel.start_ms, panel.start_ms + panel.length_s * SECOND_MS)
    return {Place(*place): _row(body) for *place, body in rows}


@lru_cache(maxsize=_ROWS_AT_HAND)
def _row(body: bytes) -> Row:
    """Return windows as they are stored; they are read only."""
    return _decode_row(zlib.decompress(body))


async def save_windows(tx: Any, partition: int, rows: Mapping[tuple[str, Place], Row]) -> None:
    """Store the windows of places whole."""
    stored = [(tenant, *place, zlib.compress(_encode(row), 1)) for (tenant, place), row in sorted(rows.items())]
    if stored:
        await tx.execute(_SAVE_WINDOWS, partition, *columns_of(stored))


async def forget(tx: Any, partition: int, before_ms: int, days_before_ms: int, limit: int) -> int:
    """Delete windows that began before `before_ms`, days before `days_before_ms`, at most `limit`; return how many."""
    done: str = await tx.execute(_FORGET, partition, before_ms, days_before_ms, limit)
    return int(done.split()[-1])
