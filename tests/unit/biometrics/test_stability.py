"""Has the relation between scores and truth changed between two periods?"""

import numpy as np
import pytest
from numpy.typing import NDArray

from proofwatch.biometrics.stability import Method, chow_test
from tests.unit.biometrics.vectors import Case, cases

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


def period(rng: np.random.Generator, slopes: list[float], n: int = 300) -> Rows:
    x = rng.normal(size=(n, len(slopes)))
    return x, (rng.random(n) < 1 / (1 + np.exp(0.5 - x @ np.array(slopes)))).astype(float)


@cases("chow")
def test_the_comparison_is_the_reference_packages(case: Case) -> None:
    """Parameters of both periods, likelihood ratio, z of each difference, Holm."""
    one, two = np.array(case.input["period_1"]), np.array(case.input["period_2"])
    found = chow_test(one[:, :-1], one[:, -1], two[:, :-1], two[:, -1])
    assert (found.method, found.separated, found.sufficient) == ("ml", False, True)
    case.holds({name: getattr(found, name) for name in case.expected})


@pytest.mark.parametrize("method", ["ml", "firth"])
def test_periods_without_change_are_rejected_as_often_as_promised(method: Method) -> None:
    """100 pairs of the same model: about 5 % of the p below 5 %."""
    low = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        (x1, y1), (x2, y2) = period(rng, [1.0], 120), period(rng, [1.0], 120)
        low += chow_test(x1, y1, x2, y2, method=method).p_value < 0.05
    assert low <= 12


def test_a_coefficient_that_turned_is_found_and_named() -> None:
    """The sign flip of the second column, by either method."""
    rng = np.random.default_rng(1)
    (x1, y1), (x2, y2) = period(rng, [1.0, 0.8], 600), period(rng, [1.0, -0.8], 600)
    for method in ("ml", "firth"):
        found = chow_test(x1, y1, x2, y2, method=method)
        assert found.sign_flips == (2,)
        assert found.p_value < 1e-6
        assert found.holm_p[2] < 0.001 < found.holm_p[1]


def test_a_base_rate_that_moved_is_a_change_and_penalties_fade_with_data() -> None:
    """The intercept counts as every other parameter; with 4,000 trials both methods give nearly the same ratio."""
    rng = np.random.default_rng(4)
    (x1, y1), (x2, y2) = period(rng, [1.0], 2_000), period(rng, [1.0], 2_000)
    y2 = np.maximum(y2, (rng.random(2_000) < 0.3).astype(float))
    ml, firth = chow_test(x1, y1, x2, y2), chow_test(x1, y1, x2, y2, method="firth")
    assert ml.lr > 50
    assert firth.lr == pytest.approx(ml.lr, rel=0.01)
    assert firth.holm_p[0] < 1e-6


def test_exchanging_the_periods_turns_the_signs_alone() -> None:
    """The test is of a difference, not of a direction."""
    rng = np.random.default_rng(2)
    (x1, y1), (x2, y2) = period(rng, [1.0]), period(rng, [0.4])
    for method in ("ml", "firth"):
        there = chow_test(x1, y1, x2, y2, method=method)
        back = chow_test(x2, y2, x1, y1, method=method)
        assert back.lr == pytest.approx(there.lr, abs=1e-6)
        assert back.z == pytest.approx([-z for z in there.z], abs=1e-6)


def test_separated_classes_are_compared_by_firth_and_few_events_said() -> None:
    """Scores that separate a period have no likelihood fit; numbers are still finite, and not to be acted on."""
    x = np.linspace(-1, 1, 20)[:, None]
    y = (x[:, 0] > 0).astype(float)
    rng = np.random.default_rng(3)
    other = period(rng, [2.0])
    found = chow_test(x, y, *other)
    assert (found.method, found.separated) == ("firth", True)
    assert np.isfinite([*found.z, found.lr, *found.params_1]).all()
    assert (found.events[0], found.sufficient) == (10, False)


def test_periods_need_the_same_columns() -> None:
    """The message says how many each has."""
    with pytest.raises(ValueError, match="period 1 has 1 columns, period 2 has 2"):
        chow_test([[0.0], [1.0]], [0, 1], [[0.0, 1.0], [1.0, 3.0], [5.0, 2.0]], [0, 1, 0])
