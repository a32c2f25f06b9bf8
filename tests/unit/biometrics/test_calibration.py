"""Do predicted probabilities mean what they say?"""

import numpy as np
import pytest
from numpy.typing import NDArray

from proofwatch.biometrics.calibration import calibration
from tests.unit.biometrics.vectors import Case, cases


@cases("calibration")
def test_every_figure_is_the_reference_packages(case: Case) -> None:
    """Slope and intercept with errors, Brier, Spiegelhalter's z of an over-confident model."""
    found = calibration(case.input["predicted"], case.input["outcome"])
    case.holds({name: getattr(found, name) for name in case.expected})


def test_predictions_that_are_right_and_predictions_that_are_not() -> None:
    """Right: slope 1, intercept 0, z normal. Twice as extreme in log odds: slope 1/2. Too low: intercept above 0."""
    rng = np.random.default_rng(16)
    logit = rng.normal(-1, 1.2, 20_000)
    outcome = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(float)

    def of(eta: NDArray[np.float64]) -> tuple[float, float]:
        found = calibration(1 / (1 + np.exp(-eta)), outcome)
        assert found.slope is not None
        assert found.intercept_given_slope_1 is not None
        return found.slope, found.intercept_given_slope_1

    assert of(logit) == pytest.approx((1.0, 0.0), abs=0.08)
    assert of(2 * logit)[0] == pytest.approx(0.5, abs=0.04)
    assert of(logit - 0.7)[1] == pytest.approx(0.7, abs=0.08)
    z = calibration(1 / (1 + np.exp(-logit)), outcome).spiegelhalter_z
    assert z is not None
    assert abs(z) < 3.5


def test_what_cannot_be_fitted_is_null() -> None:
    """One outcome alone, predictions that separate, predictions all alike."""
    alone = calibration([0.2, 0.3], [0, 0])
    assert (alone.slope, alone.intercept_given_slope_1) == (None, None)
    assert alone.brier == pytest.approx(0.065)
    separated = calibration([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert separated.slope is None
    assert separated.intercept_given_slope_1 == pytest.approx(0.0, abs=1e-9)
    nearly = calibration([0.5, 0.5 + 1e-12, 0.5, 0.5], [0, 0, 1, 1])
    assert nearly.slope is None
    alike = calibration([0.5] * 4, [0, 0, 1, 1])
    assert (alike.slope, alike.spiegelhalter_z, alike.observed_over_expected) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("p", "y"), [([0.0, 0.5], [0, 1]), ([0.5, 1.0], [0, 1]), ([0.5], [2]), ([], []), ([0.5], [0, 1])]
)
def test_impossible_input_is_refused(p: list[float], y: list[int]) -> None:
    """A prediction of exactly 0 or 1 has no logit; the message says what to do."""
    with pytest.raises(ValueError, match=r"clip them|as many predictions"):
        calibration(p, y)
