"""A version that is told to have changed something: what comes after it is compared with what ran before it.

Else the release that repairs a fault would be accused of letting people in whom the faulty one kept out.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from services.aggregator.core.times import DAY_MS
from services.aggregator.core.versions.part import Five, Part
from services.aggregator.core.versions.state import Comparison
from services.aggregator.core.versions.sums import Usual

_REMEMBERED_MS: Final = 14 * DAY_MS
"""So long after its traffic ended, what is usual has forgotten it."""
_NONE: Final = Part()


class Accused(NamedTuple):
    """What was usual before a version, and its part in five minutes."""

    usual: Usual
    part: Part


def accused_before(comparisons: Mapping[str, Comparison], version: str, five: Five) -> Accused | None:
    """Return the accused version that came last before another one of its dimension; None: there is none.

    Of several in a row the first one's usual is that of the others, which were compared with it too.
    """
    own = comparisons[version]
    found = [
        (each.since_ms, name, each)
        for name, each in comparisons.items()
        if each.found and each.since_ms < own.since_ms and not _forgotten(each, five.start_ms)
    ]
    if not found:
        return None
    _, name, last = max(found, key=lambda each: each[:2])
    part = five.versions.get(own.name, {}).get(name, _NONE)
    return Accused(last.usual, five.whole if part is None else part)


def _forgotten(comparison: Comparison, now_ms: int) -> bool:
    return comparison.gone is not None and now_ms - comparison.gone.since_ms >= _REMEMBERED_MS
