"""How much more counts vary than independent trials would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from proofwatch.biometrics.dispersion import pearson_dispersion, phi_at, poisson_dispersion
from tests.unit.biometrics.samples import many_examples

windows = st.lists(
    st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, min(n, 30)), st.just(n))), min_size=2, max_size=30
)


@many_examples
@given(windows)
def test_phi_is_pearsons_statistic_over_its_degrees_of_freedom(drawn: list[tuple[int, int]]) -> None:
    """Against the pooled rate that is the contingency test's statistic; never below 1."""
    found = pearson_dispersion(drawn)
    used = [(k, n) for k, n in drawn if n]
    k, n = sum(k for k, _ in used), sum(n for _, n in used)
    if len(used) < 2 or not 0 < k < n:
        assert found is None
        return
    table = np.array([[k, n - k] for k, n in used])
    statistic = chi2_contingency(table, correction=False).statistic
    assert found == pytest.approx(max(1.0, statistic / (len(used) - 1)))


def test_independent_trials_have_phi_one_and_clusters_their_size() -> None:
    """A month of hours: binomial counts give about 1, and tripled ones (each failure thrice) about 3."""
    rng = np.random.default_rng(10)
    k = rng.binomial(1_000, 0.01, 28 * 24)
    assert pearson_dispersion([(int(v), 1_000) for v in k]) == pytest.approx(1.0, abs=0.15)
    assert pearson_dispersion([(3 * int(v), 3_000) for v in k]) == pytest.approx(3.0, rel=0.15)
    counts = rng.negative_binomial(4, 4 / (4 + 12), 5_000)  # mean 12, variance 12 (1 + 12 / 4)
    assert poisson_dispersion([int(c) for c in counts], [12.0] * 5_000) == pytest.approx(4.0, rel=0.1)


def test_an_hourly_profile_is_not_dispersion() -> None:
    """Hours that are known to differ explain themselves."""
    rng = np.random.default_rng(12)
    profile = [0.005, 0.02] * 300
    drawn = [(int(rng.binomial(1_000, p)), 1_000) for p in profile]
    pooled, against = pearson_dispersion(drawn), pearson_dispersion(drawn, profile)
    assert pooled is not None
    assert against is not None
    assert pooled > 4 > 1.3 > against


@given(st.floats(1, 20), st.floats(0.1, 100), st.floats(0, 1000))
def test_longer_windows_are_allowed_the_larger_of_both_laws(phi: float, measured_on: float, mean: float) -> None:
    """Equal at the length measured on, never below phi, monotone in the mean."""
    assert phi_at(phi, measured_on, measured_on) == pytest.approx(phi)
    assert phi_at(phi, measured_on, mean) >= phi
    assert phi_at(phi, measured_on, mean + 1) >= phi_at(phi, measured_on, mean)


def test_days_of_differing_hours_are_covered() -> None:
    """Hours whose rates share the day's level: daily dispersion exceeds the hourly one, and `phi_at` covers it."""
    rng = np.random.default_rng(13)
    levels = np.repeat(rng.gamma(20, 1 / 20, 400), 24)
    hours = rng.poisson(5.0 * levels)
    days = hours.reshape(-1, 24).sum(axis=1)
    hourly = poisson_dispersion([int(c) for c in hours], [5.0] * len(hours))
    daily = poisson_dispersion([int(c) for c in days], [120.0] * len(days))
    assert hourly is not None
    assert daily is not None
    assert hourly < 1.5 < 5 < daily
    assert phi_at(hourly, 5.0, 120.0) == pytest.approx(daily, rel=0.35)


def test_impossible_input_is_refused() -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="must hold"):
        pearson_dispersion([(2, 1)])
    with pytest.raises(ValueError, match="expected rates"):
        pearson_dispersion([(0, 1)], [0.1, 0.2])
    with pytest.raises(ValueError, match="within"):
        pearson_dispersion([(0, 1)], [1.2])
    with pytest.raises(ValueError, match="none negative"):
        poisson_dispersion([-1], [1.0])
    with pytest.raises(ValueError, match="must be >= 1"):
        phi_at(0.9, 1.0, 1.0)
    assert pearson_dispersion([]) is poisson_dispersion([3], [2.0]) is None
