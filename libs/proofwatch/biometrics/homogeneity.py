"""Do groups share one error rate? Pearson's chi-squared over groups x (error, none), exact where it can be.

Given the total number of errors, their spread over groups of one common rate is multivariate hypergeometric. The exact
p value is the probability of all spreads whose statistic is at least the observed one (Freeman & Halton 1951, ordered
by chi-squared). Use first attempts or one trial a subject: retries are not independent (see `clusters`).
"""

from math import lgamma
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proofwatch.biometrics.intervals import clopper_pearson_upper

TABLES = 1_000_000
"""Up to so many spreads are enumerated; beyond, `draws` are sampled."""


class Homogeneity(NamedTuple):
    """Chi-squared of G groups. `p_asymptotic` is doubtful when `smallest_expected` is below 5.

    `p_value` is exact, or sampled from `draws` spreads as (1 + as extreme) / (1 + draws), which is valid as it stands;
    the exact one is then at most `p_bound` with confidence 99 %. With no error, no trial without one, or one group,
    there is nothing to tell apart: 0 and p = 1.
    """

    chi2: float
    dof: int
    p_asymptotic: float
    p_value: float
    p_bound: float
    exact: bool
    smallest_expected: float


def homogeneity(
    errors: ArrayLike, trials: ArrayLike, *, tables: int = TABLES, draws: int = 99_999, seed: int = 0
) -> Homogeneity:
    """Return the test that all groups (same order in both, each with at least one trial) share one error rate.

    The same input gives the same p. Raises ValueError for no group or counts that are not 0 <= errors <= trials.
    """
    from scipy.special import chdtrc  # on first use: see intervals

    k, n = np.asarray(errors, dtype=np.int64), np.asarray(trials, dtype=np.int64)
    if k.ndim != 1 or k.shape != n.shape or not len(k) or not ((k >= 0) & (k <= n) & (n > 0)).all():
        raise ValueError("needs as many errors as trials, with 1 <= trials and 0 <= errors <= trials in every group")
    total, everything = int(k.sum()), int(n.sum())
    if len(k) < 2 or total in (0, everything):
        return Homogeneity(0.0, len(k) - 1, 1.0, 1.0, 1.0, True, 0.0)
    rate = total / everything
    smallest = float(n.min()) * min(rate, 1 - rate)
    chi2 = float(_statistic(k[None, :], n, rate)[0])
    asymptotic = float(chdtrc(len(k) - 1, chi2))
    # Spreads with the same statistic must count as equal whatever the order of summation.
    wanted = chi2 - 1e-9 * max(1.0, chi2)
    # Errors and trials without one give the same statistic: enumerate the fewer.
    fewer = min(total, everything - total)
    p = _enumerate(n, fewer, wanted, tables)
    if p is not None:
        return Homogeneity(chi2, len(k) - 1, asymptotic, p, p, True, smallest)
    extreme, rng = 0, np.random.default_rng(seed)
    for size in _chunks(draws, 10_000):
        spreads = rng.multivariate_hypergeometric(n, fewer, size=size, method="marginals")
        extreme += int(np.count_nonzero(_statistic(spreads, n, fewer / everything) >= wanted))
    p, bound = (1 + extreme) / (1 + draws), clopper_pearson_upper(extreme, draws, 0.99)
    return Homogeneity(chi2, len(k) - 1, asymptotic, p, bound, False, smallest)


def _statistic(spreads: NDArray[np.int64], n: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
    """Return Pearson's statistic of each spread (R, G) of errors over groups of n trials."""
    found: NDArray[np.float64] = ((spreads - n * rate) ** 2 / (n * rate * (1 - rate))).sum(axis=1)
    return found


def _enumerate(n: NDArray[np.int64], total: int, wanted: float, tables: int) -> float | None:
    """Return P(statistic >= wanted) over all spreads of `total` errors; None if there are more than `tables`.

    Group by group, all partial spreads side by side: errors so far, their statistic and log probability.
    """
    rate = total / int(n.sum())
    used, statistic, log_p = np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1)
    rest = int(n.sum())
    for trials in n:
        rest -= int(trials)
        here = np.arange(min(int(trials), total) + 1)
        if len(used) * len(here) > 8 * tables:
            return None
        sums = used[:, None] + here[None, :]
        # What is left must fit into the groups to come.
        fits = (sums <= total) & (total - sums <= rest)
        parts = (here - trials * rate) ** 2 / (trials * rate * (1 - rate))
        ways = np.array([_log_choose(int(trials), int(i)) for i in here])
        used = sums[fits]
        statistic = (statistic[:, None] + parts)[fits]
        log_p = (log_p[:, None] + ways)[fits]
        if len(used) > tables:
            return None
    log_p -= _log_choose(int(n.sum()), total)
    # Both tails summed, so that rounding cannot make p exceed 1.
    extreme = float(np.exp(log_p[statistic >= wanted]).sum())
    others = float(np.exp(log_p[statistic < wanted]).sum())
    return extreme / (extreme + others)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _chunks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
