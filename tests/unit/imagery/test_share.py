"""Shares with their intervals, and what of them is kept back."""

import pytest
from scipy.stats import binomtest

from services.imagery.core.share import Share, share


@pytest.mark.parametrize(("count", "of"), [(31, 61_204), (10, 20), (300, 1_000), (990, 1_000)])
def test_the_interval_is_that_of_clopper_and_pearson(count: int, of: int) -> None:
    found = share(count, of, 10)
    exact = binomtest(count, of).proportion_ci(0.95, "exact")
    assert found is not None
    assert (found.number, found.estimate) == (count, count / of)
    assert found.lower == pytest.approx(exact.low)
    assert found.upper == pytest.approx(exact.high)


@pytest.mark.parametrize("of", [10, 19, 20, 500, 60_000])
def test_counts_of_few_are_one_and_the_same(of: int) -> None:
    """Whether there were none or nine cannot be seen, and neither can it at the other end."""
    few = {share(count, of, 10) for count in range(10)}
    assert len(few) == 1
    [kept] = few
    assert kept is not None
    assert (kept.number, kept.estimate, kept.lower) == (None, None, 0.0)
    assert kept.upper == pytest.approx(binomtest(min(9, of), of).proportion_ci(0.95, "exact").high)
    if of >= 20:
        [most] = {share(of - count, of, 10) for count in range(10)}
        assert most is not None
        assert (most.number, most.upper) == (None, 1.0)
        assert most.lower == pytest.approx(binomtest(of - 9, of).proportion_ci(0.95, "exact").low)


def test_of_few_transactions_nothing_is_said() -> None:
    assert [share(count, of, 10) for of in range(10) for count in range(of + 1)] == [None] * 55


def test_more_opened_than_there_were_is_all_of_them() -> None:
    """The ledger may be a moment behind."""
    assert share(25, 20, 10) == share(20, 20, 10) == Share(None, None, share(20, 20, 10).lower, 1.0)  # type: ignore[union-attr]
