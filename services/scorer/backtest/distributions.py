"""Score histograms for people: few bins of a sketch's many, stretched towards 1 where the threshold is close to it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.biometrics.trials import ATTACK, ATTACK_PREFIX

_BINS: Final = 64  # 1/64 is a multiple of the score grid's coarsest step, so that the bins are exact
_OCTAVES: Final = 13  # 2^-13 is the finest step of the score grid: nothing lies between it and 1
_PER_OCTAVE: Final = 4


@dataclass(frozen=True, slots=True)
class Distribution:
    """Scores by class in bins edges[i] <= score < edges[i + 1] (the last one closed), with both thresholds.

    `near_one`: the bins halve with every halving of the distance to 1, and are to be drawn equally wide.
    """

    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]
    old: float
    new: float
    near_one: bool

    def place(self, score: float) -> float:
        """Return where a score is drawn: itself, or its place among equally wide bins."""
        if not self.near_one:
            return score
        at = max(0, min(bisect_right(self.edges, score) - 1, len(self.edges) - 2))
        low, high = self.edges[at], self.edges[at + 1]
        return at + (score - low) / (high - low)


def distribution(sketches: Mapping[str, Sketch], old: float, new: float) -> Distribution | None:
    """Return the histograms of a check's classes, all attacks together; None without scores."""
    attacks = [sketch for name, sketch in sketches.items() if name.startswith(ATTACK_PREFIX)]
    others = {name: sketch for name, sketch in sketches.items() if not name.startswith(ATTACK_PREFIX)}
    together = {**others, ATTACK: merged(attacks)} if attacks else others
    filled = {name: sketch for name, sketch in sorted(together.items()) if sketch.total()}
    if not filled:
        return None
    grid = next(iter(filled.values())).edge_set.edges
    near_one = min(old, new) > 1 - 2.0**-4
    if near_one:
        wanted = [1 - 2.0 ** -(step / _PER_OCTAVE) for step in range(_OCTAVES * _PER_OCTAVE + 1)]
    else:
        wanted = [step / _BINS for step in range(_BINS)]
    edges = tuple(sorted({grid[min(bisect_left(grid, edge), len(grid) - 1)] for edge in wanted} | {1.0}))
    counts = {name: _binned(sketch, edges) for name, sketch in filled.items()}
    return Distribution(edges, counts, old, new, near_one)


def _binned(sketch: Sketch, edges: tuple[float, ...]) -> tuple[int, ...]:
    counts = [0] * (len(edges) - 1)
    fine = sketch.edge_set.edges
    for at, n in sketch.counts.items():
        counts[max(0, min(bisect_right(edges, fine[at]) - 1, len(counts) - 1))] += n
    return tuple(counts)
