"""Error rates of all transactions from labels that were not drawn evenly."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.weighting import Stratum, weighted_rate
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases


def strata(counts: list[tuple[int, int, int]]) -> list[Stratum]:
    """Return strata of (population, n, k), with pi = n / population."""
    return [Stratum(f"s{i}", big, n / big if big else 0.0, n, k) for i, (big, n, k) in enumerate(counts)]


def of(*counts: tuple[int, int, int]) -> list[Stratum]:
    return strata(list(counts))


some_strata = st.lists(
    st.integers(1, 5000).flatmap(
        lambda big: st.integers(0, min(big, 300)).flatmap(
            lambda n: st.tuples(st.just(big), st.just(n), st.integers(0, n))
        )
    ),
    min_size=1,
    max_size=5,
).map(strata)


@cases("ipw")
def test_every_estimate_is_the_published_one(case: Case) -> None:
    """Naive, Hajek with its error and n_eff, post-stratified with Fay-Feuer limits."""
    i = case.input
    found = weighted_rate([Stratum(s["name"], s["N"], s["pi"], s["n"], s["k"]) for s in i["strata"]], i["confidence"])
    case.holds({name: getattr(found, name) for name in case.expected})


@many_examples
@given(some_strata)
def test_limits_hold_the_estimate_and_the_whole_population(drawn: list[Stratum]) -> None:
    """low <= estimate <= high within 0..1; the order of strata does not matter; n_eff is at most the labels."""
    found = weighted_rate(drawn)
    low, high = found.whole_population
    assert 0 <= found.whole_population_limits[0] <= low + 1e-12
    assert high <= found.whole_population_limits[1] + 1e-12
    assert found.whole_population_limits[1] <= 1 + 1e-12
    assert found.estimable == (not found.not_estimable) == (found.share_estimable == 1.0)
    assert found.n_eff_kish <= sum(s.n for s in drawn) + 1e-9
    if found.poststratified is not None:
        assert found.poststratified_lower is not None
        assert found.poststratified_upper is not None
        assert found.poststratified_lower <= found.poststratified + 1e-12 <= found.poststratified_upper + 2e-12
        assert high - low == pytest.approx(1 - found.share_estimable)
    assert weighted_rate(drawn[::-1]).poststratified == pytest.approx(found.poststratified)


def test_even_sampling_is_the_plain_rate() -> None:
    """One pi everywhere: nothing to correct, and n_eff is the number of labels."""
    found = weighted_rate(of((1000, 100, 4), (3000, 300, 9)))
    assert found.naive == pytest.approx(found.hajek) == pytest.approx(found.poststratified) == 13 / 400
    assert found.n_eff_kish == pytest.approx(400)


def test_without_an_error_the_heaviest_stratum_sets_the_limit() -> None:
    """The next error could be there: 3 errors (0 of a Poisson count at 95 %) of a label that speaks for 90 others."""
    found = weighted_rate(of((1000, 100, 0), (9000, 100, 0)))
    assert found.poststratified_upper == pytest.approx(-log(0.05) * 0.9 / 100)
    assert (found.poststratified, found.poststratified_lower) == (0.0, 0.0)


def test_complete_labels_leave_nothing_uncertain() -> None:
    """Known, not estimated."""
    found = weighted_rate(of((400, 400, 88), (600, 600, 2)))
    assert found.poststratified == found.poststratified_lower == found.poststratified_upper == 0.09


def test_a_stratum_that_is_never_sampled_is_not_estimable() -> None:
    """The rate of the others is said to be theirs, and the whole is bounded by what the unseen could be."""
    found = weighted_rate([Stratum("flagged", 400, 1.0, 400, 88), Stratum("passed", 3600, 0.0, 0, 0)])
    assert (found.estimable, found.not_estimable, found.share_estimable) == (False, ("passed",), 0.1)
    assert found.poststratified == 0.22
    assert found.whole_population == pytest.approx((0.022, 0.922))
    nothing = weighted_rate([Stratum("passed", 10, 0.5, 0, 0)])
    assert (nothing.poststratified, nothing.whole_population) == (None, (0.0, 1.0))
    assert weighted_rate([Stratum("a", 10, 1.0, 10, 1), Stratum("empty", 0, 0.5, 0, 0)]).estimable


def test_corrected_limits_cover_the_truth_where_the_naive_rate_does_not() -> None:
    """500 weeks, flagged all labelled, passed at 1 %: each limit holds the true rate in at least 95 %."""
    rng, high_missed, low_missed, naive_off = np.random.default_rng(8), 0, 0, 0
    for _ in range(500):
        flagged, passed = int(rng.binomial(400, 0.2)), int(rng.binomial(19_600, 0.005))
        labels = int(rng.binomial(19_600, 0.01))
        seen = int(rng.hypergeometric(passed, 19_600 - passed, labels))
        truth = (flagged + passed) / 20_000
        found = weighted_rate([Stratum("f", 400, 1, 400, flagged), Stratum("p", 19_600, 0.01, labels, seen)])
        assert found.poststratified_lower is not None
        assert found.poststratified_upper is not None
        assert found.naive is not None
        high_missed += found.poststratified_upper < truth
        low_missed += found.poststratified_lower > truth
        naive_off += found.naive > 5 * truth
    assert high_missed <= 25
    assert low_missed <= 25
    assert naive_off > 450


@pytest.mark.parametrize(
    ("stratum", "says"),
    [
        (Stratum("p", 10, 0.5, 11, 0), "p: 0 errors in 11 labels of 10"),
        (Stratum("p", 10, 0.5, 5, 6), "must hold"),
        (Stratum("p", 10, 1.5, 5, 1), r"within 0\.\.1"),
        (Stratum("p", 10, 0.0, 5, 1), "sampling probability is 0"),
        (Stratum("p", 0, 0.5, 0, 0), "no transaction"),
    ],
)
def test_impossible_strata_are_refused(stratum: Stratum, says: str) -> None:
    """The message names the stratum and what would be right."""
    with pytest.raises(ValueError, match=says):
        weighted_rate([stratum])
