"""Cohen's kappa: published examples, its ends, and that its interval holds the truth."""

import random

import pytest

from proofwatch.biometrics.agreement import Agreement, agreement


def of(table: list[list[int]]) -> Agreement:
    """Of a table of counts: rows are what the first said, columns what the second did."""
    return agreement(
        (str(row), str(column))
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    )


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),  # one p_o of 0.6 and two kappas, by how often each kind is said
        ([[25, 35], [5, 35]], 0.2593),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.4915),  # Cohen 1960 as in Fleiss: unweighted
        ([[0, 5], [5, 0]], -1.0),
    ],
)
def test_of_a_table_it_is_what_is_published(table: list[list[int]], kappa: float) -> None:
    found = of(table)
    assert found.kappa == pytest.approx(kappa, abs=5e-5)
    assert found.low is not None
    assert found.high is not None
    assert found.low < kappa + 5e-5 < found.high or kappa == -1.0


def test_all_who_agree_are_no_certainty() -> None:
    """Twenty of twenty: the interval says how few that is."""
    found = of([[10, 0], [0, 10]])
    assert (found.kappa, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.678, abs=0.001)


@pytest.mark.parametrize("table", [[[0]], [[7]]])
def test_where_nothing_can_be_told_nothing_is(table: list[list[int]]) -> None:
    """No pair; or one kind alone, on which two would agree by lot, too."""
    found = of(table)
    assert (found.n, found.agreed) == (table[0][0], table[0][0])
    assert (found.kappa, found.low, found.high) == (None, None, None)


@pytest.mark.parametrize(("share", "kappa", "n"), [(0.1, 0.9, 50), (0.3, 0.7, 50), (0.5, 0.4, 100)])
def test_the_interval_holds_the_truth(share: float, kappa: float, n: int) -> None:
    """In at least 92 % of 500 sets; the seed is fixed."""
    draw = random.Random(11)
    chance = share**2 + (1 - share) ** 2
    differ = (1 - (kappa * (1 - chance) + chance)) / 2
    weights = (share - differ, differ, differ, 1 - share - differ)
    kinds = (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b"))
    held = 0
    for _ in range(500):
        found = agreement(draw.choices(kinds, weights, k=n))
        held += found.low is not None and found.high is not None and found.low <= kappa <= found.high
    assert held >= 460
