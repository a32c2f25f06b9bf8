"""What is usual for the rates of a tenant, from the database or from the folder of a demo or replay: `baselines.jsonl`.

A line is a tenant or segment value: its charts, its reference, and what was usual before its last governed marker. The
hours behind them stay out of a run's file: they are its windows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.found import Asked, NothingFound, everybody_sees, no_such_tenant
from services.aggregator.queries.run_source import unread

FILE: Final = "baselines.jsonl"


class Baselines(NamedTuple):
    """Charts and hours of a tenant and its segment values, and what people said of them."""

    rows: Mapping[RowKey, RateRow]
    hours: Mapping[RowKey, HourRow]
    words: Sequence[Rebase] = ()


class _Line(msgspec.Struct):
    key: RowKey
    charts: RateRow
    hours: HourRow


_decode = msgspec.json.Decoder(_Line).decode


def of_run(directory: Path, tenant: str, segment: Asked | None) -> Baselines:
    """Return what a run knew at its end. Raises `NothingFound`."""
    path = directory / FILE
    try:
        lines = [_decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise unread(path, error) from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise NothingFound(f"{path}: not the baselines of a run ({error})") from None
    mine = {each.key: each for each in lines if each.key.tenant == tenant}
    if not mine:
        raise no_such_tenant(tenant, str(path), sorted({each.key.tenant for each in lines}))
    keys = chosen(list(mine), tenant, segment)
    return Baselines({key: mine[key].charts for key in keys}, {key: mine[key].hours for key in keys})


async def of_database(
    connection: Any, tenant: str, segment: Asked | None, sees: Callable[[str], bool] = everybody_sees
) -> Baselines:
    """Return what the process windows knows; `sees`: as `load_database` has it. Raises `NothingFound`."""
    from services.aggregator.adapters.rate_chart_store import load_hours, load_rates, load_rebases

    keys = await keys_of(connection, tenant, segment, sees)
    rows = await load_rates(connection, keys)
    return Baselines(rows, await load_hours(connection, rows.keys()), await load_rebases(connection, [tenant]))


async def keys_of(
    connection: Any, tenant: str, segment: Asked | None, sees: Callable[[str], bool] = everybody_sees
) -> list[RowKey]:
    """Return the rows of a tenant that are asked for. Raises `NothingFound` where there are none."""
    from services.aggregator.adapters.rate_chart_store import load_keys, load_tenants

    keys = await load_keys(connection, tenant)
    if not keys:
        raise no_such_tenant(tenant, "the database", [each for each in await load_tenants(connection) if sees(each)])
    return chosen(keys, tenant, segment)


async def written(connection: Any) -> list[dict[str, Any]]:
    """Return the lines of `baselines.jsonl`, tenant by tenant."""
    from services.aggregator.adapters.rate_chart_store import load_hours, load_keys, load_rates, load_tenants

    lines = []
    for tenant in await load_tenants(connection):
        keys = sorted(await load_keys(connection, tenant), key=_by_name)
        charts, hours = await load_rates(connection, keys), await load_hours(connection, keys)
        lines += [_line(key, charts[key], hours[key]) for key in keys]
    return lines


def chosen(keys: Sequence[RowKey], tenant: str, wanted: Asked | None) -> list[RowKey]:
    """Return the rows that a segment, and a value of it, ask for; all where none is. Raises `NothingFound`."""
    found = [each for each in keys if wanted is None or _is(each, wanted)]
    if found or wanted is None:
        return found
    there = sorted(_values(keys, wanted.name))
    said = f"there are: {', '.join(there)}" if there else f"it has no segment {wanted.name}"
    asked = wanted.name if wanted.value is None else f"{wanted.name}={wanted.value}"
    raise NothingFound(f"{tenant} has no {asked}; {said}")


def _is(key: RowKey, wanted: Asked) -> bool:
    return key.segment_name == wanted.name and wanted.value in (None, key.segment_value)


def _values(keys: Sequence[RowKey], name: str) -> Iterator[str]:
    return (each.segment_value or "" for each in keys if each.segment_name == name)


def _by_name(key: RowKey) -> tuple[str, str]:
    return key.segment_name or "", key.segment_value or ""


def _line(key: RowKey, charts: RateRow, hours: HourRow) -> dict[str, Any]:
    known = HourRow(references=hours.references, first=hours.first, rebased=hours.rebased, before=hours.before)
    found: dict[str, Any] = msgspec.to_builtins(_Line(key, charts, known))
    return found
