"""Do predicted probabilities mean what they say: calibration of a frozen model on later outcomes.

Slope and intercept come from a logistic regression of the outcome on logit(p) (Cox 1958, Biometrika 45:562-565; Van
Calster et al. 2019, BMC Medicine 17:230). Slope 1 and intercept 0 are perfect; a slope below 1 means predictions too
extreme, an intercept above 0 too few events predicted. Hosmer & Lemeshow's test is left out on purpose: its bins decide
its result.
"""

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from proofwatch.biometrics.logistic import fit_ml


class Calibration(msgspec.Struct, frozen=True):
    """Calibration of n predictions with `events` outcomes of 1.

    `slope` with its standard error; `intercept_given_slope_1` ("calibration in the large") with its own, both on the
    log-odds scale; null where predictions separate the outcomes. `observed_over_expected` is the ratio of events.
    `brier` is the mean squared error; `spiegelhalter_z` is about standard normal when predictions are right
    (Spiegelhalter 1986), null when every prediction is 1/2.
    """

    n: int
    events: int
    slope: float | None
    slope_se: float | None
    intercept_given_slope_1: float | None
    intercept_se: float | None
    observed_over_expected: float
    brier: float
    spiegelhalter_z: float | None


def calibration(predicted: ArrayLike, outcome: ArrayLike) -> Calibration:
    """Return the calibration of predicted probabilities (n,), strictly between 0 and 1, of outcomes (n,) of 0 and 1.

    Raises ValueError for other shapes or values: a prediction of exactly 0 or 1 has no logit, and one wrong one would
    be infinitely bad.
    """
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if p.ndim != 1 or p.shape != y.shape or not len(p):
        raise ValueError(f"needs as many predictions as outcomes, got shapes {p.shape} and {y.shape}")
    if not ((p > 0) & (p < 1)).all() or not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("predictions must lie strictly between 0 and 1 (clip them before), outcomes be 0 or 1")
    logit = np.log(p) - np.log1p(-p)
    # Predictions that are all alike have no slope.
    sloped = fit_ml(logit[:, None], y) if np.ptp(logit) > 1e-6 else None
    level = fit_ml(np.empty((len(y), 0)), y, offset=logit)
    spread = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    return Calibration(
        n=len(y),
        events=int(y.sum()),
        slope=None if sloped is None else float(sloped.params[1]),
        slope_se=None if sloped is None else sqrt(float(sloped.covariance[1, 1])),
        intercept_given_slope_1=None if level is None else float(level.params[0]),
        intercept_se=None if level is None else sqrt(float(level.covariance[0, 0])),
        observed_over_expected=float(y.sum() / p.sum()),
        brier=float(np.mean((y - p) ** 2)),
        spiegelhalter_z=float(np.sum((y - p) * (1 - 2 * p))) / sqrt(spread) if spread > 0 else None,
    )
