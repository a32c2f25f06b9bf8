"""When a wave began that multiplies a rate: hours off at most, and within its bounds as often as they say."""

from typing import Final

import numpy as np
import pytest

from proofwatch.instants import ms_of
from services.aggregator.core.cusum.change_point import begin
from services.aggregator.core.cusum.chart import ZERO, Counts, moved
from services.aggregator.core.cusum.two_levels import RunUp, climbed
from services.aggregator.core.cusum.wave import Bin, begun, followed
from services.aggregator.core.lengths import FIVE_MS
from tests.unit.aggregator.cusum.traffic import Bank, monitoring

_DAY: Final = 288
_USUAL: Final = 0.02
_SURE: Final = 13.0


def _alarmed(chance: np.random.Generator, a_day: float, rate: float, truth: int) -> tuple[RunUp, int] | None:
    """Return the run-up of a chart that is sure of a wave, and when; None: it was sure before."""
    chart, run_up = ZERO, None
    for window in range(truth + 8 * _DAY):
        n = int(chance.poisson(a_day / _DAY))
        if not n:
            continue
        counts = Counts(window * FIVE_MS, int(chance.binomial(n, rate if window >= truth else _USUAL)), n)
        chart = moved(chart, counts, _USUAL, 2.0, 1e9)
        run_up = climbed(run_up, chart, counts, _USUAL, 2.0, 1.0)
        if chart.statistic >= _SURE:
            assert run_up is not None
            return (run_up, window) if window >= truth else None
    return None


@pytest.mark.parametrize(("a_day", "rate", "hours"), [(29, 0.56, 4.0), (300, 0.12, 3.0), (1500, 0.3, 0.5)])
def test_it_is_known_within_hours_and_its_bounds_hold_it(a_day: float, rate: float, hours: float) -> None:
    """Of some attempts an hour as of many; by the posterior of a doubling the first would be 39 hours off."""
    chance, off, held = np.random.default_rng(3), list[float](), list[bool]()
    while len(off) < 40:
        truth = 10 * _DAY + int(chance.integers(0, _DAY))
        if (sure := _alarmed(chance, a_day, rate, truth)) is None:
            continue
        run_up, window = sure
        posterior = begun(run_up.bins, window * FIVE_MS, 1.0)
        found = begin(posterior) if posterior else None
        if found is None:
            continue
        assert found.low_ms < found.since_ms < found.high_ms
        off.append(abs(found.since_ms / FIVE_MS - truth) / 12)
        held.append(found.low_ms <= truth * FIVE_MS <= found.high_ms)
    assert np.median(off) <= hours
    assert sum(held) >= 0.9 * len(held)


def test_a_doubling_is_left_to_the_chart_that_is_made_for_it() -> None:
    """Nor is anything known of no counts."""
    bins = tuple(Bin(window, 1, 0.4) for window in range(20))
    assert begun(bins, 20 * FIVE_MS, 1.0) is None
    assert begun((), 0, 1.0) is None


def test_bins_hold_all_counts_however_many_there_are() -> None:
    """Each begins with failures; of more than are kept the oldest are one."""
    bins: tuple[Bin, ...] = ()
    for window in range(300):
        bins = followed(bins, Counts(window * FIVE_MS, window % 3 // 2 * 2, 10), 0.01)
    assert len(bins) <= 32
    assert all(each.k for each in bins[1:])
    assert sum(each.k for each in bins) == 200
    assert sum(each.expected for each in bins) == pytest.approx(30.0)
    assert [each.window for each in bins] == sorted({each.window for each in bins})


def test_what_is_told_of_a_wave_behind_days_of_few_failures_is_the_wave() -> None:
    """A failure on each of five days before; then half of all for an evening: not the first of those days."""
    bank, told = Bank(monitoring(_USUAL, dispersion_unknown=1.0)), []
    first = 100 * _DAY
    for window in range(7 * _DAY):
        wave = window >= 6 * _DAY
        k = int(wave and window % 2 == 0) or int(not wave and window > _DAY and window % _DAY == 5)
        if window % 10 and not k and not wave:
            continue
        told += bank.close((first + window) * FIVE_MS, {(None, None): (k, 2 if wave else 1)})
        if any(each.severity == "high" for each in told):
            break
    event = next(each for each in told if each.severity == "high")
    assert event.since is not None
    assert event.since_low is not None
    assert abs(ms_of(event.since) // FIVE_MS - (first + 6 * _DAY)) <= 48
    assert ms_of(event.since_low) // FIVE_MS > first + 4 * _DAY
