"""Has the relation between scores and truth changed: the same model in two periods?

Chow's test as a likelihood ratio: two models, one for each period, against one for both (Chow 1960; for logistic
models 2 (l1 + l2 - l12) is chi-squared with as many degrees of freedom as parameters). Each coefficient's difference by
z, corrected by Holm. Where the threshold cut the outcomes off (only the accepted are known), coefficients are those of
the accepted: a moved threshold moves them without any change in the people. Periods must be different subjects.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from proofwatch.biometrics.logistic import Array, Fit, fit_firth, fit_firth_design, fit_ml, prepared
from proofwatch.biometrics.multiplicity import holm

Method = Literal["ml", "firth"]
EVENTS_PER_PARAMETER = 10


class Chow(msgspec.Struct, frozen=True):
    """The comparison of two periods; parameters are the intercept first, then the columns in order.

    `method` is "firth" where it was asked for or where the likelihood has no maximum in a period or in both together
    (`separated`). `sign_flips` are the coefficients (not the intercept) whose sign changed. `events` are the rarer
    outcomes of each period; below 10 for each parameter `sufficient` is False, and the numbers must not be acted on.
    """

    method: Method
    separated: bool
    params_1: tuple[float, ...]
    params_2: tuple[float, ...]
    lr: float
    df: int
    p_value: float
    z: tuple[float, ...]
    holm_p: tuple[float, ...]
    sign_flips: tuple[int, ...]
    events: tuple[int, int]
    sufficient: bool


def chow_test(x1: ArrayLike, y1: ArrayLike, x2: ArrayLike, y2: ArrayLike, *, method: Method = "ml") -> Chow:
    """Return Chow's test of outcomes y (n,) of 0 and 1 on the same columns x (n, p) in two periods.

    Raises ValueError for periods with different columns, and as `logistic.prepared` does.
    """
    from scipy.special import chdtrc, ndtr  # on first use: see intervals

    (d1, o1), (d2, o2) = prepared(x1, y1), prepared(x2, y2)
    if d1.shape[1] != d2.shape[1]:
        raise ValueError(f"period 1 has {d1.shape[1] - 1} columns, period 2 has {d2.shape[1] - 1}")
    found = _ml(d1, o1, d2, o2)
    separated = found is None
    if found is None or method == "firth":
        method, found = "firth", _firth(d1, o1, d2, o2)
    one, two, lr = found
    z = (two.params - one.params) / np.sqrt(np.diag(one.covariance) + np.diag(two.covariance))
    events = _events(o1), _events(o2)
    flips = [i for i in range(1, len(z)) if one.params[i] * two.params[i] < 0]
    return Chow(
        method=method,
        separated=separated,
        params_1=tuple(map(float, one.params)),
        params_2=tuple(map(float, two.params)),
        lr=lr,
        df=len(z),
        p_value=float(chdtrc(len(z), lr)),
        z=tuple(map(float, z)),
        holm_p=tuple(holm([float(2 * ndtr(-abs(value))) for value in z])),
        sign_flips=tuple(flips),
        events=events,
        sufficient=min(events) >= EVENTS_PER_PARAMETER * len(z),
    )


def _ml(d1: Array, o1: Array, d2: Array, o2: Array) -> tuple[Fit, Fit, float] | None:
    one, two = fit_ml(d1[:, 1:], o1), fit_ml(d2[:, 1:], o2)
    both = fit_ml(np.vstack((d1, d2))[:, 1:], np.concatenate((o1, o2)))
    if one is None or two is None or both is None:
        return None
    return one, two, max(0.0, 2 * (one.loglik + two.loglik - both.loglik))


def _firth(d1: Array, o1: Array, d2: Array, o2: Array) -> tuple[Fit, Fit, float]:
    """Return both fits and the penalised likelihood ratio of "no interaction with the period".

    Both models share the penalty of the full one, or the ratio would compare two different penalties.
    """
    parameters = d1.shape[1]
    full = np.block([[d1, np.zeros_like(d1)], [d2, d2]])
    outcome = np.concatenate((o1, o2))
    free = fit_firth_design(full, outcome).loglik
    equal = fit_firth_design(full, outcome, zero=range(parameters, 2 * parameters)).loglik
    return fit_firth(d1[:, 1:], o1), fit_firth(d2[:, 1:], o2), max(0.0, 2 * (free - equal))


def _events(outcome: Array) -> int:
    ones = int(outcome.sum())
    return min(ones, len(outcome) - ones)
