"""Which values of a segment are counted each by itself: so many of a tenant and attribute, the rest as `OTHER`.

Upstream says what a value is, and may say another one for each handset: a build as the version of the SDK. Each value
costs windows, charts and rows; so the first ones that come are counted, until four weeks without them let others in.
Of versions, what does not look like a release may take only half of the places. What is counted of a tenant as a whole
knows no cap. As long as the places suffice, the order in which values come decides nothing.
"""

import re
from collections import Counter
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
    """The values of one tenant that are counted each by itself."""

    values: Values = field(default_factory=dict)


class Capped(NamedTuple):
    """Cells with values that have a place; the tenants whose values changed; cells that became `OTHER`, of what."""

    cells: list[Cell]
    changed: set[str]
    beyond: Counter[tuple[str, str]]


def capped(cells: Iterable[Cell], known: dict[str, Admitted]) -> Capped:
    """Return the cells as they are to be counted; `known` has an entry for each of their tenants, and is updated."""
    kept: list[Cell] = []
    changed, beyond = set[str](), Counter[tuple[str, str]]()
    for cell in cells:
        name, value = cell.segment_name, cell.segment_value
        if name is None or value is None or value == OTHER:
            kept.append(cell)
            continue
        values = known[cell.tenant].values.setdefault(name, {})
        day = cell.start // DAY_MS
        seen = values.get(value)
        if seen is None and not _has_place(values, name, value, day):
            beyond[cell.tenant, name] += 1
            kept.append(replace(cell, segment_value=OTHER))
            continue
        if seen is None or seen < day:
            values[value] = day
            changed.add(cell.tenant)
        kept.append(cell)
    return Capped(kept, changed, beyond)


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
