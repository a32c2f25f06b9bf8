"""Logistic regression of the truth, also where scores nearly separate it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import chi2

from proofwatch.biometrics.logistic import firth_p_values, fit_firth, fit_ml
from tests.unit.biometrics.vectors import Case, cases

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


def drawn(seed: int, n: int = 200, columns: int = 2) -> Rows:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns))
    eta = -0.5 + x @ np.linspace(1.0, -0.7, columns)
    return x, (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)


@cases("firth")
def test_both_fits_are_the_reference_packages(case: Case) -> None:
    """Firth's coefficients, penalised likelihood and likelihood ratio p values; maximum likelihood beside it."""
    rows = np.array(case.input["rows"])
    x, y = rows[:, :-1], rows[:, -1]
    firth, ml = fit_firth(x, y), fit_ml(x, y)
    case.holds(
        {
            "firth": firth.params,
            "firth_penalised_loglik": firth.loglik,
            "firth_lrt_p": firth_p_values(x, y),
            "ml": None if ml is None else ml.params,
            "separated": ml is None,
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_fits_are_maxima_by_a_general_search(seed: int) -> None:
    """Neither likelihood can be raised by an optimiser that knows nothing of either."""
    x, y = drawn(seed, n=60)
    design = np.column_stack((np.ones(len(x)), x))

    def loss(beta: NDArray[np.float64], half: float) -> float:
        eta = design @ beta
        p = 1 / (1 + np.exp(-eta))
        information = (design.T * (p * (1 - p))) @ design
        return float(-np.sum(y * eta - np.logaddexp(0, eta)) - half * np.linalg.slogdet(information)[1])

    ml, firth = fit_ml(x, y), fit_firth(x, y)
    assert ml is not None
    for fit, half in ((ml, 0.0), (firth, 0.5)):
        best = minimize(loss, np.zeros(3), args=(half,), method="BFGS")
        assert fit.params == pytest.approx(best.x, abs=1e-4)
        assert fit.loglik == pytest.approx(-best.fun, abs=1e-7)


def test_separated_classes_have_no_likelihood_fit_and_a_finite_firth_one() -> None:
    """Complete, quasi-complete, and one class alone."""
    x = np.array([[-2.0], [-1.5], [-1.0], [1.0], [1.5], [2.0]])
    for y in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]):
        assert fit_ml(x, y) is None
        assert np.isfinite(fit_firth(x, y).params).all()
    quasi = np.array([[-1.0], [0.0], [0.0], [1.0]])
    assert fit_ml(quasi, [0, 0, 1, 1]) is None
    assert 0 < fit_firth(quasi, [0, 0, 1, 1]).params[1] < 10
    assert fit_ml(quasi, [0, 1, 0, 0]) is not None


def test_nearly_separated_classes_still_have_a_fit() -> None:
    """One outcome on the wrong side suffices, however steep the fit; strong slopes are no separation."""
    x = np.concatenate((np.linspace(-3, -0.1, 200), np.linspace(0.1, 3, 200)))[:, None]
    y = np.array([0.0] * 200 + [1.0] * 200)
    assert fit_ml(x, y) is None
    y[199], y[200] = 1.0, 0.0
    steep = fit_ml(x, y)
    assert steep is not None
    assert steep.params[1] > 10


def test_firth_of_a_table_is_half_a_count_in_every_cell() -> None:
    """The intercept alone: log((k + 1/2) / (n - k + 1/2)); with one binary column the odds ratio likewise."""
    alone = fit_firth(np.empty((20, 0)), [1] * 3 + [0] * 17)
    assert alone.params[0] == pytest.approx(np.log(3.5 / 17.5))
    x = [[0.0]] * 10 + [[1.0]] * 10
    y = [1] + [0] * 9 + [1] * 6 + [0] * 4
    fit = fit_firth(x, y)
    assert fit.params == pytest.approx([np.log(1.5 / 9.5), np.log(6.5 * 9.5 / (4.5 * 1.5))])


def test_rescaling_a_column_rescales_its_coefficient_alone() -> None:
    """And moves neither the likelihood ratio nor the others."""
    x, y = drawn(5)
    plain, scaled = fit_firth(x, y), fit_firth(x * np.array([10.0, 1.0]) + np.array([0.0, 3.0]), y)
    assert scaled.params[1:] == pytest.approx([plain.params[1] / 10, plain.params[2]], rel=1e-6)
    assert firth_p_values(x * np.array([10.0, 1.0]), y)[1:] == pytest.approx(firth_p_values(x, y)[1:], rel=1e-6)


def test_penalised_p_values_are_honest() -> None:
    """300 columns without effect: about 5 % of the p below 5 %."""
    low = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(60, 1)), (rng.random(60) < 0.2).astype(float)
        low += firth_p_values(x, y)[1] < 0.05
    assert low <= 27


def test_an_offset_is_a_coefficient_of_one() -> None:
    """With the fitted predictor as offset nothing is left to fit."""
    x, y = drawn(6)
    ml = fit_ml(x, y)
    assert ml is not None
    again = fit_ml(np.empty((len(y), 0)), y, offset=ml.params[0] + x @ ml.params[1:])
    assert again is not None
    assert again.params[0] == pytest.approx(0.0, abs=1e-8)
    assert again.loglik == pytest.approx(ml.loglik)
    less = fit_ml(x[:, :1], y)
    assert less is not None
    assert chi2.sf(2 * (ml.loglik - less.loglik), 1) < 0.01


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([[1.0], [2.0]], [0, 2], "only 0 and 1"),
        ([[1.0], [np.nan]], [0, 1], "finite"),
        ([[1.0], [2.0]], [0], "needs x"),
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [0, 1, 0], "depend on each other"),
        ([[1.0], [1.0]], [0, 1], "constant"),
    ],
)
def test_impossible_input_is_refused(x: list[list[float]], y: list[int], says: str) -> None:
    """The message says what would be right."""
    for fit in (fit_ml, fit_firth):
        with pytest.raises(ValueError, match=says):
            fit(x, y)
