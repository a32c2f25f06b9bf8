"""How many labels are still to come."""

import numpy as np
import pytest

from proofwatch.biometrics.nowcast import chain_ladder, interval, mature_from
from tests.unit.biometrics.vectors import Case, cases

# Taylor & Ashe 1983, the example of Mack 1993: payments by year of origin and development, in thousands.
INCREMENTS = [
    [357848, 766940, 610542, 482940, 527326, 574398, 146342, 139950, 227229, 67948],
    [352118, 884021, 933894, 1183289, 445745, 320996, 527804, 266172, 425046],
    [290507, 1001799, 926219, 1016654, 750816, 146923, 495992, 280405],
    [310608, 1108250, 776189, 1562400, 272482, 352053, 206286],
    [443160, 693190, 991983, 769488, 504851, 470639],
    [396132, 937085, 847498, 805037, 705960],
    [440832, 847631, 1131398, 1063269],
    [359480, 1061648, 1443370],
    [376686, 986608],
    [344014],
]


@cases("nowcast")
def test_factors_and_nowcasts_are_the_published_ones(case: Case) -> None:
    """Volume-weighted age-to-age factors, shares reported, factors to the end and the labels in the end."""
    found = chain_ladder(case.input["cumulative"])
    case.holds({name: getattr(found, name) for name in case.expected})
    assert mature_from(found) == 4
    assert mature_from(found, 0.8) == 2


def test_standard_errors_are_those_of_the_published_example() -> None:
    """Mack 1993, table: reserves and their errors, in thousands."""
    rows = [[float(c) for c in np.cumsum(row)] + [None] * (10 - len(row)) for row in INCREMENTS]
    found = chain_ladder(rows)
    reserves = [end - sum(row) for end, row in zip(found.nowcast, INCREMENTS, strict=True) if end is not None]
    assert [round(r / 1000) for r in reserves] == [0, 95, 470, 710, 985, 1419, 2178, 3920, 4279, 4626]
    errors = [round(e / 1000) for e in found.standard_error if e is not None]
    assert errors == [0, 76, 122, 134, 261, 411, 558, 875, 971, 1363]


def test_labels_that_all_come_at_once_need_no_nowcast() -> None:
    """Factors 1, no error; the interval is the number itself."""
    found = chain_ladder([[5, 5, 5], [7, 7, 7], [9, 9, None], [4, None, None]])
    assert found.nowcast == (5, 7, 9, 4)
    assert found.age_to_age == (1.0, 1.0)
    assert interval(9, 0.0, 9) == (9, 9)
    assert mature_from(found) == 0


def test_without_labels_there_is_no_factor() -> None:
    """Nothing known at a delay says nothing about what follows; older days are still told."""
    found = chain_ladder([[0, 3, 4], [0, 5, None], [0, None, None]])
    assert found.age_to_age == (None, 4 / 3)
    assert found.factor_by_delay == (None, 4 / 3, 1.0)
    assert found.nowcast[:2] == pytest.approx((4, 5 * 4 / 3))
    assert found.nowcast[2] is None
    assert found.standard_error[-1] is None
    one = chain_ladder([[2]])
    assert (one.nowcast, one.age_to_age, one.standard_error) == ((2.0,), (), (0.0,))


def test_intervals_cover_what_comes() -> None:
    """300 simulated logs of 30 days: the 95 % interval of a day seen for two days holds its end in most of them."""
    rng, shares, covered = np.random.default_rng(15), np.array([0.4, 0.3, 0.2, 0.07, 0.03]), 0
    for _ in range(300):
        rows = np.cumsum(rng.poisson(80 * shares, (30, 5)), axis=1).astype(float)
        end = rows[27, 4]
        seen = [[float(c) if day + age <= 29 else None for age, c in enumerate(row)] for day, row in enumerate(rows)]
        found = chain_ladder(seen)
        expected, error, latest = found.nowcast[27], found.standard_error[27], seen[27][2]
        assert expected is not None
        assert error is not None
        assert latest is not None
        low, high = interval(expected, error, latest)
        assert latest <= low <= expected <= high
        covered += low <= end <= high
    assert covered >= 0.9 * 300


@pytest.mark.parametrize(
    "wrong", [[], [[1, 2], [1]], [[None, None]], [[None, 1]], [[2, 1]], [[-1, 1]], [[1, None, 2], [1, 2, 3]]]
)
def test_impossible_triangles_are_refused(wrong: list[list[float | None]]) -> None:
    """The message names the row and what would be right."""
    with pytest.raises(ValueError, match=r"row \d|no row"):
        chain_ladder(wrong)
