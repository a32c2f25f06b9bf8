"""The few figures that the benchmarks report. Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Summary(NamedTuple):
    """Median and extremes over rounds."""

    median: float
    low: float
    high: float


class Trend(NamedTuple):
    """A straight line through samples: its height at the beginning and the end of their span."""

    begin: float
    end: float

    @property
    def growth(self) -> float:
        """Growth over the span as a share of the beginning."""
        return self.end / self.begin - 1


def summary(values: Sequence[float]) -> Summary:
    """Return the median, the least and the greatest of `values`."""
    return Summary(statistics.median(values), min(values), max(values))


def rounded(values: Iterable[float], digits: int) -> list[float]:
    """Return the values with so many digits."""
    return [round(value, digits) for value in values]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the ascending values that at least `share` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def trend(at: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the least-squares line through `values` at `at`."""
    line = statistics.linear_regression(at, values)
    return Trend(line.intercept + line.slope * min(at), line.intercept + line.slope * max(at))


def histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Return how many values are at most each edge and above the one before; the last number counts the rest."""
    counts = [0] * (len(edges) + 1)
    at = 0
    for value in sorted(values):
        while at < len(edges) and value > edges[at]:
            at += 1
        counts[at] += 1
    return counts


def high_water(at: Sequence[float], values: Sequence[float], window: float) -> list[float]:
    """Return, for each sample, the greatest value of the last `window` (in units of `at`, which ascends)."""
    marks, first = [], 0
    for number, now in enumerate(at):
        while at[first] < now - window:
            first += 1
        marks.append(max(values[first : number + 1]))
    return marks
