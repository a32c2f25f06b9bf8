"""Sketches: sparse histograms that merge exactly and are exact at the thresholds in force.

A sketch keeps how many scores fell into each bin and nothing about any one of them. Bin i holds
edges[i] <= score < edges[i + 1], so with "accept when score >= threshold" every count at a threshold that
*is* an edge is exact, whatever was merged before. Two bins are open: -1 lies below the first edge, and the
last one at or above the last edge (on scores in [0, 1] it holds exactly the scores of 1.0).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from proofwatch.biometrics.edges import EdgeSet, edge_set


class Bounds(NamedTuple):
    """A count known to lie in low..high; exact when both are equal."""

    low: int
    high: int


class WireSketch(NamedTuple):
    """A sketch to be serialised: base grid, extra thresholds ascending, counts by bin index (decimal string)."""

    grid: str
    thresholds: tuple[float, ...]
    bins: dict[str, int]


class Sketch:
    """Counts of scores per bin of one edge set; a bin that is not listed holds none.

    Counts may be negative: a sketch can also be a *difference* (a label that was overruled takes its score
    back), as long as everything has cancelled out before figures are read off it.
    """

    __slots__ = ("counts", "edge_set")

    def __init__(self, edges: EdgeSet, counts: Mapping[int, int] | None = None) -> None:
        self.edge_set = edges
        self.counts: dict[int, int] = dict(counts or {})

    def add(self, score: float, n: int = 1) -> None:
        """Count a finite score n times; a negative n takes it back."""
        self._bump(bisect_right(self.edge_set.edges, score) - 1, n)

    def add_many(self, scores: Iterable[float]) -> None:
        """Count each finite score once."""
        edges, counts = self.edge_set.edges, self.counts
        for score in scores:
            i = bisect_right(edges, score) - 1
            counts[i] = counts.get(i, 0) + 1

    def merge(self, other: "Sketch") -> "Sketch":
        """Return the sum of both, on the edges they have in common."""
        return merged((self, other))

    def subtract(self, other: "Sketch") -> "Sketch":
        """Return this sketch without the other's counts, on the edges they have in common."""
        negated = Sketch(other.edge_set, {i: -n for i, n in other.counts.items()})
        return merged((self, negated))

    def total(self) -> int:
        """Return how many scores were counted."""
        return sum(self.counts.values())

    def count_below(self, threshold: float) -> Bounds:
        """Return how many scores are < threshold: exact at an edge, else bounds from the bin it falls in."""
        split = self.edge_set.bin_of(threshold)
        below = sum(n for i, n in self.counts.items() if i < split)
        inside = 0 if split >= 0 and self.edge_set.edges[split] == threshold else self.counts.get(split, 0)
        return Bounds(below, below + inside)

    def on(self, edges: EdgeSet) -> "Sketch":
        """Return the same counts on a coarser edge set. Raises ValueError if it has an edge that this one lacks."""
        if edges.edge_set_id == self.edge_set.edge_set_id:
            return self
        places, coarse = _places(self.edge_set, edges), Sketch(edges)
        if places is None:
            raise ValueError(f"a sketch on {self.edge_set.edge_set_id} cannot be refined to {edges.edge_set_id}")
        for i, n in self.counts.items():
            coarse._bump(-1 if i < 0 else places[i], n)
        return coarse

    def to_wire(self) -> WireSketch:
        """Return the sketch in its serialisable form."""
        bins = {str(i): n for i, n in sorted(self.counts.items())}
        return WireSketch(self.edge_set.grid, self.edge_set.thresholds, bins)

    @classmethod
    def from_wire(cls, grid: str, thresholds: Iterable[float], bins: Mapping[str, int]) -> "Sketch":
        """Return the sketch that `to_wire` described.

        Raises ValueError for an unknown grid or a bin that does not exist there: its counts would land
        elsewhere.
        """
        edges = edge_set(thresholds, grid)
        counts = {int(i): n for i, n in bins.items() if n}
        last = len(edges.edges) - 1
        if counts and not -1 <= min(counts) <= max(counts) <= last:
            got = f"{min(counts)}..{max(counts)}"
            raise ValueError(f"a sketch on {edges.edge_set_id} has bins -1..{last}, got {got}")
        return cls(edges, counts)

    def _bump(self, i: int, n: int) -> None:
        total = self.counts.get(i, 0) + n
        if total:
            self.counts[i] = total
        else:
            # Not stored, so that a score added and taken back leaves no trace and equal sketches compare
            # equal.
            self.counts.pop(i, None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return self.edge_set.edge_set_id == other.edge_set.edge_set_id and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]  # mutable: must not be a key

    def __repr__(self) -> str:
        return f"Sketch({self.edge_set.edge_set_id}, n={self.total()}, bins={len(self.counts)})"


@lru_cache(maxsize=256)
def _places(edges: EdgeSet, coarse: EdgeSet) -> tuple[int, ...] | None:
    """Return in which bin of a coarser edge set each bin but -1 lies; None: it has an edge that `edges` lacks."""
    if coarse.common(edges).edge_set_id != coarse.edge_set_id:
        return None
    return tuple(map(coarse.bin_of, edges.edges))


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """Return the sum of all sketches on the edges that all have in common (of none: empty, on the score grid).

    The order does not matter: counts are integers and a common edge of all is a common edge of any two.
    """
    parts = list(sketches)
    if not parts:
        return Sketch(edge_set())
    edges = parts[0].edge_set
    for part in parts[1:]:
        edges = edges.common(part.edge_set)
    total = Sketch(edges)
    for part in parts:
        for i, n in part.on(edges).counts.items():
            total._bump(i, n)
    return total
