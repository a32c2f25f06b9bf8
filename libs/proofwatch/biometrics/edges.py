"""The bin edges of sketches: a versioned base grid and, beside it, the thresholds in force.

Bin i holds edges[i] <= value < edges[i + 1]; -1 lies below the first edge, the last bin at or above the last one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from struct import pack

SCORE_GRID = "score-v1"
TIME_GRID = "time-v1"


def _score_v1() -> tuple[float, ...]:
    """Return the grid for scores in [0, 1]: 769 edges.

    Steps of 1/512 up to 7/8; from there the step halves whenever the distance to 1 halves, down to 1/8192.
    Good systems put their thresholds (0.85, 0.90, 0.995) and most bona fide scores near 1, where 1 - score is
    what matters: from 7/8 to 63/64 a step is at most 1/64 of it, and above 0.995 there are still 41 bins.
    """
    edges = [i / 512 for i in range(448)]
    for octave in range(3):
        start, step = 1 - 2.0 ** -(octave + 3), 2.0 ** -(octave + 10)
        edges += [start + i * step for i in range(64)]
    return (*edges, *(1 - i / 8192 for i in range(128, -1, -1)))


def _time_v1() -> tuple[float, ...]:
    """Return the logarithmic grid for durations in ms: 0, then 8 steps per doubling from 1 ms to 4.7 h."""
    return (0.0, *(2.0**octave * (1 + i / 8) for octave in range(24) for i in range(8)), 2.0**24)


# Versioned: the edges behind a name never change, since bins on the wire are only indices. All of them are
# dyadic fractions, hence exact floats that compare equal in every language.
GRIDS: Mapping[str, tuple[float, ...]] = {SCORE_GRID: _score_v1(), TIME_GRID: _time_v1()}
_ON_GRID = {name: frozenset(edges) for name, edges in GRIDS.items()}


class EdgeSet:
    """The ascending bin edges of a sketch: a base grid and extra thresholds. Get one from `edge_set`.

    Attributes: `grid`, the name of the base grid; `thresholds`, the extra edges, ascending; `edges`, all of
    them; `edge_set_id`, a deterministic name, equal if and only if the edges are equal.
    """

    __slots__ = ("edge_set_id", "edges", "grid", "thresholds")

    def __init__(self, grid: str, thresholds: tuple[float, ...]) -> None:
        self.grid = grid
        self.thresholds = thresholds
        self.edges: tuple[float, ...] = tuple(sorted((*GRIDS[grid], *thresholds)))
        digest = sha256(pack(f">{len(thresholds)}d", *thresholds)).hexdigest()[:16]
        self.edge_set_id = f"{grid}+{digest}" if thresholds else grid

    def bin_of(self, score: float) -> int:
        """Return the bin of a finite score. One C bisection: this is called for every score of every event."""
        return bisect_right(self.edges, score) - 1

    def common(self, other: "EdgeSet") -> "EdgeSet":
        """Return the edges that both sets have. Raises ValueError for different grids (scores and durations)."""
        if self.edge_set_id == other.edge_set_id:
            return self
        if self.grid != other.grid:
            raise ValueError(f"sketches on the grids {self.grid} and {other.grid} cannot be merged")
        return edge_set(set(self.thresholds) & set(other.thresholds), self.grid)


def edge_set(thresholds: Iterable[float] = (), grid: str = SCORE_GRID) -> EdgeSet:
    """Return the (shared) edge set of a base grid and these thresholds, in any order, repeats allowed.

    Raises ValueError for an unknown grid or a threshold that is not finite.
    """
    wanted = set(thresholds)
    if not all(isfinite(threshold) for threshold in wanted):
        raise ValueError(f"thresholds must be finite numbers, got {sorted(wanted, key=str)}")
    if grid not in GRIDS:
        raise ValueError(f"unknown sketch grid {grid!r}; this version knows {', '.join(GRIDS)}")
    return _edge_set(grid, tuple(sorted(wanted - _ON_GRID[grid])))


@lru_cache(maxsize=1024)
def _edge_set(grid: str, thresholds: tuple[float, ...]) -> EdgeSet:
    return EdgeSet(grid, thresholds)
