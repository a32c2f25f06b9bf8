"""How often the 2 × rule of days accuses series in which nothing changes: simulated days, with retries that fail again.

    python -m tests.unit.aggregator.null_days 2

Two million days of each kind of series: so many failures a day at 1 %, by 7, 20 or 28 days before, and of whoever
failed 28 or 60 % fail again, however often. False highs of a fleet-year, were all of its series so: ten tenants, the
whole and 20 segment values each, six rates.
"""

import sys
from typing import Final

import numpy as np

from proofwatch.biometrics.baseline import Baseline, compare
from proofwatch.governance.policy import load_policy
from services.aggregator.core.detectors.clusters import design_effect

MONITORING: Final = load_policy().monitoring
SIZES: Final = (1, 2, 5, 10, 20, 60)
SERIES_DAYS: Final = 10 * 21 * 6 * 365
_TRIALS: Final = 100
"""For each failure."""


def false_highs(chance: np.random.Generator, again: float, expects: float, days: int, before: int = 20) -> int:
    """Return how many of so many days are called high; `before`: days that are known before each."""
    return _highs(chance, again, expects, days, before, divided=True)


def false_highs_undivided(
    chance: np.random.Generator, again: float, expects: float, days: int, before: int = 20
) -> int:
    """Return the same by a rule that takes all failures for independent."""
    return _highs(chance, again, expects, days, before, divided=False)


def _highs(chance: np.random.Generator, again: float, expects: float, days: int, before: int, *, divided: bool) -> int:
    first, k = _failures(chance, again, expects, days)
    known = _failures(chance, again, expects * before, days)[1]
    n, high = round(expects * _TRIALS), 0
    unknown, expected = MONITORING.cusum.dispersion_unknown, 1 / _TRIALS
    for place in np.flatnonzero((k >= 2) & (k * before > MONITORING.factor * known)):
        effect = design_effect(int(k[place]), int(first[place]), unknown) if divided else 1.0
        baseline = Baseline(int(known[place]), n * before, before)
        found = compare(
            int(k[place]), n, baseline, expected, MONITORING.factor, MONITORING.alpha, 7, design_effect=effect
        )
        high += found.severity == "high"
    return high


def _failures(
    chance: np.random.Generator, again: float, expects: float, days: int
) -> tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Return failures of first attempts and of all."""
    first = chance.poisson(expects * (1 - again), days)
    return first, first + np.where(first > 0, chance.negative_binomial(np.maximum(first, 1), 1 - again), 0)


if __name__ == "__main__":
    millions = float(sys.argv[1])
    for again in (0.0, 0.28, 0.6):
        for before in (7, 20, 28):
            drawn, days = np.random.default_rng(7), round(millions * 1e6)
            told = {
                size: [
                    round(rule(drawn, again, size, days, before) / days * SERIES_DAYS, 2)
                    for rule in (false_highs, false_highs_undivided)
                ]
                for size in SIZES
            }
            sys.stdout.write(f"{again:.0%} fail again, {before} days before: divided, undivided: {told}\n")
            sys.stdout.flush()
