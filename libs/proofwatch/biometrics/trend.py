"""Does a rate of events grow or fall over periods: attacks of one species a week, per presentation.

Log-linear Poisson regression of counts on time with the exposure as offset, its standard error scaled by the Pearson
dispersion (quasi-Poisson: McCullagh & Nelder 1989, section 6.2), since attacks come in waves: without it waves pass for
trends. Waves that last for several periods are still dependent; choose periods longer than they.
"""

from math import exp, inf, log, sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike

_ROUNDS = 100


class Trend(msgspec.Struct, frozen=True):
    """The trend over n periods.

    `ratio_per_period` is the factor by which the rate grows in each, `ratio` that from the first period to the last.
    `phi` >= 1 is the dispersion, `p_value` two-sided with n - 2 degrees of freedom.
    """

    ratio_per_period: float
    ratio: float
    phi: float
    p_value: float


def trend(counts: ArrayLike, exposure: ArrayLike) -> Trend | None:
    """Return the trend of counts (n,) per exposure (n,), equally spaced periods in order.

    Periods without exposure are left out, in their place. None with fewer than three periods or no event in all but
    one of them, where no finite trend fits. Raises ValueError for lists of different length, negative numbers, or
    events without exposure.
    """
    from scipy.special import stdtr  # on first use: see intervals

    k, e = np.asarray(counts, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    if k.ndim != 1 or k.shape != e.shape or (k < 0).any() or not (e >= 0).all() or (k[e == 0] > 0).any():
        raise ValueError("needs as many exposures as counts, none negative, and exposure wherever there are events")
    at, k, e = np.flatnonzero(e > 0).astype(np.float64), k[e > 0], e[e > 0]
    if len(k) < 3 or np.count_nonzero(k) < 2:
        return None
    design = np.column_stack((np.ones(len(at)), at - at.mean()))
    beta, before = np.array([log(float(k.sum() / e.sum())), 0.0]), -inf
    for _ in range(_ROUNDS):
        mu = e * np.exp(design @ beta)
        step = np.linalg.solve((design.T * mu) @ design, design.T @ (k - mu))
        step *= min(1.0, 2.0 / max(2.0, float(np.abs(step).max())))
        beta = beta + step
        reached = float(np.sum(k * (design @ beta) - e * np.exp(design @ beta)))
        if abs(reached - before) < 1e-12 * (1 + abs(reached)) and np.abs(step).max() < 1e-9:
            break
        before = reached
    mu = e * np.exp(design @ beta)
    phi = max(1.0, float(np.sum((k - mu) ** 2 / mu)) / (len(k) - 2))
    error = sqrt(phi * float(np.linalg.inv((design.T * mu) @ design)[1, 1]))
    p = 2 * float(stdtr(len(k) - 2, -abs(float(beta[1])) / error))
    return Trend(exp(float(beta[1])), exp(float(beta[1]) * float(at[-1] - at[0])), phi, p)
