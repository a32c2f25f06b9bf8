"""Wilson and Clopper-Pearson bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper, trials_needed, wilson
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@cases("intervals")
def test_bounds_are_the_reference_packages(case: Case) -> None:
    """Wilson, two-sided Clopper-Pearson (each side at 97.5 %) and the one-sided bounds that judge."""
    k, n = case.input["k"], case.input["n"]
    case.holds(
        {
            "wilson": wilson(k, n),
            "clopper_pearson": [clopper_pearson_lower(k, n, 0.975), clopper_pearson_upper(k, n, 0.975)],
            "one_sided_upper_95": clopper_pearson_upper(k, n),
            "one_sided_lower_95": clopper_pearson_lower(k, n),
        }
    )


@pytest.mark.parametrize(("limit", "trials"), [(0.001, 2995), (0.005, 598), (0.01, 299), (0.03, 99)])
def test_trials_needed_is_the_exact_rule_of_three(limit: float, trials: int) -> None:
    """With that many trials and no error the upper bound meets the limit; with one fewer it does not."""
    assert trials_needed(limit) == trials
    assert clopper_pearson_upper(0, trials) <= limit < clopper_pearson_upper(0, trials - 1)


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1])
def test_trials_needed_refuses_a_limit_that_is_no_open_rate(limit: float) -> None:
    """No number of trials shows a rate of zero."""
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        trials_needed(limit)


@many_examples
@given(counts)
def test_clopper_pearson_bounds_invert_the_binomial(k_n: tuple[int, int]) -> None:
    """At the upper bound P(X <= k) is 5 %; at the lower bound P(X >= k) is 5 %."""
    k, n = k_n
    upper, lower = clopper_pearson_upper(k, n), clopper_pearson_lower(k, n)
    assert lower <= k / n <= upper
    assert (k == n and upper == 1) or binom.cdf(k, n, upper) == pytest.approx(0.05, rel=1e-6)
    assert (k == 0 and lower == 0) or binom.sf(k - 1, n, lower) == pytest.approx(0.05, rel=1e-6)


@many_examples
@given(counts)
def test_wilson_interval_agrees_with_scipy(k_n: tuple[int, int]) -> None:
    """The displayed interval is Wilson's without continuity correction."""
    k, n = k_n
    expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_ends_exactly_at_0_and_1() -> None:
    """Rounding never shows a bound of 1e-18 or 0.9999999999."""
    assert wilson(0, 17)[0] == 0.0
    assert wilson(17, 17)[1] == 1.0


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    """A bound of counts that cannot be is an error, never a number."""
    for bound in (wilson, clopper_pearson_upper, clopper_pearson_lower):
        with pytest.raises(ValueError, match="errors in"):
            bound(k, n)
