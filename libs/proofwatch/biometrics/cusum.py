"""CUSUM charts: has a rate moved, by evidence gathered over windows, however small each of them is?

A chart is one number, so it can be stored beside the window that it has seen last. Every window moves it by the log
likelihood ratio of "the odds are R times what they were" against "they are what they were", never below zero:

    Bernoulli   S <- max(0, S + k ln R - n ln(1 + p0 (R - 1)))      k failures in n trials (Steiner et al. 2000)
    Poisson     S <- max(0, S + k ln R - mu (R - 1))                k events where mu were expected (Lucas 1985)

R > 1 watches for a rate that rises, R < 1 for one that falls: there every trial without a failure counts up. `p0` and
`mu` may differ from window to window, as with an hour-of-day profile. `run_length` says what a limit promises.

*Grouping.* Counts do not tell the order inside a window, so the zero is applied once at its end. A chart fed with
windows that were merged is therefore never above one fed with the parts, and equal to it when it touched zero in none.

*Capped at its limit* a chart comes down as soon as evidence turns; uncapped, an hour of outage would hold it up for
days. *Head start* (half the limit: Lucas & Crosier 1982, Technometrics 24:199-205): only after a repair, to see at once
that it did not help; a chart that always starts there alarms more often.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf, isfinite, log, log1p
from typing import NamedTuple


class Weights(NamedTuple):
    """What one trial adds to the chart. `failure` has the sign of ln R, `success` the opposite one."""

    failure: float
    success: float


@lru_cache(maxsize=4096)
def weights(p0: float, odds_ratio: float) -> Weights:
    """Return the weights of a failure and of a success, for a rate p0 in (0, 1) and an odds ratio R other than 1.

    Raises ValueError for other values.
    """
    if not 0.0 < p0 < 1.0:
        raise ValueError(f"p0 {p0!r} is not a rate strictly between 0 and 1")
    _check_ratio("odds_ratio", odds_ratio)
    success = -log1p(p0 * (odds_ratio - 1))
    return Weights(log(odds_ratio) + success, success)


def step(state: float, k: int, n: int, *, p0: float, odds_ratio: float, cap: float = inf) -> float:
    """Return the Bernoulli chart after a window of k failures in n trials; `cap` is its limit.

    Raises ValueError when counts are not 0 <= k <= n, the state is negative, or as `weights` does.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} failures in {n} trials, but 0 <= failures <= trials must hold")
    w = weights(p0, odds_ratio)
    return _moved(state, k * w.failure + (n - k) * w.success, cap)


def poisson_step(state: float, k: int, expected: float, *, ratio: float, cap: float = inf) -> float:
    """Return the Poisson chart after k events where `expected` (>= 0, in events) were expected at the usual rate.

    Raises ValueError when k or `expected` is negative, the state is negative or the ratio is not a positive number
    other than 1.
    """
    if k < 0 or not 0.0 <= expected < inf:
        raise ValueError(f"{k} events, {expected!r} expected: neither may be negative")
    _check_ratio("ratio", ratio)
    return _moved(state, k * log(ratio) - expected * (ratio - 1), cap)


def head_start(limit: float) -> float:
    """Return the state to restart from after a repair: half the limit."""
    return limit / 2


def path(
    windows: Iterable[tuple[int, int]], *, p0: float, odds_ratio: float, cap: float = inf, start: float = 0.0
) -> list[float]:
    """Return the states of a Bernoulli chart after each window (failures, trials), at one p0."""
    states, state = [], start
    for k, n in windows:
        state = step(state, k, n, p0=p0, odds_ratio=odds_ratio, cap=cap)
        states.append(state)
    return states


def first_alarm(states: Sequence[float], limit: float) -> int | None:
    """Return the place (from 1) of the first state at or above the limit; None if there is none."""
    return next((place for place, state in enumerate(states, 1) if state >= limit), None)


def _moved(state: float, by: float, cap: float) -> float:
    if not 0.0 <= state < inf:
        raise ValueError(f"state {state!r} is not a chart's: it must be a finite number >= 0")
    return min(cap, max(0.0, state + by))


def _check_ratio(what: str, ratio: float) -> None:
    if not (ratio > 0.0 and isfinite(ratio)) or ratio == 1.0:
        raise ValueError(f"{what} {ratio!r} is not a positive number other than 1")
