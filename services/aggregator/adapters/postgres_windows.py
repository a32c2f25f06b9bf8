"""Buckets and progress in PostgreSQL: the tables `windows.progress` and `windows.buckets`."""

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from services.aggregator.core.merge import Bucket, BucketKey, SegmentWindow
from services.aggregator.core.progress import SourceId, SourceState

_LOAD_PROGRESS: Final = "select step, sources from windows.progress where partition = $1"
_LOAD_OPEN: Final = """
select tenant, length_s, start_ms, closed, late, body from windows.buckets where partition = $1 and not closed
"""
_LOAD: Final = """
select tenant, length_s, start_ms, closed, late, body from windows.buckets
where (tenant, length_s, start_ms) in (select * from unnest($1::text[], $2::int[], $3::bigint[]))
"""
_SAVE_PROGRESS: Final = """
insert into windows.progress (partition, step, sources) values ($1, $2, $3)
on conflict (partition) do update set step = excluded.step, sources = excluded.sources
"""
_SAVE: Final = """
insert into windows.buckets (partition, tenant, length_s, start_ms, closed, late, body)
select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::bool[], $6::bool[], $7::bytea[])
on conflict (tenant, length_s, start_ms)
do update set closed = excluded.closed, late = excluded.late, body = excluded.body
"""

_encode = msgspec.msgpack.Encoder().encode
_decode_segments = msgspec.msgpack.Decoder(list[SegmentWindow]).decode
_decode_sources = msgspec.msgpack.Decoder(list[tuple[SourceId, SourceState]]).decode


class Progress(NamedTuple):
    """What is merged of one tallies partition, and after how many steps."""

    step: int
    sources: dict[SourceId, SourceState]


async def load_progress(connection: Any, partition: int) -> Progress:
    """Return the progress of a tallies partition; nothing at step 0 when it is new."""
    row = await connection.fetchrow(_LOAD_PROGRESS, partition)
    return Progress(row["step"], dict(_decode_sources(row["sources"]))) if row else Progress(0, {})


async def load_open(connection: Any, partition: int) -> dict[BucketKey, Bucket]:
    """Return the buckets of a tallies partition that have not closed."""
    return _buckets(await connection.fetch(_LOAD_OPEN, partition))


async def load(connection: Any, keys: Collection[BucketKey]) -> dict[BucketKey, Bucket]:
    """Return those buckets of `keys` that are stored."""
    return _buckets(await connection.fetch(_LOAD, *map(list, zip(*keys, strict=True)))) if keys else {}


async def save(connection: Any, partition: int, progress: Progress, buckets: Collection[Bucket]) -> None:
    """Store the progress and whole buckets."""
    await connection.execute(_SAVE_PROGRESS, partition, progress.step, _encode(list(progress.sources.items())))
    if buckets:
        rows = [(*each.key, each.closed, each.late, _encode(list(each.segments.values()))) for each in buckets]
        await connection.execute(_SAVE, partition, *map(list, zip(*rows, strict=True)))


def _buckets(rows: Iterable[Any]) -> dict[BucketKey, Bucket]:
    found = {}
    for tenant, length_s, start_ms, closed, late, body in rows:
        key = BucketKey(tenant, length_s, start_ms)
        segments = {(each.name, each.value): each for each in _decode_segments(body)}
        found[key] = Bucket(key, closed, segments, late)
    return found
