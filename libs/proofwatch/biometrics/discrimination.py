"""How well a score tells two classes apart, with its standard error, and whether it has decayed.

AUC is the probability that a score of class 1 exceeds one of class 0, ties counting half; Gini = 2 AUC - 1. Its
standard error is DeLong's (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837-845), from midranks in n log n (Sun
& Xu 2014). KS is the largest distance between the score distributions of both classes. For curves see `curves`.
"""

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray


class Discrimination(msgspec.Struct, frozen=True):
    """n1 scores of class 1, n0 of class 0. `auc_se_delong` is null with fewer than two of a class."""

    n1: int
    n0: int
    auc: float
    gini: float
    auc_se_delong: float | None
    ks: float


class Decay(msgspec.Struct, frozen=True):
    """Gini of development minus that of later; z > 0 is decay. z and p (two-sided) null without standard errors."""

    gini_decay: float
    z: float | None
    p_value: float | None


def discrimination(score: ArrayLike, outcome: ArrayLike) -> Discrimination:
    """Return how well scores (n,), higher for class 1, tell outcomes (n,) of 0 and 1 apart.

    Raises ValueError for other shapes or values, or when a class has no score.
    """
    s, y = np.asarray(score, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if s.ndim != 1 or s.shape != y.shape or not np.isfinite(s).all() or not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("needs as many finite scores as outcomes of 0 or 1")
    high, low = np.sort(s[y == 1]), np.sort(s[y == 0])
    if not len(high) or not len(low):
        raise ValueError(f"{len(high)} scores of class 1 and {len(low)} of class 0: needs both")
    above = _share_below(low, high)  # for each score of class 1 the share of class 0 it exceeds
    below = 1 - _share_below(high, low)
    auc = float(above.mean())
    return Discrimination(len(high), len(low), auc, 2 * auc - 1, _delong(above, below), _ks(high, low))


def gini_decay(development: Discrimination, later: Discrimination) -> Decay:
    """Return the loss of Gini between two periods of different subjects, with DeLong's z."""
    from scipy.special import ndtr  # on first use: see intervals

    lost = development.gini - later.gini
    one, two = development.auc_se_delong, later.auc_se_delong
    if one is None or two is None or one == two == 0.0:
        return Decay(lost, None, None)
    z = lost / (2 * sqrt(one**2 + two**2))
    return Decay(lost, z, float(2 * ndtr(-abs(z))))


def _share_below(sorted_scores: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value the share of scores below it, those equal to it counting half."""
    left = np.searchsorted(sorted_scores, at, side="left")
    right = np.searchsorted(sorted_scores, at, side="right")
    shares: NDArray[np.float64] = (left + right) / (2 * len(sorted_scores))
    return shares


def _delong(above: NDArray[np.float64], below: NDArray[np.float64]) -> float | None:
    if len(above) < 2 or len(below) < 2:
        return None
    return sqrt(float(above.var(ddof=1)) / len(above) + float(below.var(ddof=1)) / len(below))


def _ks(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    values = np.concatenate((high, low))
    f, g = (np.searchsorted(side, values, side="right") / len(side) for side in (high, low))
    return float(np.abs(f - g).max())
