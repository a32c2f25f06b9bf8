"""Do groups share one error rate: exactly, by sampling, asymptotically."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact

from proofwatch.biometrics.homogeneity import homogeneity
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

group = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@cases("homogeneity")
def test_the_p_values_are_the_published_ones(case: Case) -> None:
    """Statistic, both p values and the smallest expected count of three small groups."""
    found = homogeneity(case.input["errors"], case.input["trials"])
    assert found.exact
    case.holds(
        {
            "chi2": found.chi2,
            "dof": found.dof,
            "p_asymptotic": found.p_asymptotic,
            "p_exact": found.p_value,
            "smallest_expected": found.smallest_expected,
        }
    )


@cases("homogeneity")
def test_sampled_spreads_come_near_and_say_how_near(case: Case) -> None:
    """Without enumeration the p is near, its bound holds, and it is the same every time."""
    drawn = homogeneity(case.input["errors"], case.input["trials"], tables=1)
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(case.expected["p_exact"], abs=0.002)
    assert case.expected["p_exact"] < drawn.p_bound
    assert drawn == homogeneity(case.input["errors"], case.input["trials"], tables=1)


@many_examples
@given(st.lists(group, min_size=2, max_size=4))
def test_statistic_and_asymptotic_p_agree_with_an_independent_implementation(groups: list[tuple[int, int]]) -> None:
    """scipy's contingency test; p within 0..1, and groups may come in any order."""
    k, n = (np.array(column) for column in zip(*groups, strict=True))
    found = homogeneity(k, n)
    assert 0 < found.p_value <= 1
    if 0 < k.sum() < n.sum():
        expected = chi2_contingency(np.array([k, n - k]), correction=False)
        assert (found.chi2, found.p_asymptotic) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
        assert found.smallest_expected == pytest.approx(expected.expected_freq.min())
    turned = homogeneity(k[::-1], n[::-1])
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-9)
    assert homogeneity(n - k, n).p_value == pytest.approx(found.p_value, rel=1e-9)


@many_examples
@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_two_equal_groups_are_fishers_exact_test(drawn: tuple[int, int, int]) -> None:
    """With groups of one size, ordering by chi-squared and by probability is the same."""
    a, b, n = drawn
    expected = fisher_exact([[a, b], [n - a, n - b]]).pvalue
    assert homogeneity([a, b], [n, n]).p_value == pytest.approx(expected, rel=1e-9)


def test_nothing_to_tell_apart_is_p_one() -> None:
    """No errors, only errors, one group, equal rates (where rounding leaves a statistic of 1e-31)."""
    assert homogeneity([14, 14], [39, 39]).p_value == pytest.approx(1.0)
    assert homogeneity([0, 0], [5, 9]).p_value == homogeneity([5, 9], [5, 9]).p_value == 1.0
    assert homogeneity([3], [9]).p_value == 1.0


def test_large_groups_are_sampled_and_agree_with_theory() -> None:
    """Six groups of 5,000: too many tables; the sampled p is near the asymptotic one."""
    found = homogeneity([50, 60, 40, 55, 45, 80], [5000] * 6)
    assert not found.exact
    assert found.p_value == pytest.approx(found.p_asymptotic, rel=0.25)


@pytest.mark.parametrize(("k", "n"), [([], []), ([1], [1, 2]), ([2], [1]), ([0, 0], [0, 5])])
def test_impossible_counts_are_refused(k: list[int], n: list[int]) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="as many errors as trials"):
        homogeneity(k, n)
