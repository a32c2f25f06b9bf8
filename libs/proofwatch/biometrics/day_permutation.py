"""Has a distribution changed, judged by permuting whole days.

Trials of one day resemble each other (campaigns, handsets, retries), so a test that takes trials for independent sees
changes everywhere. Here the day is the unit: had nothing changed, any choice of days would have been as likely to be
"the current ones", and the p value is the share of choices that look at least as changed as the real one (Pitman 1937;
Phipson & Smyth 2010 for sampled permutations). Days need be exchangeable, which a weekly rhythm is not: compare whole
weeks, or days of one class.
"""

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proofwatch.biometrics.drift import chi_squared_statistic
from proofwatch.biometrics.intervals import clopper_pearson_upper

Statistic = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Distance of pooled reference from pooled current counts, both (R, B), giving (R,): those of `drift` fit."""

EXACT_UP_TO = 50_000
_AT_ONCE = 4096


class Permutation(NamedTuple):
    """The observed statistic and its p value.

    Exact: over all `assignments`. Else `assignments` were drawn, p = (1 + as extreme) / (1 + drawn), which is valid as
    it stands, and the exact p value is at most `p_bound` with confidence 99 %. p is never below 1 / assignments: with
    few days no evidence can be strong.
    """

    statistic: float
    p_value: float
    p_bound: float
    assignments: int
    exact: bool


def permute_days(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    statistic: Statistic = chi_squared_statistic,
    draws: int = 19_999,
    seed: int = 0,
    exact_up_to: int = EXACT_UP_TO,
) -> Permutation:
    """Return the permutation test of daily counts: reference (D1, B) and current (D2, B), days as rows.

    `statistic` must grow with the distance. Exact where the days can be assigned in at most `exact_up_to` ways, else
    `draws` random assignments from `seed`: the same input gives the same p. Raises ValueError for other shapes,
    negative counts or sides without a day.
    """
    r, c = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if r.ndim != 2 or c.ndim != 2 or r.shape[1] != c.shape[1] or not len(r) or not len(c):
        raise ValueError(f"needs (days, bins) with the same bins and at least a day each, got {r.shape} and {c.shape}")
    if (r < 0).any() or (c < 0).any():
        raise ValueError("counts must be >= 0")
    days = np.concatenate((r, c))
    if not days.sum(axis=1).all():
        # An empty day could be assigned alone to a side, which then has no distribution.
        raise ValueError("a day without counts cannot be compared: leave it out")
    observed = float(statistic(r.sum(axis=0)[None, :], c.sum(axis=0)[None, :])[0])
    # Equal assignments must count as equal whatever the order of summation.
    wanted = observed - 1e-9 * max(1.0, abs(observed))
    ways = comb(len(days), len(c))
    if ways <= exact_up_to:
        chosen = np.array(list(combinations(range(len(days)), len(c))))
        extreme = _extreme(days, chosen, statistic, wanted)
        return Permutation(observed, extreme / ways, extreme / ways, ways, True)
    order = np.random.default_rng(seed).random((draws, len(days)))
    extreme = _extreme(days, np.argpartition(order, len(c) - 1, axis=1)[:, : len(c)], statistic, wanted)
    return Permutation(observed, (1 + extreme) / (1 + draws), clopper_pearson_upper(extreme, draws, 0.99), draws, False)


def _extreme(days: NDArray[np.float64], chosen: NDArray[np.intp], statistic: Statistic, wanted: float) -> int:
    """Return how many of the choices of days (R, D2) look at least as changed as wanted."""
    everything, found = days.sum(axis=0), 0
    for start in range(0, len(chosen), _AT_ONCE):
        picked = days[chosen[start : start + _AT_ONCE]].sum(axis=1)
        found += int(np.count_nonzero(statistic(everything - picked, picked) >= wanted))
    return found
