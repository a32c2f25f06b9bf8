"""What the limit of a CUSUM chart promises: how long until a false alarm, and how surely a change is seen.

The chart is a Markov chain on a grid of its states (Brook & Evans 1972, Biometrika 59:539-549). A state at or above the
limit is an alarm and ends the run. The Bernoulli chain steps trial by trial, so a chart fed with windows alarms a
little later: at the end of a window, and less often, as the chart is set to zero once a window only.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.cusum import weights

UNITS = 20
"""Grid steps to the weight of a success: at 20 the run length of p0 = 1 % is within 1 % of its limit value."""


class _Chain(NamedTuple):
    """A grid of `size` states below the limit; a failure moves by `failure` places, a success by `success`."""

    size: int
    unit: float
    failure: int
    success: int


@lru_cache(maxsize=256)
def cusum_arl(p: float, *, p0: float, odds_ratio: float, limit: float, start: float = 0.0) -> float:
    """Return the mean number of trials until a Bernoulli chart (of p0 and the odds ratio) alarms, at the true rate p.

    With p = p0 this is the mean run to a false alarm. Trials are independent; scale the limit by the dispersion where
    they are not. Raises ValueError for a rate outside (0, 1), a limit that is not positive or a start outside
    0..limit.
    """
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import spsolve

    chain = _chain(p0, odds_ratio, limit, start)
    _check_rate(p)
    at = np.arange(chain.size)
    rows, columns, shares = [], [], []
    for move, share in ((chain.failure, p), (chain.success, 1 - p)):
        to = np.maximum(at + move, 0)
        inside = to < chain.size
        rows.append(at[inside])
        columns.append(to[inside])
        shares.append(np.full(int(inside.sum()), share))
    places = (np.concatenate(rows), np.concatenate(columns))
    inner = csc_array((np.concatenate(shares), places), shape=(chain.size, chain.size))
    means = spsolve((eye_array(chain.size, format="csc") - inner).tocsc(), np.ones(chain.size))
    return float(means[_place(chain, start)])


def detection_probability(
    p: float, within: int, *, p0: float, odds_ratio: float, limit: float, start: float = 0.0
) -> float:
    """Return the probability that a Bernoulli chart alarms within so many trials, at the true rate p.

    `start` is where the chart stands when the rate becomes p: 0 is the worst case. Raises ValueError as `cusum_arl`.
    """
    chain = _chain(p0, odds_ratio, limit, start)
    _check_rate(p)
    alive = np.zeros(chain.size)
    alive[_place(chain, start)] = 1.0
    for _ in range(within):
        moved = np.zeros(chain.size)
        _add(moved, alive * p, chain.failure)
        _add(moved, alive * (1 - p), chain.success)
        alive = moved
    return float(1.0 - alive.sum())


def poisson_cusum_arl(
    expected: float, *, ratio: float, limit: float, true_ratio: float = 1.0, states: int = 400
) -> float:
    """Return the mean number of periods until a Poisson chart alarms, where `expected` events are usual a period.

    `true_ratio` times as many really come; with 1 this is the mean run to a false alarm. Start is zero.
    """
    from scipy.special import pdtr

    if not expected > 0.0 or not limit > 0.0 or states < 2:
        raise ValueError(f"expected {expected!r} and limit {limit!r} must be positive, states {states} at least 2")
    up, down = log(ratio), expected * (ratio - 1)
    width = 2 * limit / (2 * states - 1)  # state 0 stands for half a cell: Brook & Evans put an atom at zero
    at = np.arange(states) * width
    # P(next state <= edge) for the upper edge of every cell: the count of events that still ends up there.
    edges = at + width / 2
    counts = (edges[None, :] - at[:, None] + down) / up
    below = np.where(counts >= 0, pdtr(np.floor(np.maximum(counts, 0) + 1e-12), expected * true_ratio), 0.0)
    if up < 0:  # a falling rate: fewer events move the chart up
        counts = np.ceil(counts - 1e-12)
        below = np.where(counts > 0, 1.0 - pdtr(np.maximum(counts - 1, 0), expected * true_ratio), 1.0)
    inner = np.diff(below, axis=1, prepend=0.0)
    return float(np.linalg.solve(np.eye(states) - inner, np.ones(states))[0])


def limit_for(run: Callable[[float], float], wanted: float, *, low: float = 0.5, high: float = 1.0) -> float:
    """Return the smallest limit (to 1e-3) whose mean run to a false alarm is at least `wanted`.

    `run` gives the run length of a limit and must grow with it, as `cusum_arl` and `poisson_cusum_arl` do.
    """
    while run(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if run(middle) >= wanted else (middle, high)
    return high


def _chain(p0: float, odds_ratio: float, limit: float, start: float) -> _Chain:
    w = weights(p0, odds_ratio)
    if not 0.0 <= start < limit:
        raise ValueError(f"limit {limit!r} must be positive and start {start!r} within 0..limit")
    unit = abs(w.success) / UNITS
    return _Chain(ceil(limit / unit), unit, round(w.failure / unit), round(w.success / unit))


def _place(chain: _Chain, start: float) -> int:
    return min(chain.size - 1, round(start / chain.unit))


def _add(to: NDArray[np.float64], what: NDArray[np.float64], move: int) -> None:
    """Add each entry of `what` `move` places further on: below zero it stays at zero, beyond the end it is gone."""
    if move >= 0:
        if move < len(what):
            to[move:] += what[: len(what) - move]
        return
    back = min(-move, len(what))
    to[0] += what[:back].sum()
    to[: len(what) - back] += what[back:]


def _check_rate(p: float) -> None:
    if not 0.0 < p < 1.0:
        raise ValueError(f"p {p!r} is not a rate strictly between 0 and 1")
