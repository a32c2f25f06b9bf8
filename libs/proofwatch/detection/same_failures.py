"""Windows of one time in which one cause was found under two slices. Pure.

Nearly all attacks of a wave come from one country and by one release: which of the two explains most with least is
decided in each window of each metric, by its counts, and few failures may decide otherwise than many. Where both hold
nearly all of the excess in both windows, the failures are the same ones, and the slice that explains more is the root
of both: never an attribute of people where another slice explains as much, else that of the window that shows most.
"""

from collections.abc import Sequence
from typing import NamedTuple

from proofwatch.detection.findings import PROTECTED, WHOLE, FindingHistory, Panel, Slice
from proofwatch.detection.root_slice import Counts, Root, single


class Named(NamedTuple):
    """Findings of a panel whose counts name one root, those counts, and the slices that hold nearly all of it."""

    panel: Panel
    group: Sequence[FindingHistory]
    table: dict[Slice, Counts]
    root: Root
    holders: frozenset[Slice]


def same_root(named: Named, others: Sequence[Named]) -> Root:
    """Return the root of a panel, as all windows of its time see it."""
    alike = [named, *(each for each in others if _same(named, each))]
    best = max(alike, key=_tells).root
    return named.root if best.where == named.root.where else single(named.table, best.where)


def _same(one: Named, other: Named) -> bool:
    if one.root.where[0] == other.root.where[0] or one.root.counts.down != other.root.counts.down:
        return False
    return _overlap(one.panel, other.panel) and other.root.where in one.holders and one.root.where in other.holders


def _overlap(one: Panel, other: Panel) -> bool:
    first, second = (each.start_ms + each.length_s * 1000 for each in (one, other))
    return one.start_ms < second and other.start_ms < first


def _tells(named: Named) -> tuple[bool, float, str]:
    return named.root.where[0] not in PROTECTED, named.table[WHOLE].score, str(named.root.where)
