"""When a rate changed: against the posterior written out, and as often right as it says."""

from math import exp
from typing import Final

import numpy as np
import pytest

from proofwatch.biometrics.cusum import weights
from services.aggregator.core.cusum.change_point import EMPTY, Posterior, begin, seen
from services.aggregator.core.cusum.chart import Counts
from services.aggregator.core.lengths import FIVE_MS

_PHI: Final = 1.3


def _posterior(windows: list[tuple[int, int]]) -> Posterior:
    found = EMPTY
    for number, (k, n) in enumerate(windows):
        found = seen(found, Counts(number * FIVE_MS, k, n), 0.01, 2.0, _PHI)
    return found


def _written_out(windows: list[tuple[int, int]]) -> list[float]:
    """Return the share of every window, from the definition."""
    weight = weights(0.01, 2.0)
    adds = [(k * weight.failure + (n - k) * weight.success) / _PHI for k, n in windows]
    likely = [exp(sum(adds[first:])) for first in range(len(adds))]
    return [each / sum(likely) for each in likely]


@pytest.mark.parametrize("seed", range(5))
def test_median_and_bounds_are_those_of_the_posterior(seed: int) -> None:
    """Within a few windows of what the definition says, though only a few bins are kept."""
    chance = np.random.default_rng(seed)
    rates = [0.01] * 60 + [0.03] * 30
    windows = [(int(chance.binomial(80, rate)), 80) for rate in rates]
    shares = np.cumsum(_written_out(windows))
    found = begin(_posterior(windows))
    assert found is not None
    median, low, high = (int(np.searchsorted(shares, q)) for q in (0.5, 0.015, 0.985))
    assert abs(found.since_ms // FIVE_MS - median) <= 1
    assert abs(found.low_ms // FIVE_MS + 1 - low) <= 4
    assert abs(found.high_ms // FIVE_MS - 2 - high) <= 4
    assert found.low_ms < found.since_ms < found.high_ms


def test_it_holds_the_truth_as_often_as_it_says() -> None:
    """More than nine in ten where nothing disturbs, of changes at any moment of a window; the state stays small."""
    chance, held, widths = np.random.default_rng(1), 0, []
    for _ in range(200):
        truth = 100 + chance.uniform(0, 12)
        found, number, log_sum = EMPTY, 0, 0.0
        while log_sum < 15 and number < 400:
            after = min(1.0, max(0.0, number + 1 - truth))
            rate = 0.01 * (1 + after)
            found = seen(found, Counts(number * FIVE_MS, int(chance.binomial(80, rate)), 80), 0.01, 2.0, 1.0)
            log_sum = found.log_sum if number > 120 else 0.0
            number += 1
            assert len(found.bins) <= 4 + 28 * 4
        told = begin(found)
        assert told is not None
        held += told.low_ms <= truth * FIVE_MS <= told.high_ms
        widths.append((told.high_ms - told.low_ms) / FIVE_MS)
    assert held >= 188
    assert np.median(widths) < 60


def test_nothing_seen_is_no_begin() -> None:
    """A chart that was stored before there were bins says what it said."""
    assert begin(EMPTY) is None


def test_what_is_sure_not_to_be_the_begin_is_dropped() -> None:
    """Weeks without a failure, and weeks without a trial that succeeds: the bins stay small, and none is empty."""
    for failures in (0, 1, 80):
        found = EMPTY
        for number in range(3000):
            found = seen(found, Counts(number * FIVE_MS, failures, 80), 0.01, 0.5, 1.0)
            found = seen(found, Counts(number * FIVE_MS, failures, 80), 0.01, 2.0, 5.0)
        assert begin(found) is not None
        assert len(found.bins) <= 4 + 28 * 4
