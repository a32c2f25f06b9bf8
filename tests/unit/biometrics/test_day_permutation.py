"""Whole days are permuted, since trials of one day resemble each other."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.day_permutation import permute_days
from proofwatch.biometrics.drift import chi_squared_statistic, psi_half
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

days = st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=1, max_size=4)


@cases("day_permutation")
def test_the_p_value_is_exact_over_all_assignments(case: Case) -> None:
    """495 ways to choose 4 of 12 days; chi-squared on trials would say 5e-7 of data in which nothing changed."""
    r, c = np.array(case.input["reference_days"]), np.array(case.input["current_days"])
    found = permute_days(r, c)
    from scipy.stats import chi2

    ignoring = chi2.sf(found.statistic, r.shape[1] - 1)
    assert found.exact
    case.holds(
        {
            "statistic": found.statistic,
            "p_exact": found.p_value,
            "assignments": found.assignments,
            "p_chi2_ignoring_days": ignoring,
        }
    )


@cases("day_permutation")
def test_drawn_assignments_come_near_and_say_how_near(case: Case) -> None:
    """The exact p is below the stated bound; the same seed gives the same p, another seed another."""
    r, c = case.input["reference_days"], case.input["current_days"]
    drawn = permute_days(r, c, exact_up_to=10, draws=4_999)
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(case.expected["p_exact"], abs=0.012)
    assert case.expected["p_exact"] < drawn.p_bound
    assert drawn == permute_days(r, c, exact_up_to=10, draws=4_999)
    assert drawn.p_value != permute_days(r, c, exact_up_to=10, draws=4_999, seed=1).p_value


@many_examples
@given(days, days)
def test_it_counts_the_assignments_that_look_at_least_as_changed(r: list[list[int]], c: list[list[int]]) -> None:
    """By plain enumeration; p is at least one in all, and the order of days does not matter."""
    found = permute_days(r, c)
    everything, size = np.array(r + c), len(c)
    seen = []
    for chosen in combinations(range(len(everything)), size):
        rest = [i for i in range(len(everything)) if i not in chosen]
        seen.append(float(chi_squared_statistic(everything[rest].sum(axis=0), everything[list(chosen)].sum(axis=0))))
    extreme = sum(value >= found.statistic - 1e-9 * max(1, found.statistic) for value in seen)
    assert found.p_value == extreme / len(seen) >= 1 / len(seen)
    assert permute_days(r[::-1], c[::-1]).p_value == found.p_value


def test_null_weeks_are_rejected_as_often_as_promised_though_days_differ() -> None:
    """200 null comparisons of days with levels of their own: about 5 % below 5 %, where chi-squared has most."""
    rng, low, naive = np.random.default_rng(4), 0, 0
    from scipy.stats import chi2

    for _ in range(200):
        levels = rng.dirichlet([200, 100, 50, 50], 9)
        counts = np.array([rng.multinomial(400, level) for level in levels])
        found = permute_days(counts[:6], counts[6:])
        low += found.p_value <= 0.05
        naive += chi2.sf(found.statistic, 3) <= 0.05
    assert low <= 20
    assert naive > 40


def test_a_real_change_is_seen_and_other_distances_fit() -> None:
    """Seven days against twenty-eight: p is as small as 9,999 draws can say."""
    rng = np.random.default_rng(5)
    r, c = rng.multinomial(500, [0.25] * 4, 28), rng.multinomial(500, [0.2, 0.25, 0.25, 0.3], 7)
    for statistic in (chi_squared_statistic, psi_half):
        found = permute_days(r, c, draws=9_999, statistic=statistic)
        assert found.p_value == 1 / 10_000
        assert found.p_bound < 0.001


@pytest.mark.parametrize(
    ("r", "c"), [([[1, 2]], [[1, 2, 3]]), ([], [[1, 2]]), ([[1, 2]], [[0, 0]]), ([[1, -2]], [[1, 2]])]
)
def test_impossible_days_are_refused(r: list[list[int]], c: list[list[int]]) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=r"needs \(days, bins\)|leave it out|>= 0"):
        permute_days(r, c)
