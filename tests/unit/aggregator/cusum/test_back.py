"""A chart's alarm ends when its rate came back, and says when that was."""

import numpy as np

from proofwatch.governance.policy import load_policy
from services.aggregator.core.cusum.back import came_back, moved_back
from services.aggregator.core.cusum.chart import ZERO, Counts
from services.aggregator.core.lengths import FIVE_MS

RULE = load_policy().monitoring.cusum
P0, N, PHI = 0.0073, 83, 1.1


def hours_until_over(chance: np.random.Generator, rate: float, hours: int) -> tuple[float, float] | None:
    """Return after how many hours at a rate an alarm is over, and when it says that it was; None: not in that time."""
    chart = ZERO
    for window in range(hours * 12):
        counts = Counts(window * FIVE_MS, int(chance.binomial(N, rate)), N)
        chart = moved_back(chart, counts, P0, PHI, RULE.odds_ratio, RULE)
        if came_back(chart, counts.start_ms, PHI, RULE):
            return (window + 1) / 12, chart.since_ms / FIVE_MS / 12
    return None


def test_it_is_over_within_hours_and_says_when_it_ended() -> None:
    """By the chart at zero it took 7.5 hours."""
    found = [hours_until_over(np.random.default_rng(seed), P0, 40) for seed in range(60)]
    over = [each for each in found if each is not None]
    assert len(over) == 60
    assert np.median([hours for hours, _ in over]) <= 3.6
    assert np.median([since for _, since in over]) <= 0.25


def test_what_stands_does_not_end() -> None:
    """At twice the usual rate, also if it was five times before: two days, sixty times."""
    found = [hours_until_over(np.random.default_rng(seed), 2 * P0, 48) for seed in range(60)]
    assert sum(each is not None for each in found) <= 4
