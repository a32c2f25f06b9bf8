"""The sum of sketches that were counted on several edge sets, without giving up an edge of any of them.

`sketch.merged` keeps the edges that all have in common: a threshold that changed within the span is lost. Here the
counts stay apart by edge set, and only what is read off is added up: a count below a threshold is exact as soon as the
threshold is an edge of every part that holds scores around it.
"""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import NamedTuple

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.biometrics.sketch import Bounds, Sketch


class Between(NamedTuple):
    """A value known to lie in low <= value < high; None: no bound on that side."""

    low: float | None
    high: float | None


class SketchSum:
    """Counts of scores or durations, by edge set; empty until something is added."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[tuple[str, tuple[float, ...]], dict[str, int]] = {}

    def add(self, grid: str, thresholds: tuple[float, ...], bins: Mapping[str, int]) -> None:
        """Add a sketch as it is serialised (`sketch.WireSketch`)."""
        mine = self._parts.get((grid, thresholds))
        if mine is None:
            self._parts[grid, thresholds] = dict(bins)
            return
        get = mine.get
        for label, n in bins.items():
            mine[label] = get(label, 0) + n

    def add_sum(self, other: "SketchSum", times: int = 1) -> None:
        """Add another sum, or take it back with `times` -1."""
        for (grid, thresholds), bins in other._parts.items():
            self.add(grid, thresholds, bins if times == 1 else {label: times * n for label, n in bins.items()})

    def parts(self) -> list[Sketch]:
        """Return one sketch for each edge set. Raises ValueError for an unknown grid or a bin that is not there."""
        return [Sketch.from_wire(*edges, bins) for edges, bins in self._parts.items()]

    def total(self) -> int:
        """Return how many were counted."""
        return sum(sum(bins.values()) for bins in self._parts.values())

    def count_below(self, threshold: float) -> Bounds:
        """Return how many are < threshold: exact where it is an edge everywhere, else low..high."""
        return _added(part.count_below(threshold) for part in self.parts())

    def below(self) -> dict[float, int]:
        """Return how many are < each edge that all parts have in common: exact. Of nothing: no edges."""
        parts = self.parts()
        if not parts:
            return {}
        common = _common(parts)
        counts: dict[int, int] = {}
        for part in parts:
            for i, n in part.on(common).counts.items():
                counts[i] = counts.get(i, 0) + n
        found, seen = {}, counts.get(-1, 0)
        for i, edge in enumerate(common.edges):
            found[edge] = seen
            seen += counts.get(i, 0)
        return found

    def quantile(self, share: float) -> Between:
        """Return the bounds of the smallest value that at least `share` (0 < share <= 1) of the counted do not exceed.

        The bounds are the edges of the bin that it lies in; of several edge sets, the edges that all have in common.
        Of nothing: no bounds.
        """
        parts = self.parts()
        total = sum(part.total() for part in parts)
        if not total:
            return Between(None, None)
        common = _common(parts)
        counts: dict[int, int] = {}
        for part in parts:
            for i, n in part.on(common).counts.items():
                counts[i] = counts.get(i, 0) + n
        rank, seen, found = max(1, ceil(round(share * total, 9))), 0, -1
        for found in sorted(counts):
            seen += counts[found]
            if seen >= rank:
                break
        edges = common.edges
        return Between(edges[found] if found >= 0 else None, edges[found + 1] if found + 1 < len(edges) else None)


def _added(counts: Iterable[Bounds]) -> Bounds:
    low = high = 0
    for each in counts:
        low, high = low + each.low, high + each.high
    return Bounds(low, high)


def _common(parts: list[Sketch]) -> EdgeSet:
    edges = parts[0].edge_set
    for part in parts[1:]:
        edges = edges.common(part.edge_set)
    return edges
