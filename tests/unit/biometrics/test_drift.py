"""How far two distributions are apart: the usual numbers, as others print them, and what the detector uses."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats

from proofwatch.biometrics import drift
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

both_rows = st.integers(2, 12).flatmap(
    lambda bins: st.tuples(*[st.lists(st.integers(0, 400), min_size=bins, max_size=bins).filter(any)] * 2)
)
raw = st.lists(st.one_of(st.integers(0, 20).map(lambda i: i / 20), st.floats(0, 1)), min_size=2, max_size=60)


def binned(scores: ArrayLike, edges: list[float]) -> list[int]:
    """Return counts with edges[i] <= score < edges[i + 1]."""
    places = np.searchsorted(edges, scores, side="right") - 1
    return [int(n) for n in np.bincount(places, minlength=len(edges) - 1)]


@cases("psi")
def test_psi_as_others_print_it_and_as_the_detector_uses_it(case: Case) -> None:
    """Empty bins with a fixed share, or half a count in every bin; p value and null mean of the latter."""
    r, c = case.input["reference_counts"], case.input["current_counts"]
    half, scale = float(drift.psi_half(r, c)), 1 / sum(r) + 1 / sum(c)
    found = {
        "psi_half": half,
        "p_value_half": drift.psi_p_value(half, sum(r), sum(c), len(r)),
        "null_scale": scale,
        "null_mean": (len(r) - 1) * scale,
        "psi_eps_1e-4": drift.psi(r, c),
    }
    if "psi_plain" in case.expected:
        found["psi_plain"] = drift.psi(r, c, empty=0.5)  # no bin is empty, so it does not matter
    case.holds(found)


@cases("chi2")
def test_chi_squared_leaves_bins_out_that_are_empty_in_both(case: Case) -> None:
    """Statistic, degrees of freedom, p, Cramer's V and the smallest expected count."""
    found = drift.chi_squared(case.input["reference_counts"], case.input["current_counts"])
    case.holds(found._asdict())


@cases("ks")
def test_kolmogorov_smirnov_on_scores_and_on_edges(case: Case) -> None:
    """Raw with both p values; on edges never above raw."""
    i = case.input
    found = drift.kolmogorov_smirnov(i["reference"], i["current"])
    on_edges = drift.ks_on_bins(binned(i["reference"], i["edges"]), binned(i["current"], i["edges"]))
    case.holds(
        {
            "d_raw": found.distance,
            "p_exact": found.p_exact,
            "p_asymptotic": found.p_asymptotic,
            "d_on_edges": float(on_edges),
        }
    )


@cases("wasserstein")
def test_wasserstein_on_scores_in_standard_deviations_and_on_bins(case: Case) -> None:
    """Raw, over the population SD of the reference, and with scores at their bins' midpoints."""
    i = case.input
    r, c = binned(i["reference"], i["edges"]), binned(i["current"], i["edges"])
    case.holds(
        {
            "w1_raw": drift.wasserstein(i["reference"], i["current"]),
            "w1_over_sd": drift.wasserstein_over_sd(i["reference"], i["current"]),
            "w1_midpoints": float(drift.wasserstein_on_bins(r, c, i["edges"])),
            "reference_bins": r,
            "current_bins": c,
        }
    )


@many_examples
@given(both_rows)
def test_binned_distances_are_distances(rows: tuple[list[int], list[int]]) -> None:
    """Never negative, zero of a side with itself, and the symmetric ones are symmetric."""
    r, c = rows
    edges = list(range(len(r) + 1))
    for distance in (drift.psi_half, drift.ks_on_bins, drift.chi_squared_statistic):
        assert float(distance(r, r)) == pytest.approx(0, abs=1e-12)
        assert float(distance(r, c)) >= 0
        assert float(distance(r, c)) == pytest.approx(float(distance(c, r)), rel=1e-9, abs=1e-12)
    assert drift.psi(r, c) >= -1e-3  # filled shares need not sum to one
    assert 0 <= float(drift.ks_on_bins(r, c)) <= 1
    assert float(drift.wasserstein_on_bins(r, c, edges)) <= len(r) - 1 + 1e-9


@many_examples
@given(both_rows)
def test_chi_squared_agrees_with_an_independent_implementation(rows: tuple[list[int], list[int]]) -> None:
    """scipy's contingency test on the table without empty columns."""
    table = np.array(rows)
    table = table[:, table.sum(axis=0) > 0]
    found = drift.chi_squared(*rows)
    if table.shape[1] < 2:
        assert (found.dof, found.p_value) == (0, 1.0)
        return
    expected = stats.chi2_contingency(table, correction=False)
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-8, abs=1e-9)
    assert (found.dof, found.smallest_expected) == pytest.approx((expected.dof, expected.expected_freq.min()))


@many_examples
@given(raw, raw)
def test_raw_distances_agree_with_an_independent_implementation(r: list[float], c: list[float]) -> None:
    """scipy's Wasserstein distance; binning moves it by at most a bin, and never raises KS."""
    w = drift.wasserstein(r, c)
    assert w == pytest.approx(stats.wasserstein_distance(r, c), abs=1e-12)
    edges = [i / 8 for i in range(8)] + [1.0001]
    on_bins = binned(r, edges), binned(c, edges)
    assert abs(float(drift.wasserstein_on_bins(*on_bins, edges)) - w) <= 0.126
    assert float(drift.ks_on_bins(*on_bins)) <= stats.ks_2samp(r, c, method="asymp").statistic + 1e-12


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (3, 3), (4, 6), (6, 4), (5, 7)])
def test_the_exact_p_value_counts_all_orders(n: int, m: int) -> None:
    """By enumeration of every order of n and m scores without ties, for every order."""
    orders = [np.isin(np.arange(n + m), chosen) for chosen in combinations(range(n + m), n)]
    reach = np.array([np.abs(np.cumsum(o) * m - np.cumsum(~o) * n).max() for o in orders])
    for order, far in zip(orders[:: max(1, len(orders) // 40)], reach[:: max(1, len(orders) // 40)], strict=True):
        found = drift.kolmogorov_smirnov(np.flatnonzero(order), np.flatnonzero(~order))
        assert found.distance == pytest.approx(far / (n * m))
        assert found.p_exact == pytest.approx(np.mean(reach >= far), abs=1e-10)


@many_examples
@given(raw, raw)
def test_kolmogorov_smirnov_agrees_with_an_independent_implementation(r: list[float], c: list[float]) -> None:
    """scipy's, where its exact method succeeds."""
    found = drift.kolmogorov_smirnov(r, c)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exact = stats.ks_2samp(r, c, method="exact")
    assert found.distance == pytest.approx(exact.statistic)
    assert caught or found.p_exact == pytest.approx(exact.pvalue, abs=1e-9)
    assert found.p_exact is not None
    assert 0 <= found.p_exact <= 1


def test_large_samples_have_the_asymptotic_p_value_alone() -> None:
    """And at 5,000 both agree."""
    rng = np.random.default_rng(18)
    r, c = rng.random(5_000), rng.random(4_000) ** 1.02
    found = drift.kolmogorov_smirnov(r, c)
    assert found.p_exact == pytest.approx(found.p_asymptotic, rel=0.05)
    assert drift.kolmogorov_smirnov(rng.random(10_001), c).p_exact is None


def test_a_shift_by_half_a_standard_deviation_is_half() -> None:
    """The effect size is what it says, on scores of any range."""
    scores = np.random.default_rng(1).normal(70, 10, 5_000)
    assert drift.wasserstein_over_sd(scores, scores + 0.5 * scores.std()) == pytest.approx(0.5, rel=1e-9)
    assert drift.wasserstein_over_sd([0.5, 0.5], [0.6]) is None


def test_many_rows_are_measured_at_once() -> None:
    """Leading axes are independent rows."""
    rng = np.random.default_rng(2)
    r, c = rng.integers(0, 50, (5, 6)) + 1, rng.integers(0, 50, (5, 6))
    for distance in (drift.psi_half, drift.ks_on_bins, drift.chi_squared_statistic):
        together = distance(r, c)
        assert together == pytest.approx([float(distance(a, b)) for a, b in zip(r, c, strict=True)])


def test_the_null_mean_of_psi_is_what_the_p_value_assumes() -> None:
    """2,000 pairs of the same distribution: the mean is (B - 1)(1/n + 1/m), and 5 % of p are below 5 %."""
    rng, p = np.random.default_rng(3), np.full(10, 0.1)
    r, c = rng.multinomial(4_000, p, 2_000), rng.multinomial(1_000, p, 2_000)
    values = drift.psi_half(r, c)
    assert values.mean() == pytest.approx(9 * (1 / 4_000 + 1 / 1_000), rel=0.05)
    below = np.mean([drift.psi_p_value(float(v), 4_000, 1_000, 10) < 0.05 for v in values])
    assert 0.03 < below < 0.07


@pytest.mark.parametrize(("r", "c"), [([1, 2], [1, 2, 3]), ([0, 0], [1, 2]), ([1, -1], [1, 2])])
def test_impossible_counts_are_refused(r: list[int], c: list[int]) -> None:
    """The message says which side and what would be right."""
    with pytest.raises(ValueError, match=r"same bins|counts must be"):
        drift.psi_half(r, c)
    with pytest.raises(ValueError, match="all finite"):
        drift.wasserstein([], [0.5])
    with pytest.raises(ValueError, match="edges"):
        drift.wasserstein_on_bins([1, 2], [1, 2], [0.0, 1.0])
