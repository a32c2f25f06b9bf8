"""Simulated years in which scores only vary as they do: from day to day, from hour to hour, and with retries.

`python -m tests.unit.aggregator.real_time.null_shift YEARS` prints findings a tenant-year and check.
"""

import sys
from collections.abc import Iterator
from math import erf, log, sqrt
from typing import Final

import numpy as np

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.detector import Chart
from services.aggregator.core.real_time.score_shift import read
from services.aggregator.core.real_time.shape import BOUNDS, UNIT, Bins, Shape, added

_LIMIT: Final = RealTimeRule().shift_distance
_DAYS: Final = 7
_LATENT: Final = [-9.0, *(log(each / (1 - each)) if 0 < each < 1 else 9.0 for each in BOUNDS[1:])]
"""Scores are logistic in what is normal, with its mean at 0.75."""


def year(
    seed: int, per_hour: float, of_day: float, of_hour: float, days: int = 365, jump: tuple[int, float] = (999, 0.0)
) -> list[int]:
    """Return the days of findings; the mean moves by so many SD from day to day and hour to hour, and by the jump."""
    shape, open_ones, block = Shape(), list[tuple[int, Bins]](), Chart()
    found: list[int] = []
    for hour, bins in _hours(seed, per_hour, of_day, of_hour, days, jump):
        while open_ones and open_ones[0][0] <= hour - 2:
            at, counted = open_ones.pop(0)
            shape = (shape.halved() if at % (24 * 28) == 0 else shape).grown(at // 24, counted)
        for part in _parts(bins):
            block = Chart(n=block.n + sum(part.values()), bins=added(block.bins, part))
            if block.n >= UNIT:
                if shape.days >= _DAYS:
                    readings = [read(block, shape, direction, _LIMIT) for direction in ("down", "up")]
                    if any(each.observation == "beyond" for each in readings):
                        found.append(hour // 24)
                block = Chart()
        open_ones.append((hour, bins))
    return found


def _hours(
    seed: int, per_hour: float, of_day: float, of_hour: float, days: int, jump: tuple[int, float]
) -> Iterator[tuple[int, Bins]]:
    rng = np.random.default_rng(seed)
    for day in range(days):
        mean = 1.1 + of_day * rng.standard_normal() + (jump[1] if day >= jump[0] else 0.0)
        for hour in range(24):
            at = mean + of_hour * rng.standard_normal()
            below = [0.5 * (1 + erf((edge - at) / sqrt(2))) for edge in _LATENT] + [1.0]
            shares = np.diff(below)
            shares[0] += below[0]
            n = rng.poisson(per_hour * (1 + 0.9 * np.sin(2 * np.pi * (hour - 8) / 24)) / 1.28)
            first = rng.multinomial(n, shares / shares.sum())
            counts = first + rng.binomial(first, 0.28)  # a retry has the score of the first try
            yield day * 24 + hour, {int(i): int(counts[i]) for i in np.flatnonzero(counts)}


def _parts(bins: Bins) -> Iterator[Bins]:
    """Cut an hour into parts of some 500 scores."""
    parts = max(1, sum(bins.values()) // UNIT)
    for part in range(parts):
        yield {i: n // parts + (part < n % parts) for i, n in bins.items()}


def main(years: int) -> None:
    """Print the table."""
    for per_hour in (1_000.0, 100.0):
        for of_day, of_hour in ((0.0, 0.0), (0.1, 0.05), (0.3, 0.1), (0.0, 0.15)):
            found = [year(seed, per_hour, of_day, of_hour) for seed in range(years)]
            days = sum(len(set(each)) for each in found)
            sys.stdout.write(f"{per_hour:.0f}/h, SD of days {of_day}, of hours {of_hour}: {days / years:.3f} days\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
