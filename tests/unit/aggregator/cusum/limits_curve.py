"""What a lower high limit would buy, and what it would cost: how many doubled rates a chart is sure of by when.

`python -m tests.unit.aggregator.cusum.limits_curve RUNS` prints it for retries that fail again in 28 % and in 60 %, at
1,000 first attempts an hour of which 1 % of all attempts fail, and where first attempts fail as often in both. Each
run is two days at the usual rate, then twelve hours and a day at twice that; hours differ by 10 %, φ is 1.1. A limit
lower by 1 φ has 2.7 times as many false alarms: of Wald's (1947) likelihood ratio exp(x), the mean is 1 where nothing
happens.
"""

import sys
from collections.abc import Sequence
from math import exp
from typing import Final

import numpy as np

from proofwatch.biometrics.cusum import weights
from tests.scenarios.tries import first_attempt_rate

_LIMITS: Final = (15, 14, 13, 12, 11, 9, 7)
_PHI: Final = 1.1
_BEFORE: Final = 48 * 12
_WINDOWS: Final = 24 * 12
_PER_WINDOW: Final = 1_000 / 12


def delays(rate: float, runs: int, limits: Sequence[float] = _LIMITS, seed: int = 7) -> dict[float, list[float]]:
    """Return after how many hours each run's chart came to each limit; inf: not within a day."""
    random, weight = np.random.default_rng(seed), weights(rate, 2.0)
    statistic = np.zeros(runs)
    found = {limit: np.full(runs, np.inf) for limit in limits}
    for window in range(_BEFORE + _WINDOWS):
        if window % 12 == 0:
            worse = np.exp(random.normal(0.0, 0.1, runs))
        n = random.poisson(_PER_WINDOW, runs)
        k = random.binomial(n, rate * worse * (1 + (window >= _BEFORE)))
        statistic = np.maximum(0.0, statistic + k * weight.failure + (n - k) * weight.success)
        for limit, hours in found.items():
            reached = (statistic >= limit * _PHI) & np.isinf(hours) & (window >= _BEFORE)
            hours[reached] = (window + 1 - _BEFORE) / 12
    return {limit: hours.tolist() for limit, hours in found.items()}


def main(runs: int) -> None:
    """Print the table."""
    usual = first_attempt_rate(0.01, 0.28)
    for name, rate in (("28 %", usual), ("60 %", first_attempt_rate(0.01, 0.6)), ("60 %, as many people", usual)):
        for limit, hours in delays(rate, runs).items():
            half, day = (np.mean(np.array(hours) <= until) for until in (12, 24))
            false = exp(_LIMITS[0] - limit)
            sys.stdout.write(
                f"{name}, {limit} φ: {half:.1%} in 12 h, {day:.1%} in 24 h, {false:,.1f} x as many false\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]))
