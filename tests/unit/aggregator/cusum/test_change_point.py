"""When a rate changed: against the posterior written out, and as often right as it says."""

from math import exp, log1p
from struct import pack, unpack
from typing import Final

import numpy as np
import pytest

from proofwatch.biometrics.cusum import weights
from services.aggregator.core.cusum.change_point import EMPTY, Begin, Posterior, begin, seen
from services.aggregator.core.cusum.chart import ZERO, Counts, moved
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


@pytest.mark.parametrize(("per_hour", "times"), [(250, 3.0), (60, 6.0)])
def test_it_holds_the_begin_of_a_slice_after_days_in_which_its_chart_wandered(per_hour: int, times: float) -> None:
    """By the charts of all failures and of one kind, whichever is sure first, where hours differ by a tenth."""
    chance, held = np.random.default_rng(5), list[bool]()
    while len(held) < 40:
        truth = 36 * 12 + chance.uniform(0, 288)
        found = _first_sure(chance, per_hour / 12, times, truth)
        if found is not None:
            assert found.low_ms < found.since_ms < found.high_ms
            held.append(found.low_ms <= truth * FIVE_MS <= found.high_ms)
    assert sum(held) >= 0.85 * len(held)


def _first_sure(chance: np.random.Generator, n: float, times: float, truth: float) -> Begin | None:
    """Return what the chart that is sure first says of a change at window `truth`; None: one was sure before."""
    charts, posteriors, rates = [ZERO, ZERO], [EMPTY, EMPTY], (0.0073, 0.0183)
    for number in range(72 * 12):
        if number % 12 == 0:
            worse = np.exp(chance.normal(0.0, 0.1, 2))
        after = min(1.0, max(0.0, number + 1 - truth))
        trials = int(chance.poisson(n))
        own = int(chance.binomial(trials, rates[0] * worse[0] * (1 + after * (times - 1))))
        both = min(trials, own + int(chance.binomial(trials, (rates[1] - rates[0]) * worse[1])))
        for at, failed in enumerate((own, both)):
            counts = Counts(number * FIVE_MS, failed, trials)
            charts[at] = moved(charts[at], counts, rates[at], 2.0, 16.5)
            posteriors[at] = seen(posteriors[at], counts, rates[at], 2.0, 1.1)
        sure = [at for at in (0, 1) if charts[at].statistic >= 16.5]
        if sure:
            return begin(posteriors[sure[0]]) if number > truth else None
    return None


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


def _bin_by_bin(known: Posterior, window: int, adds: float) -> Posterior:
    """Return the posterior after a window of a young chart, whose bins are neither joined nor dropped."""
    share, first = 1 / (1 + exp(known.log_sum)), window
    bins = []
    if known.bins:
        first, *fields = unpack(f"<I{(len(known.bins) // 4 - 1) * 'He'}", known.bins)
        bins = [(first + at, old * (1 - share)) for at, old in zip(fields[::2], fields[1::2], strict=True)]
    fields = [each for at, part in [*bins, (window, share)] for each in (at - first, part)]
    return Posterior(adds + log1p(exp(known.log_sum)), pack(f"<I{len(fields) // 2 * 'He'}", first, *fields))


def test_a_bin_more_is_stored_as_bins_are() -> None:
    """Bit by bit: what a release before wrote goes on as it would have gone on there."""
    weight = weights(0.01, 2.0)
    found = EMPTY
    for number, (k, n) in enumerate([(0, 40), (1, 30), (0, 2), (2, 60), (0, 0), (1, 90), (0, 30)] * 2):
        adds = (k * weight.failure + (n - k) * weight.success) / _PHI
        want = _bin_by_bin(found, 1_000 + number, adds)
        found = seen(found, Counts((1_000 + number) * FIVE_MS, k, n), 0.01, 2.0, _PHI)
        assert found == want
