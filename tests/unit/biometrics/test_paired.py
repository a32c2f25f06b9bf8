"""Differences of paired rates rest on the discordant trials alone, with published intervals and exact tests."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.biometrics.intervals import wilson
from proofwatch.biometrics.paired import difference_interval, mcnemar_exact

counts = st.integers(0, 200).flatmap(lambda b: st.tuples(st.just(b), st.integers(0, 200), st.integers(1, 5_000)))


def test_the_interval_is_the_published_one() -> None:
    """Bentur et al. 2009 (1 and 7 discordant of 21), as in Fagerland, Lydersen and Laake 2017: -0.517 to -0.026."""
    assert difference_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_without_discordant_trials_the_interval_still_has_a_width() -> None:
    """No difference in 100 trials does not prove that there is none: z² / (n + z²) to both sides."""
    assert difference_interval(0, 0, 100) == pytest.approx((-0.036993, 0.036993), abs=1e-5)


def test_in_one_direction_its_far_end_is_wilsons() -> None:
    """When nothing goes back, the difference is the share of those that change."""
    assert difference_interval(5, 0, 100)[1] == pytest.approx(wilson(5, 100)[1])


@settings(deadline=None)
@given(counts)
def test_it_holds_the_difference_and_turns_with_it(drawn: tuple[int, int, int]) -> None:
    """low ≤ Δ ≤ high within -1..1, and exchanging the policies mirrors the interval."""
    newly, no_longer, n = drawn[0], drawn[1], drawn[0] + drawn[1] + drawn[2]
    low, high = difference_interval(newly, no_longer, n)
    assert -1 <= low <= (newly - no_longer) / n <= high <= 1
    assert difference_interval(no_longer, newly, n) == (-high, -low)


@pytest.mark.parametrize("wrong", [(1, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(wrong: tuple[int, int, int]) -> None:
    """More discordant than trials cannot be."""
    with pytest.raises(ValueError, match="discordant"):
        difference_interval(*wrong)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_test_is_the_exact_binomial_one(newly: int, no_longer: int) -> None:
    """Twice the smaller tail of a fair coin, at most 1."""
    n, k = newly + no_longer, min(newly, no_longer)
    tail = sum(comb(n, i) for i in range(k + 1)) / 2**n
    assert mcnemar_exact(newly, no_longer) == pytest.approx(min(1.0, 2 * tail))
