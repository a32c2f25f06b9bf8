"""How far two distributions of scores (or categories) are apart, on raw values or on bins.

Binned functions take counts of shape (..., B): one row of B bins, the same bins for both sides, fixed by the reference.
Leading axes are independent rows, so that many pairs are measured at once. Bin i holds edges[i] <= score < edges[i+1].
What is far is told by an effect size (PSI, Wasserstein over the SD); whether it is more than chance by
`day_permutation`, since days differ and the textbook p values of chi-squared and Kolmogorov-Smirnov reject 8 to 41 %
of unchanged weeks.
"""

from collections.abc import Sequence
from math import expm1, lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

EMPTY_SHARE = 1e-4
"""The share that an empty bin is given by the usual PSI."""

_EXACT_UP_TO = 10_000


class ChiSquared(NamedTuple):
    """Pearson's test of a 2 x B table, without the bins that are empty in both rows.

    `p_value` assumes independent trials. `cramers_v` in 0..1 is the effect. `smallest_expected` below 5 makes the
    p value doubtful.
    """

    statistic: float
    dof: int
    p_value: float
    cramers_v: float
    smallest_expected: float


class KolmogorovSmirnov(NamedTuple):
    """The largest distance of two distribution functions, with p values that assume independent trials.

    `p_exact` is null with more than 10,000 scores on a side.
    """

    distance: float
    p_exact: float | None
    p_asymptotic: float


def psi(reference: ArrayLike, current: ArrayLike, empty: float = EMPTY_SHARE) -> float:
    """Return the population stability index of binned counts as it is usually printed: empty bins get a share `empty`.

    Sum of (q - p) ln(q / p) over shares p of the reference and q of the current counts; 0 when equal. It depends on
    `empty` heavily where bins are empty: compare `psi_half`. Raises ValueError for sides without counts.
    """
    p, q = (_shares(side) for side in _sides(reference, current))
    p, q = np.where(p == 0, empty, p), np.where(q == 0, empty, q)
    return float(np.sum((q - p) * np.log(q / p)))


def psi_half(reference: ArrayLike, current: ArrayLike) -> NDArray[np.float64]:
    """Return the PSI with half a count added to every bin of both sides; shape (...). What the detector uses."""
    both = [side + 0.5 for side in _sides(reference, current)]
    p, q = (side / side.sum(axis=-1, keepdims=True) for side in both)
    distance: NDArray[np.float64] = np.sum((q - p) * np.log(q / p), axis=-1)
    return distance


def psi_p_value(value: float, n: float, m: float, bins: int) -> float:
    """Return the p value of a PSI between n and m independent scores in so many bins (Yurdakul 2018).

    Under no change PSI / (1 / n + 1 / m) is about chi-squared with bins - 1 degrees of freedom, so it is about
    (bins - 1)(1 / n + 1 / m) where nothing has changed: a fixed band of 0.1 or 0.25 alone says nothing.
    """
    from scipy.special import chdtrc  # on first use: see intervals

    return float(chdtrc(bins - 1, value / (1 / n + 1 / m)))


def chi_squared(reference: ArrayLike, current: ArrayLike) -> ChiSquared:
    """Return Pearson's test of binned counts, one row each. Raises ValueError for a side without counts."""
    from scipy.special import chdtrc

    r, c = _sides(reference, current)
    used = (r + c) > 0
    r, c = r[used], c[used]
    dof, total = len(r) - 1, float((r + c).sum())
    statistic = float(chi_squared_statistic(r, c))
    smallest = float(min(r.sum(), c.sum()) * (r + c).min()) / total
    p_value = float(chdtrc(dof, statistic)) if dof else 1.0
    return ChiSquared(statistic, dof, p_value, (statistic / total) ** 0.5, smallest)


def chi_squared_statistic(reference: ArrayLike, current: ArrayLike) -> NDArray[np.float64]:
    """Return Pearson's statistic of each pair of rows; shape (...). Bins empty in both add nothing."""
    r, c = _sides(reference, current)
    n, m = r.sum(axis=-1, keepdims=True), c.sum(axis=-1, keepdims=True)
    both = r + c
    # For two rows the sum over both is sum of (r m - c n)^2 / (n m (r + c)).
    parts = np.divide((r * m - c * n) ** 2, both * n * m, out=np.zeros(np.shape(r * m)), where=both > 0)
    statistic: NDArray[np.float64] = parts.sum(axis=-1)
    return statistic


def kolmogorov_smirnov(reference: ArrayLike, current: ArrayLike) -> KolmogorovSmirnov:
    """Return the two-sided test of raw scores; with ties both p values are conservative."""
    from scipy.stats import kstwo

    r, c = np.sort(_scores(reference)), np.sort(_scores(current))
    values, n, m = np.concatenate((r, c)), len(r), len(c)
    below_r, below_c = (np.searchsorted(side, values, side="right") for side in (r, c))
    reach = int(np.abs(below_r * m - below_c * n).max())  # the distance times n m, exactly
    exact = _p_exact(reach, n, m) if max(n, m) <= _EXACT_UP_TO else None
    equivalent = max(1, round(n * m / (n + m)))
    return KolmogorovSmirnov(reach / (n * m), exact, float(kstwo.sf(reach / (n * m), equivalent)))


def _p_exact(reach: int, n: int, m: int) -> float:
    """Return P(distance * n * m >= reach) over all orders of n + m scores (Hodges 1958), to about 1e-11.

    Counts the lattice paths from (0, 0) to (n, m) that stay closer than `reach` to the diagonal, row by row.
    """
    column = np.arange(m + 1)
    paths, log_scale = (column * n < reach).astype(np.float64), 0.0
    for i in range(1, n + 1):
        inside = np.abs(i * m - column * n) < reach
        # From below into a place inside, then along the row: no path enters outside and walks in.
        paths = np.cumsum(paths * inside) * inside
        largest = float(paths.max())
        if largest == 0.0:
            return 1.0
        paths, log_scale = paths / largest, log_scale + log(largest)
    if paths[m] == 0.0:
        return 1.0
    total = lgamma(n + m + 1) - lgamma(n + 1) - lgamma(m + 1)
    return min(1.0, max(0.0, -expm1(log_scale + log(float(paths[m])) - total)))


def ks_on_bins(reference: ArrayLike, current: ArrayLike) -> NDArray[np.float64]:
    """Return max |F - G| over the bins' edges, from binned counts; shape (...). Never above that of the raw scores."""
    f, g = (np.cumsum(_shares(side), axis=-1) for side in _sides(reference, current))
    distance: NDArray[np.float64] = np.abs(f - g).max(axis=-1)
    return distance


def wasserstein(reference: ArrayLike, current: ArrayLike) -> float:
    """Return the first Wasserstein distance of raw scores, in score units: the area between both step functions."""
    r, c = np.sort(_scores(reference)), np.sort(_scores(current))
    values = np.sort(np.concatenate((r, c)))
    f, g = (np.searchsorted(side, values[:-1], side="right") / len(side) for side in (r, c))
    return float(np.sum(np.abs(f - g) * np.diff(values)))


def wasserstein_over_sd(reference: ArrayLike, current: ArrayLike) -> float | None:
    """Return the Wasserstein distance in population standard deviations of the reference; None when it has none."""
    spread = float(np.std(_scores(reference)))
    return wasserstein(reference, current) / spread if spread > 0 else None


def wasserstein_on_bins(reference: ArrayLike, current: ArrayLike, edges: Sequence[float]) -> NDArray[np.float64]:
    """Return the Wasserstein distance of binned counts with every score at its bin's midpoint, in score units; (...).

    `edges` are the B + 1 finite, ascending edges. It is off by at most half a bin's width on each side. Raises
    ValueError when edges and bins do not fit.
    """
    f, g = (np.cumsum(_shares(side), axis=-1) for side in _sides(reference, current))
    if len(edges) != f.shape[-1] + 1:
        raise ValueError(f"{f.shape[-1]} bins have {f.shape[-1] + 1} edges, got {len(edges)}")
    at = np.asarray(edges, dtype=np.float64)
    distance: NDArray[np.float64] = np.sum(np.abs(f - g)[..., :-1] * np.diff((at[1:] + at[:-1]) / 2), axis=-1)
    return distance


def _sides(reference: ArrayLike, current: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r, c = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if not r.ndim or not c.ndim or r.shape[-1] != c.shape[-1]:
        raise ValueError(f"both sides need counts of the same bins, got shapes {r.shape} and {c.shape}")
    for what, side in (("reference", r), ("current", c)):
        if (side < 0).any() or not (side.sum(axis=-1) > 0).all():
            raise ValueError(f"{what}: counts must be >= 0 and not all 0")
    return r, c


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / counts.sum(axis=-1, keepdims=True)
    return shares


def _scores(scores: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError("scores must be at least one number, all finite")
    return found
