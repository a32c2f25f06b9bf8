"""Baselines and anomalies in PostgreSQL: the tables `<schema>.baselines` and `<schema>.anomalies`.

One row of baselines holds all metrics of a series' tenant, segment value, length and slot, because a window brings
all of them at once. Every call is one round trip, whatever the number of series.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from proofwatch.bus.postgres.setup import in_schema
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import Baselines, BaselineState, SlotKey
from services.aggregator.core.series import SeriesKey, parse_column

_ROW = "(tenant, segment_name, segment_value, length_s, slot)"
_LOAD_BASELINES = f"""
select tenant, segment_name, segment_value, length_s, slot, body from {{schema}}.baselines
where {_ROW} in (select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[]))
"""  # noqa: S608 — constants
_LOAD_ANOMALIES = """
select tenant, segment_name, segment_value, length_s, metric, body from {schema}.anomalies where tenant = any($1)
"""
_LOAD_FIRING = """
select tenant, segment_name, segment_value, length_s, metric, body from {schema}.anomalies where state = 'firing'
"""
_SAVE_BASELINES = f"""
insert into {{schema}}.baselines as b {_ROW[:-1]}, body)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::bytea[])
on conflict {_ROW} do update set body = excluded.body
"""  # noqa: S608 — constants
_SAVE_ANOMALIES = """
insert into {schema}.anomalies (tenant, segment_name, segment_value, length_s, metric, state, body)
select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bytea[])
on conflict (tenant, segment_name, segment_value, length_s, metric)
do update set state = excluded.state, body = excluded.body
"""

_encode = msgspec.msgpack.Encoder().encode
_decode_baselines = msgspec.msgpack.Decoder(dict[str, BaselineState]).decode
_decode_anomaly = msgspec.msgpack.Decoder(AnomalyState).decode


class AnomalyStore:
    """The two tables of one schema."""

    def __init__(self, schema: str) -> None:
        self._load_baselines = in_schema(_LOAD_BASELINES, schema)
        self._load_anomalies = in_schema(_LOAD_ANOMALIES, schema)
        self._load_firing = in_schema(_LOAD_FIRING, schema)
        self._save_baselines = in_schema(_SAVE_BASELINES, schema)
        self._save_anomalies = in_schema(_SAVE_ANOMALIES, schema)

    async def load_baselines(self, tx: Any, keys: Collection[SlotKey]) -> Baselines:
        """Return an entry for every key; an empty one where nothing is stored."""
        found: Baselines = {key: {} for key in keys}
        if keys:
            for tenant, name, value, length_s, slot, body in await tx.fetch(
                self._load_baselines, *_columns((k.tenant, k[1] or "", k[2] or "", k[3], k[4]) for k in keys)
            ):
                found[SlotKey(tenant, name or None, value or None, length_s, slot)] = _decode_baselines(body)
        return found

    async def load_anomalies(self, tx: Any, tenants: Collection[str]) -> Anomalies:
        """Return the latest anomaly, firing or resolved, of every series of these tenants that has one."""
        if not tenants:
            return {}
        return _anomalies(await tx.fetch(self._load_anomalies, list(tenants)))

    async def load_firing(self, tx: Any) -> Anomalies:
        """Return what fires, of all tenants."""
        return _anomalies(await tx.fetch(self._load_firing))

    async def save(
        self,
        tx: Any,
        baselines: Mapping[SlotKey, Mapping[str, BaselineState]],
        anomalies: Mapping[SeriesKey, AnomalyState],
    ) -> None:
        """Store whole rows: every metric of a baselines row, not only the changed ones."""
        if baselines:
            rows = (
                (k.tenant, k.segment_name or "", k.segment_value or "", k.length_s, k.slot, _encode(body))
                for k, body in sorted(baselines.items(), key=lambda item: _ordered(item[0]))
            )
            await tx.execute(self._save_baselines, *_columns(rows))
        if anomalies:
            rows_ = (
                (k.tenant, k.segment_name or "", k.segment_value or "", k.length_s, k.column, a.state, _encode(a))
                for k, a in sorted(anomalies.items(), key=lambda item: _ordered(item[0]))
            )
            await tx.execute(self._save_anomalies, *_columns(rows_))


def series_of(tenant: str, name: str, value: str, length_s: int, column: str) -> SeriesKey:
    """Return the series whose state a row holds."""
    metric, rule, direction, free = parse_column(column)
    return SeriesKey(tenant, name or None, value or None, metric, length_s, rule, direction, free)


def _anomalies(rows: Iterable[Any]) -> Anomalies:
    return {series_of(*series): _decode_anomaly(body) for *series, body in rows}


def _ordered(key: SlotKey | SeriesKey) -> tuple[Any, ...]:
    """Return a sort key: lanes that share tenants must lock rows in one order."""
    return tuple("" if part is None else part for part in key)


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
