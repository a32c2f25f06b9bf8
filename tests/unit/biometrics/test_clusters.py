"""Trials of one subject resemble each other: what n of them are worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm, t

from proofwatch.biometrics.clusters import bounds, clustered_rate
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

cluster = st.integers(0, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
some_clusters = st.lists(cluster, min_size=1, max_size=40).filter(lambda c: sum(n for _, n in c) > 0)


@cases("cluster")
def test_rate_errors_and_design_effect_are_the_published_ones(case: Case) -> None:
    """150 subjects, some of whom tried three times."""
    found = clustered_rate([(k, n) for k, n in case.input["subjects"]])
    case.holds({name: getattr(found, name) for name in case.expected})


@many_examples
@given(some_clusters)
def test_what_data_are_worth_is_never_more_than_their_trials(clusters: list[tuple[int, int]]) -> None:
    """n_eff within 0..n, the order of clusters does not matter, empty ones count for nothing."""
    found = clustered_rate(clusters)
    assert 0 < found.n_eff <= found.n
    turned = clustered_rate([*clusters[::-1], (0, 0)])
    assert (turned.k, turned.n, turned.clusters) == (found.k, found.n, found.clusters)
    assert turned.n_eff == pytest.approx(found.n_eff)
    low, high = bounds(found)
    assert 0 <= low <= found.rate <= high <= 1


def test_identical_trials_in_a_cluster_are_worth_one() -> None:
    """100 subjects, each trying three times with the same result: 100 trials, not 300."""
    found = clustered_rate([(3, 3)] * 5 + [(0, 3)] * 95)
    assert found.design_effect == pytest.approx(3 * 100 / 99)
    assert found.n_eff == pytest.approx(99)


def test_single_trials_are_worth_themselves_and_bounds_become_clopper_pearson() -> None:
    """Without clustering the design effect is n / (n - 1), and with many subjects t is normal."""
    found = clustered_rate([(1, 1)] * 40 + [(0, 1)] * 3960)
    assert found.design_effect == pytest.approx(4000 / 3999)
    expected = clopper_pearson_lower(40, 4000), clopper_pearson_upper(40, 4000)
    assert bounds(found) == pytest.approx(expected, rel=2e-3)


def test_few_clusters_widen_the_bounds() -> None:
    """A design effect of eight subjects is itself uncertain: t with 7 degrees of freedom stands for the normal."""
    found = clustered_rate([(1, 50), (0, 50)] * 4)
    assert found.n_eff == 400  # never more than the trials, though these subjects are more alike than chance
    n = 400 * (norm.ppf(0.95) / t.ppf(0.95, 7)) ** 2
    assert bounds(found) == pytest.approx(
        (beta.ppf(0.05, n / 100, n - n / 100 + 1), beta.ppf(0.95, n / 100 + 1, n * 0.99))
    )
    assert bounds(found)[1] > clopper_pearson_upper(4, 400)


def test_without_variance_clusters_are_what_is_known() -> None:
    """No error in 30 trials of 10 subjects proves no more than 10 trials would."""
    found = clustered_rate([(0, 3)] * 10)
    assert (found.design_effect, found.n_eff) == (None, 10.0)
    assert bounds(found)[1] >= clopper_pearson_upper(0, 10)
    one = clustered_rate([(1, 3)])
    assert (one.se_cluster, one.design_effect, one.n_eff) == (None, None, 1.0)


def test_bounds_cover_the_rate_where_plain_ones_do_not() -> None:
    """500 samples of 120 subjects with rates of their own: the upper bound misses the 10 % in at most 8 %."""
    rng, missed, plain = np.random.default_rng(6), 0, 0
    for _ in range(500):
        rates = rng.beta(0.5, 4.5, 120)
        found = clustered_rate([(int(rng.binomial(5, p)), 5) for p in rates])
        missed += bounds(found)[1] < 0.1
        plain += clopper_pearson_upper(found.k, found.n) < 0.1
    assert missed <= 40 < plain


def test_impossible_counts_are_refused() -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="must hold"):
        clustered_rate([(2, 1)])
    with pytest.raises(ValueError, match="no trial"):
        clustered_rate([(0, 0)])
