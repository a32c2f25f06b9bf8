"""Logistic regression of the truth on scores and covariates: maximum likelihood, and Firth's where classes separate.

Parameters are the intercept first, then the columns in order. Where scores separate the classes, as good ones nearly
do, the likelihood has no maximum and coefficients run away. Firth's penalty, half the log determinant of the Fisher
information, keeps them finite and takes away most of the small-sample bias (Firth 1993, Biometrika 80:27-38; Heinze &
Schemper 2002, Statistics in Medicine 21:2409-2419). Its tests are penalised likelihood ratios, not Wald's.

The outcome is the truth, never the decision that was made from the scores. Standardise columns of very different size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: `params` (p + 1,), their `covariance` (p + 1, p + 1), and its (penalised) log likelihood."""

    params: Array
    covariance: Array
    loglik: float


_RUN_AWAY = 30.0
"""Log odds beyond which coefficients probably run away: then the classes are searched for a separation."""


class NotConverged(ValueError):
    """The iterations did not settle: columns that depend on each other, or of very different size."""


def fit_ml(x: ArrayLike, y: ArrayLike, *, offset: ArrayLike | None = None) -> Fit | None:
    """Return the maximum likelihood fit of outcomes y (n,) of 0 and 1 on x (n, p); None where it does not exist.

    It does not exist where a combination of the columns separates the outcomes, or nearly so (Albert & Anderson 1984).
    `offset` (n,) is added with a coefficient of 1. Raises ValueError for other shapes or values, dependent columns.
    """
    design, outcome = prepared(x, y)
    given = np.zeros(len(outcome)) if offset is None else np.asarray(offset, dtype=np.float64)
    # With one class alone the intercept runs away whatever the columns are.
    if outcome.min() == outcome.max():
        return None
    everything = list(range(design.shape[1]))
    try:
        return _climb(design, outcome, given, everything, penalised=False, most=_RUN_AWAY)
    except NotConverged:
        # Only now: the search for a separation costs more than the fit, which settles early wherever there is one.
        if _separated(design, outcome):
            return None
    return _climb(design, outcome, given, everything, penalised=False)


def fit_firth(x: ArrayLike, y: ArrayLike, *, zero: Sequence[int] = ()) -> Fit:
    """Return Firth's fit, which always exists. Parameters numbered in `zero` (0 = intercept) are held at zero.

    The penalty is that of the full model even so, as its likelihood ratio test needs. Raises as `fit_ml`, and for one
    outcome class alone with `NotConverged` where the iterations do not settle.
    """
    design, outcome = prepared(x, y)
    return fit_firth_design(design, outcome, zero=zero)


def fit_firth_design(design: Array, outcome: Array, *, zero: Sequence[int] = ()) -> Fit:
    """Return Firth's fit on a design (n, q) that is used as it is, without a column of ones added."""
    free = [i for i in range(design.shape[1]) if i not in set(zero)]
    return _climb(design, outcome, np.zeros(len(outcome)), free, penalised=True)


def firth_p_values(x: ArrayLike, y: ArrayLike) -> list[float]:
    """Return the penalised likelihood ratio p of every parameter (against zero), the intercept first."""
    from scipy.special import chdtrc  # on first use: see intervals

    full = fit_firth(x, y)
    ratios = (2 * (full.loglik - fit_firth(x, y, zero=[i]).loglik) for i in range(len(full.params)))
    return [float(chdtrc(1, max(0.0, ratio))) for ratio in ratios]


def prepared(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return the design, with its column of ones, and the outcomes. Raises ValueError saying what is wrong."""
    columns, outcome = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if columns.ndim != 2 or outcome.shape != (len(columns),) or not len(columns):
        raise ValueError(f"needs x (n, p) and y (n,) with n >= 1, got {columns.shape} and {outcome.shape}")
    if not np.isfinite(columns).all() or not np.isin(outcome, (0.0, 1.0)).all():
        raise ValueError("x must be finite numbers and y only 0 and 1")
    design = np.column_stack((np.ones(len(columns)), columns))
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("the columns depend on each other (or one is constant): leave one out")
    return design, outcome


def _climb(design: Array, outcome: Array, offset: Array, free: list[int], *, penalised: bool, most: float = inf) -> Fit:
    """Return the fit by Fisher scoring with halved steps: the (penalised) likelihood never falls.

    Raises NotConverged, also as soon as some log odds exceed `most`.
    """
    beta = np.zeros(design.shape[1])
    best = _loglik(design, outcome, offset, beta, penalised)
    for _ in range(200):
        if np.abs(design @ beta).max() > most:
            break
        score, information = _score(design, outcome, offset, beta, penalised)
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free]) if free else []
        step *= min(1.0, 5.0 / max(5.0, float(np.abs(step).max(initial=0.0))))
        scale = 1.0
        while (reached := _loglik(design, outcome, offset, beta + scale * step, penalised)) < best - 1e-12:
            scale /= 2
            if scale < 1e-10:
                break
        beta, best = beta + scale * step, max(best, reached)
        if np.abs(scale * step).max(initial=0.0) < 1e-10 * (1 + np.abs(beta).max(initial=0.0)):
            covariance: Array = np.linalg.inv(_score(design, outcome, offset, beta, penalised)[1]).astype(np.float64)
            return Fit(beta, covariance, _loglik(design, outcome, offset, beta, penalised))
    raise NotConverged("the fit did not settle: standardise the columns, or leave out those that depend on each other")


def _loglik(design: Array, outcome: Array, offset: Array, beta: Array, penalised: bool) -> float:
    eta = design @ beta + offset
    value = float(np.sum(outcome * eta - np.logaddexp(0.0, eta)))
    if penalised:
        sign, log_det = np.linalg.slogdet((design.T * _variance(eta)) @ design)
        value = value + 0.5 * float(log_det) if sign > 0 else -np.inf
    return value


def _score(design: Array, outcome: Array, offset: Array, beta: Array, penalised: bool) -> tuple[Array, Array]:
    eta = design @ beta + offset
    p, w = _probability(eta), _variance(eta)
    information = (design.T * w) @ design
    residual = outcome - p
    if penalised:
        # h_i is the leverage of row i, w_i x_i' I^-1 x_i.
        leverage = w * np.einsum("ij,ij->i", design, np.linalg.solve(information, design.T).T)
        residual = residual + leverage * (0.5 - p)
    return design.T @ residual, information


def _probability(eta: Array) -> Array:
    p: Array = np.exp(-np.logaddexp(0.0, -eta))
    return p


def _variance(eta: Array) -> Array:
    w: Array = np.exp(-np.logaddexp(0.0, -eta) - np.logaddexp(0.0, eta))
    return w


def _separated(design: Array, outcome: Array) -> bool:
    """Return whether some combination is never on the wrong side and somewhere on the right one (Konis 2007)."""
    from scipy.optimize import linprog

    sides = design * (2 * outcome - 1)[:, None]
    sides = sides / np.abs(design).max(axis=0)
    found = linprog(-sides.sum(axis=0), A_ub=-sides, b_ub=np.zeros(len(sides)), bounds=(-1, 1), method="highs")
    return bool(-found.fun > 1e-6)
