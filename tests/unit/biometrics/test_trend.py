"""Does a rate of events grow or fall over periods?"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from proofwatch.biometrics.trend import trend


def test_the_trend_maximises_the_likelihood() -> None:
    """Against a general search; phi is Pearson's statistic over n - 2."""
    counts, exposure = np.array([3.0, 8, 2, 9, 14, 10, 25]), np.array([900.0, 1000, 800, 1100, 1000, 950, 1200])
    found = trend(counts, exposure)
    assert found is not None
    at = np.arange(7)

    def loss(beta: NDArray[np.float64]) -> float:
        eta = beta[0] + beta[1] * at
        return float(np.sum(exposure * np.exp(eta) - counts * eta))

    best = minimize(loss, np.array([-5.0, 0.0]), method="BFGS").x
    assert found.ratio_per_period == pytest.approx(np.exp(best[1]), rel=1e-5)
    assert found.ratio == pytest.approx(found.ratio_per_period**6)
    mu = exposure * np.exp(best[0] + best[1] * at)
    assert found.phi == pytest.approx(max(1, np.sum((counts - mu) ** 2 / mu) / 5), rel=1e-4)
    assert 0.001 < found.p_value < 0.05


def test_exact_growth_is_found_whatever_the_exposure() -> None:
    """10 % a period; periods without exposure keep their place; time turned around gives the inverse."""
    exposure = np.array([1e6, 2e6, 0, 5e5, 1e6])
    counts = exposure * 1e-3 * 1.1 ** np.arange(5)
    found, back = trend(counts, exposure), trend(counts[::-1], exposure[::-1])
    assert found is not None
    assert back is not None
    assert (found.ratio_per_period, found.ratio, found.phi) == pytest.approx((1.1, 1.1**4, 1.0))
    assert back.ratio_per_period == pytest.approx(1 / 1.1)
    assert back.p_value == pytest.approx(found.p_value)


def test_waves_are_not_trends() -> None:
    """300 null series of 12 overdispersed weeks: about 5 % of the p below 5 %, and phi is seen."""
    rng, low, phis = np.random.default_rng(20), 0, []
    for _ in range(300):
        counts = rng.negative_binomial(3, 3 / (3 + 20), 12)  # mean 20, variance 153
        found = trend(counts, [1000.0] * 12)
        assert found is not None
        low += found.p_value < 0.05
        phis.append(found.phi)
    assert low <= 27
    assert np.mean(phis) > 5


def test_too_little_to_fit_is_none() -> None:
    """Two periods, or events in one period alone."""
    assert trend([1, 2], [10, 10]) is None
    assert trend([0, 0, 5], [10, 10, 10]) is None
    assert trend([1, 0, 5], [10, 0, 10]) is None
    assert trend([], []) is None


@pytest.mark.parametrize(("k", "e"), [([1], [1, 2]), ([-1, 1, 1], [1, 1, 1]), ([1, 1, 1], [1, 0, 1]), ([1.0], [-1.0])])
def test_impossible_input_is_refused(k: list[float], e: list[float]) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="as many exposures"):
        trend(k, e)
