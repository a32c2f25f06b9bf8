"""Durations whose level differs from day to day, and by nothing else: how often a jump is told all the same.

`python -m tests.unit.aggregator.null_timings YEARS` prints findings a tenant-year, by spread and by duration's metric.
"""

import sys
from collections import Counter
from typing import Any, Final

import numpy as np

from services.aggregator.core.merge import BucketKey, Histogram, PolicyCounts, SegmentWindow
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.timing_jumps import Timings, judged
from tests.unit.aggregator.versions.traffic import binned_times

Slices = dict[tuple[str | None, str | None], tuple[int, float]]
FIRST_MS: Final = 20_500 * DAY_MS
_SPREADS: Final = (0.05, 0.1, 0.15, 0.25)


def day(random: Any, slices: Slices) -> list[SegmentWindow]:
    """Return the windows of a day: of each slice so many durations, with such a median."""
    found = []
    for (name, value), (n, middle_ms) in slices.items():
        bins = binned_times(middle_ms * np.exp(random.normal(0, 0.35, n)))
        sketches = {"capture_ms": Histogram("time-v1", (), {str(place): k for place, k in bins.items()})}
        found.append(SegmentWindow(name, value, 1, {"p" * 32: PolicyCounts({"transactions": n}, {}, sketches)}))
    return found


def false_findings(seed: int, days: int, spread: float, slices: int = 21) -> Counter[str]:
    """Return what is told of a tenant whose slices differ from day to day by `spread`."""
    random, timings, found = np.random.default_rng(seed), Timings(), Counter[str]()
    names = [("device_model", str(number)) for number in range(slices)]
    for number in range(days):
        windows = day(random, {each: (200, 1_800 * float(np.exp(random.normal(0, spread)))) for each in names})
        for event in judged(timings, BucketKey("bank", DAY_S, FIRST_MS + number * DAY_MS), windows, ()):
            found[event.state] += 1
    return found


def main(years: int) -> None:
    """Print the table."""
    for spread in _SPREADS:
        told = sum(false_findings(seed, 365, spread)["firing"] for seed in range(years))
        sys.stdout.write(f"days that differ by {spread:.0%}: {told} in {years} tenant-years\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
