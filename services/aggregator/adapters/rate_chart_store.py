"""What the watch over rates remembers, in PostgreSQL: `windows.rate_charts`.

One row for each tenant and segment value. Its charts are read and written with every five-minute window, its hours only
when an hour has turned: PostgreSQL keeps a column that is not set where it lies.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey

_WANTED: Final = """
(tenant, segment_name, segment_value) in (select * from unnest($1::text[], $2::text[], $3::text[]))
"""
_LOAD: Final = f"select tenant, segment_name, segment_value, charts from windows.rate_charts where {_WANTED}"  # noqa: S608 — constants
_LOAD_HOURS: Final = f"""
select tenant, segment_name, segment_value, hours from windows.rate_charts where hours is not null and {_WANTED}
"""  # noqa: S608 — constants
_SAVE: Final = """
insert into windows.rate_charts (tenant, segment_name, segment_value, charts)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
on conflict (tenant, segment_name, segment_value) do update set charts = excluded.charts
"""
_SAVE_HOURS: Final = """
insert into windows.rate_charts (tenant, segment_name, segment_value, charts, hours)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
on conflict (tenant, segment_name, segment_value) do update set charts = excluded.charts, hours = excluded.hours
"""
_KEYS: Final = "select segment_name, segment_value from windows.rate_charts where tenant = $1"
_TENANTS: Final = "select distinct tenant from windows.rate_charts order by 1"
_LOAD_REBASES: Final = """
select tenant, segment_name, segment_value, metric, from_ms, effective_ms, by_whom, reason from windows.rebases
where tenant = any($1::text[]) order by id
"""
_WRITE_REBASE: Final = """
insert into windows.rebases (tenant, segment_name, segment_value, metric, from_ms, effective_ms, by_whom, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RateRow).decode
_decode_hours = msgspec.msgpack.Decoder(HourRow).decode


async def load_keys(tx: Any, tenant: str) -> list[RowKey]:
    """Return the rows of a tenant."""
    return [RowKey(tenant, name or None, value or None) for name, value in await tx.fetch(_KEYS, tenant)]


async def load_tenants(tx: Any) -> list[str]:
    """Return the tenants that have charts, in order."""
    return [row[0] for row in await tx.fetch(_TENANTS)]


async def load_rates(tx: Any, keys: Collection[RowKey]) -> dict[RowKey, RateRow]:
    """Return the charts of every key; new ones where nothing is stored."""
    found = {key: RateRow() for key in keys}
    if keys:
        for tenant, name, value, charts in await tx.fetch(_LOAD, *_columns(map(_stored, keys))):
            found[RowKey(tenant, name or None, value or None)] = _decode(charts)
    return found


async def load_hours(tx: Any, keys: Collection[RowKey]) -> dict[RowKey, HourRow]:
    """Return the hours of every key; none where nothing is stored."""
    found = {key: HourRow() for key in keys}
    if keys:
        for tenant, name, value, hours in await tx.fetch(_LOAD_HOURS, *_columns(map(_stored, keys))):
            found[RowKey(tenant, name or None, value or None)] = _decode_hours(zlib.decompress(hours))
    return found


async def save_rates(tx: Any, rows: Mapping[RowKey, RateRow], hours: Mapping[RowKey, HourRow]) -> None:
    """Store the rows that changed, in one order; of those in `hours`, which are among them, the hours too."""
    ordered = sorted((_stored(key), key) for key in rows)
    light = [(*stored, _encode(rows[key])) for stored, key in ordered if key not in hours]
    if light:
        await tx.execute(_SAVE, *_columns(light))
    whole = [
        (*stored, _encode(rows[key]), zlib.compress(_encode(hours[key]), 1)) for stored, key in ordered if key in hours
    ]
    if whole:
        await tx.execute(_SAVE_HOURS, *_columns(whole))


async def load_rebases(tx: Any, tenants: Collection[str]) -> list[Rebase]:
    """Return what people said of these tenants, in the order in which they did."""
    return [Rebase(*row) for row in await tx.fetch(_LOAD_REBASES, list(tenants))] if tenants else []


async def write_rebase(tx: Any, rebase: Rebase) -> None:
    """Add an entry, which stays: the table refuses to be changed."""
    await tx.execute(_WRITE_REBASE, *rebase)


def _stored(key: RowKey) -> tuple[str, str, str]:
    return key.tenant, key.segment_name or "", key.segment_value or ""


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
