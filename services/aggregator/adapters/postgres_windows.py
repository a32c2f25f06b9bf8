"""Buckets, journal and progress in PostgreSQL: `windows.progress`, `windows.journal` and `windows.buckets`."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from proofwatch.bus.postgres.pool import attend as attend
from services.aggregator.adapters.anomaly_store import series_of
from services.aggregator.adapters.bucket_bodies import all_segments, encoded_body, met_segments
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.journal import Added, minutes_of, replayed, widened_keys
from services.aggregator.core.merge import Bucket, BucketKey
from services.aggregator.core.progress import SourceId, SourceState
from services.aggregator.core.segments import Segment
from services.aggregator.ports.windows import Opened, Progress

_LOAD_PROGRESS: Final = "select step, sources from windows.progress where partition = $1"
_CALENDARS_SINCE: Final = "select since_ms from windows.calendars"
_LOAD_OPEN: Final = """
select tenant, length_s, start_ms, closed, late, body from windows.buckets where partition = $1 and not closed
"""
_LOAD: Final = """
select tenant, length_s, start_ms, closed, late, body from windows.buckets
where (tenant, length_s, start_ms) in (select * from unnest($1::text[], $2::int[], $3::bigint[]))
"""
_LOAD_BODIES: Final = """
select tenant, length_s, start_ms, body from windows.buckets
where (tenant, length_s, start_ms) in (select * from unnest($1::text[], $2::int[], $3::bigint[]))
"""
_LOAD_JOURNAL: Final = "select body from windows.journal where partition = $1 order by step"
_SAVE_PROGRESS: Final = """
insert into windows.progress (partition, step, sources) values ($1, $2, $3)
on conflict (partition) do update set step = excluded.step, sources = excluded.sources
"""
_SAVE: Final = """
insert into windows.buckets (partition, tenant, length_s, start_ms, end_ms, closed, late, body)
select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bool[], $7::bool[], $8::bytea[])
on conflict (tenant, length_s, start_ms)
do update set end_ms = excluded.end_ms, closed = excluded.closed, late = excluded.late, body = excluded.body
"""
_WRITE_DOWN: Final = "insert into windows.journal (partition, step, body) values ($1, $2, $3)"
_CLEAR: Final = "delete from windows.journal where partition = $1"
_REMOVE: Final = """
with past as (
  select ctid from windows.buckets where partition = $1 and length_s = $2 and start_ms < $3 and closed
  order by start_ms limit $4
), gone as (
  delete from windows.buckets where ctid in (select ctid from past) returning tenant
), whose as (
  insert into windows.removed_by_tenant as r (tenant, length_s, rows, before_ms)
  select tenant, $2, count(*), $3 from gone group by tenant order by tenant
  on conflict (tenant, length_s) do update set rows = r.rows + excluded.rows, before_ms = excluded.before_ms
), counted as (
  select count(*) as n from gone
), told as (
  insert into windows.removed as r (day, length_s, partition, rows, before_ms)
  select current_date, $2, $1, n, $3 from counted where n > 0
  on conflict (day, length_s, partition) do update set rows = r.rows + excluded.rows, before_ms = excluded.before_ms
)
select n from counted
"""
_LAYOUT: Final = 2
"""Of `progress.sources`. A release that knows no journal does not understand it, and stops instead of miscounting."""

_FIRING: Final = """
select tenant, segment_name, segment_value, length_s, metric, body from windows.anomalies a
where state = 'firing' and exists (select from windows.buckets b where b.tenant = a.tenant and b.partition = $1)
"""


_encode = msgspec.msgpack.Encoder().encode
_decode_anomaly = msgspec.msgpack.Decoder(AnomalyState).decode
_decode_journal = msgspec.msgpack.Decoder(list[Added]).decode
_Sources = list[tuple[SourceId, SourceState]]
_decode_sources = msgspec.msgpack.Decoder(tuple[Literal[2], _Sources]).decode
_decode_sources_1 = msgspec.msgpack.Decoder(_Sources).decode


async def load_progress(tx: Any, partition: int) -> Progress:
    """Return the progress of a tallies partition; nothing at step 0 when it is new."""
    row = await tx.fetchrow(_LOAD_PROGRESS, partition)
    return Progress(row["step"], _sources(row["sources"])) if row else Progress(0, {})


async def calendars_since(tx: Any) -> int:
    """Return since when days are told by tenants' own calendars, in ms since 1970; before that they are UTC's."""
    return await tx.fetchval(_CALENDARS_SINCE) or 0


async def load_firing(tx: Any, partition: int) -> Anomalies:
    """Return the anomalies that fire, of the tenants of a tallies partition."""
    return {
        series_of(tenant, name, value, length_s, column): _decode_anomaly(body)
        for tenant, name, value, length_s, column, body in await tx.fetch(_FIRING, partition)
    }


async def load_open(tx: Any, partition: int, days_of: DaysOf) -> Opened:
    """Return what a tallies partition has open: the written buckets, and what the journal adds to them."""
    rows = await tx.fetch(_LOAD_JOURNAL, partition)
    journal = [entry for row in rows for entry in _decode_journal(zlib.decompress(row["body"]))]
    written = _buckets(await tx.fetch(_LOAD_OPEN, partition))
    touched = {key for entry in journal for key in widened_keys(minutes_of(entry), days_of)}
    written |= await load(tx, touched - written.keys())
    return Opened(*replayed(written, journal, days_of), len(rows), sum(len(row["body"]) for row in rows))


async def load(tx: Any, keys: Collection[BucketKey]) -> dict[BucketKey, Bucket]:
    """Return those buckets of `keys` that are written; ask for closed ones only, others may lie in the journal."""
    return _buckets(await tx.fetch(_LOAD, *map(list, zip(*keys, strict=True)))) if keys else {}


async def load_met(tx: Any, keys: Collection[BucketKey]) -> dict[BucketKey, list[Segment]]:
    """Return whose windows those buckets of `keys` have that are written; ask for closed ones only."""
    rows = await tx.fetch(_LOAD_BODIES, *map(list, zip(*keys, strict=True))) if keys else ()
    return {BucketKey(*key): met_segments(body) for *key, body in rows}


def encoded(entry: Added) -> bytes:
    """Return additions as the journal keeps them; at once, for merging changes them."""
    return _encode(entry)


def joined(entries: Sequence[bytes]) -> bytes:
    """Return what the journal keeps of a step's encoded additions: a list of msgpack; nothing where there are none."""
    return zlib.compress(bytes((0x90 | len(entries),)) + b"".join(entries), 1) if entries else b""


async def save(
    tx: Any,
    partition: int,
    progress: Progress,
    buckets: Collection[Bucket],
    journal: bytes | None,
    days_of: DaysOf,
) -> None:
    """Store the progress, whole buckets and the step's entry; None: nothing but whole buckets, clear the journal."""
    sources = _encode((_LAYOUT, list(progress.sources.items())))
    await tx.execute(_SAVE_PROGRESS, partition, progress.step, sources)
    if buckets:
        rows = [(*each.key, each.key.end_by(days_of), each.closed, each.late, encoded_body(each)) for each in buckets]
        await tx.execute(_SAVE, partition, *map(list, zip(*rows, strict=True)))
    if journal is None:
        await tx.execute(_CLEAR, partition)
    elif journal:
        await tx.execute(_WRITE_DOWN, partition, progress.step, journal)


async def remove(tx: Any, partition: int, first: Mapping[int, int], limit: int) -> int:
    """Delete closed buckets that began before `first` (ms since 1970, by length), at most `limit`; return their number.

    How many of each length, and up to when, is added up by day in `windows.removed`, and by tenant in
    `windows.removed_by_tenant`. Only while the journal is empty.
    """
    total = 0
    for length_s, start_ms in sorted(first.items()):
        total += await tx.fetchval(_REMOVE, partition, length_s, start_ms, limit - total)
    return total


def _sources(value: bytes) -> dict[SourceId, SourceState]:
    try:
        return dict(_decode_sources(value)[1])
    except msgspec.ValidationError:
        return dict(_decode_sources_1(value))


def _buckets(rows: Iterable[Any]) -> dict[BucketKey, Bucket]:
    found = {}
    for tenant, length_s, start_ms, closed, late, body in rows:
        key = BucketKey(tenant, length_s, start_ms)
        segments = {(each.name, each.value): each for each in all_segments(body)}
        found[key] = Bucket(key, closed, segments, late)
    return found
