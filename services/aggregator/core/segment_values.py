"""Which values of a segment are counted each by itself: so many of a tenant and attribute, the rest as `OTHER`.

Upstream says what a value is, and may say another one for each handset: a build as the version of the SDK. Each value
costs windows, charts and rows; so the first ones that come are counted, until four weeks without them let others in.
Of versions, what does not look like a release may take only half of the places. What is counted of a tenant as a whole
knows no cap. As long as the places suffice, the order in which values come decides nothing.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from proofwatch.events.segments import VERSIONS
from proofwatch.events.types import Cell
from services.aggregator.core.times import DAY_MS
from services.aggregator.core.touches import SDK

OTHER: Final = "(other)"
PLACES: Final = 1_000
PLACES_OF_VERSIONS: Final = 100
_KEPT_DAYS: Final = 28
_RELEASE: Final = re.compile(r"v?\d{1,5}(\.\d{1,5}){0,3}", re.ASCII | re.IGNORECASE)

Values = dict[str, dict[str, int]]
"""By attribute and value: the UTC day, since 1970, on which it was counted last."""


class Admitted(Struct, array_like=True):
    """The values of one tenant that are counted each by itself; `beyond`: by attribute that has more, since which day
    and up to which.
    """

    values: Values = field(default_factory=dict)
    beyond: dict[str, tuple[int, int]] = field(default_factory=dict)


class Overflow(NamedTuple):
    """That an attribute of a tenant has more values than places since a day, or (`over`) has them no more."""

    tenant: str
    name: str
    since_day: int
    over: bool


class Capped(NamedTuple):
    """Cells with values that have a place; the tenants whose values changed; what began to overflow, or ceased to."""

    cells: list[Cell]
    changed: set[str]
    overflows: list[Overflow]


def capped(cells: Iterable[Cell], known: dict[str, Admitted]) -> Capped:
    """Return the cells as they are to be counted; `known` has an entry for each of their tenants, and is updated."""
    kept: list[Cell] = []
    changed, overflows, days = set[str](), list[Overflow](), dict[str, int]()
    for cell in cells:
        name, value = cell.segment_name, cell.segment_value
        if name is None or value is None or value == OTHER:
            kept.append(cell)
            continue
        admitted, day = known[cell.tenant], cell.start // DAY_MS
        days[cell.tenant] = max(day, days.get(cell.tenant, 0))
        values = admitted.values.setdefault(name, {})
        seen = values.get(value)
        if seen is None and not _has_place(values, name, value, day):
            first, last = admitted.beyond.get(name, (day, -1))
            if last < 0:
                overflows.append(Overflow(cell.tenant, name, day, over=False))
            if last < day:
                admitted.beyond[name] = first, day
                changed.add(cell.tenant)
            kept.append(replace(cell, segment_value=OTHER))
            continue
        if seen is None or seen < day:
            values[value] = day
            changed.add(cell.tenant)
        kept.append(cell)
    for tenant, day in sorted(days.items()):
        for name, (first, last) in list(known[tenant].beyond.items()):
            if day > last + 1:  # a whole day without
                del known[tenant].beyond[name]
                changed.add(tenant)
                overflows.append(Overflow(tenant, name, first, over=True))
    return Capped(kept, changed, overflows)


def _has_place(values: dict[str, int], name: str, value: str, day: int) -> bool:
    """Return whether a value that is new may be counted by itself; what was not seen for long gives up its place."""
    versions = name in VERSIONS or name == SDK
    places = PLACES_OF_VERSIONS if versions else PLACES
    strange = versions and not _RELEASE.fullmatch(value)

    def full() -> bool:
        if len(values) >= places:
            return True
        return strange and sum(not _RELEASE.fullmatch(each) for each in values) >= places // 2

    if not full():
        return True
    for each in [each for each, last in values.items() if last < day - _KEPT_DAYS]:
        del values[each]
    return not full()
