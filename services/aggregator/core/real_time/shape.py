"""How scores are usually distributed: the share below each of 85 bounds, and how much that differs between hours.

Hours are taken together until they have 500 scores: a unit, so that units of small and large tenants are alike. Of each
bound the sum and the sum of squares over units are kept, in thousandths: that tells what differs between days and
hours, beside what chance makes of the number of scores.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.biometrics.edges import GRIDS, SCORE_GRID, edge_set
from services.aggregator.core.merge import Histogram

Bins = dict[int, int]
"""Scores by coarse bin; a bin that is not listed holds none."""

UNIT: Final = 500
_PER_MILLE: Final = 1_000
_STEPS: Final = ((0, 448, 16), (448, 640, 8), (640, 768, 4), (768, 769, 1))
"""Edges of the score grid from, to, each so many: 1/32 up to 7/8, an eighth of an octave up to 63/64, 1/2048, and 1."""
BOUNDS: Final = tuple(GRIDS[SCORE_GRID][i] for first, end, step in _STEPS for i in range(first, end, step))
"""Bin i holds BOUNDS[i] <= score < BOUNDS[i + 1]; the first one what is below, too."""


class Shape(Struct, array_like=True, frozen=True):
    """What is known of the scores of a check: `sums` and `squares` of the thousandths below each bound, over `units`.

    `days`: on so many a unit ended, the last of them `day` (since 1970); `open`: the scores of the unit that is under
    way. `scores`: how many are in the units. Older ones weigh half after every 28 days.
    """

    units: int = 0
    days: int = 0
    day: int = 0
    scores: int = 0
    sums: tuple[int, ...] = ()
    squares: tuple[int, ...] = ()
    open: Bins = {}

    def grown(self, day: int, bins: Mapping[int, int]) -> "Shape":
        """Return the shape with the scores of an hour that came after all that are in it; `day`: of that hour."""
        if not bins:
            return self
        unit = added(self.open, bins)
        n = sum(unit.values())
        if n < UNIT:
            return replace(self, open=unit)
        below = [round(_PER_MILLE * each / n) for each in cumulated(unit)]
        sums, squares = self.sums or (0,) * len(below), self.squares or (0,) * len(below)
        return Shape(
            self.units + 1,
            self.days + (self.days == 0 or self.day != day),
            day,
            self.scores + n,
            tuple([total + each for total, each in zip(sums, below, strict=True)]),
            tuple([total + each * each for total, each in zip(squares, below, strict=True)]),
        )

    def halved(self) -> "Shape":
        """Return half of it, so that what is older weighs less."""
        if self.units < 2:
            return self
        # An odd one goes with the mean of all: else sums of 101 units would be divided by 50 that are 50.5.
        kept = self.units - self.units % 2
        sums, squares = (tuple([each * kept // (2 * self.units) for each in of]) for of in (self.sums, self.squares))
        return Shape(kept // 2, max(1, self.days // 2), self.day, self.scores // 2, sums, squares, self.open)

    def usual(self, bound: int) -> "Usual":
        """Return the share below a bound. Needs two units."""
        mean = self.sums[bound] / self.units / _PER_MILLE
        spread = self.squares[bound] / self.units / _PER_MILLE**2 - mean * mean
        return Usual(mean, max(0.0, spread * self.units / (self.units - 1)))

    def shares(self) -> list[float]:
        """Return the mean share below each bound. Needs a unit."""
        return [each / self.units / _PER_MILLE for each in self.sums]


class Usual(NamedTuple):
    """The mean share of scores below a bound, and its variance between units."""

    share: float
    variance: float


def bins_of(sketch: Histogram | None) -> Bins:
    """Return the coarse bins of a sketch of scores."""
    found: Bins = {}
    if sketch is not None and sketch.grid == SCORE_GRID:
        coarse = _coarse(sketch.thresholds)
        for label, n in sketch.bins.items():
            place = coarse[int(label)] if int(label) >= 0 else 0
            found[place] = found.get(place, 0) + n
    return found


def packed(bins: Mapping[int, int]) -> bytes:
    """Return bins as bytes, of which a minute of few scores has few: a bin, then 127 + how many more it holds."""
    found = bytearray()
    for place in sorted(bins):
        found.append(place)
        more = bins[place] - 1
        while more > 0:
            found.append(127 + min(more, 128))
            more -= 128
    return bytes(found)


def unpacked(packed_bins: bytes) -> Bins:
    """Return the bins that `packed` made bytes of."""
    found: Bins = {}
    place = 0
    for byte in packed_bins:
        if byte < 128:
            place = byte
            found[place] = 1
        else:
            found[place] += byte - 127
    return found


def added(one: Mapping[int, int], other: Mapping[int, int]) -> Bins:
    """Return the sum."""
    total = dict(one)
    for place, n in other.items():
        total[place] = total.get(place, 0) + n
    return total


def cumulated(bins: Mapping[int, int]) -> list[int]:
    """Return how many are below each bound."""
    below, found = 0, []
    for place in range(len(BOUNDS)):
        found.append(below)
        below += bins.get(place, 0)
    return found


@lru_cache(maxsize=256)
def _coarse(thresholds: tuple[float, ...]) -> tuple[int, ...]:
    """Return the coarse bin of each bin of a sketch; a threshold in between belongs to the one that it lies in."""
    place, found = 0, []
    for edge in edge_set(thresholds).edges:
        while place + 1 < len(BOUNDS) and BOUNDS[place + 1] <= edge:
            place += 1
        found.append(place)
    return tuple(found)
