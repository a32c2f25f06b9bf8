"""The figures that benchmarks report."""

import pytest

from tests.benchmarks.figures import high_water, histogram, quantile, summary, trend


def test_quantiles_are_values_that_were_measured() -> None:
    """Nearest rank: of a hundred values the 99th is the p99, and the greatest is the p100."""
    values = [float(value) for value in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.99, 0.999, 1.0)] == [50.0, 99.0, 100.0, 100.0]
    assert quantile([7.0], 0.0) == 7.0


def test_a_trend_is_the_growth_of_the_line_and_not_of_its_ends() -> None:
    """A last sample that jumps moves the line a little; a steady climb of a tenth is a tenth."""
    steady = trend([0, 1, 2, 3, 4], [100, 102.5, 105, 107.5, 110])
    assert steady.growth == pytest.approx(0.1)
    jumps = trend(range(100), [100.0] * 99 + [150.0])
    assert 0 < jumps.growth < 0.04


def test_the_high_water_mark_of_a_saw_tooth_is_flat() -> None:
    """A window of one tooth sees every peak; the window is in the units of the samples' times."""
    at = [float(second) for second in range(30)]
    tooth = [float(second % 10) for second in range(30)]
    assert set(high_water(at, tooth, 10)[10:]) == {9.0}
    assert high_water(at, tooth, 0) == tooth


def test_a_histogram_counts_every_value_once() -> None:
    """An edge belongs to the values at it; what is above the last edge is counted last."""
    assert histogram([0.5, 1.0, 1.1, 9.0, 100.0], [1.0, 10.0]) == [2, 2, 1]
    assert histogram([], [1.0]) == [0, 0]


def test_a_summary_is_the_median_between_the_extremes() -> None:
    """Also of one round."""
    assert summary([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert summary([5.0]) == (5.0, 5.0, 5.0)
