"""What is missing where trials decide nothing about a limit: in which way, and how many further trials would decide.

Two kinds of "cannot tell" that ask for different things: *too few trials* wait for more of them; trials that *straddle
the limit* are many, and the rate is near it. Bounds are one-sided Clopper-Pearson, as for every limit.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import msgspec

from proofwatch.biometrics.intervals import trials_needed

MANY = 10**9
"""More trials than anybody collects: where so many would not decide, no number is stated."""


class Reason(StrEnum):
    """Why trials decide nothing."""

    TOO_FEW_TRIALS = "too_few_trials"  # so few would not have shown the limit kept even without an error
    STRADDLES_THE_LIMIT = "straddles_the_limit"  # enough for that, but the interval still holds the limit
    NOT_TOLD_APART = "not_told_apart"  # a mixture above the limit: something in it is, nobody can say what


class Missing(msgspec.Struct, frozen=True):
    """Why `k` errors in `n` trials neither show a limit kept nor broken, and the further trials that would.

    `needed_without_error` show the limit kept if no further error occurs; `needed_at_present_rate` decide either way if
    errors go on at k / n: null where no number of trials would (a rate at the limit, or no trial yet).
    """

    reason: Reason
    needed_without_error: int | None
    needed_at_present_rate: int | None


def missing(
    k: int, n: int, limit: float, min_trials: int = 0, confidence: float = 0.95, breach_confidence: float | None = None
) -> Missing:
    """Return what is missing of k errors in n trials. `breach_confidence`: where a breach takes more than a pass."""
    few = n < max(min_trials, trials_needed(limit, confidence))
    return Missing(
        Reason.TOO_FEW_TRIALS if few else Reason.STRADDLES_THE_LIMIT,
        needed_without_error(k, n, limit, min_trials, confidence),
        needed_at_present_rate(k, n, limit, min_trials, confidence, breach_confidence or confidence),
    )


@lru_cache(maxsize=65_536)
def needed_without_error(k: int, n: int, limit: float, min_trials: int, confidence: float) -> int | None:
    """Return how many further trials, none of them an error, show that the rate is at most `limit`."""
    if k == 0:
        return max(0, min_trials - n, trials_needed(limit, confidence) - n)
    first = _first(max(n, min_trials, 1), lambda total: _shows_kept(k, total, limit, confidence))
    return None if first is None else first - n


@lru_cache(maxsize=65_536)
def needed_at_present_rate(
    k: int, n: int, limit: float, min_trials: int, confidence: float, breach_confidence: float
) -> int | None:
    """Return how many further trials at the rate k / n show that it is at most, or above, `limit`.

    Errors grow pro rata, as a real number, so that the answer has no saw teeth. None when no number up to `MANY` does.
    """
    if n == 0 or k == n * limit:
        return None
    if k == 0:
        return needed_without_error(k, n, limit, min_trials, confidence)
    rate = k / n

    def decided(total: int) -> bool:
        if rate < limit:
            return _shows_kept(rate * total, total, limit, confidence)
        return _shows_broken(rate * total, total, limit, breach_confidence)

    first = _first(max(n, min_trials), decided)
    return None if first is None else first - n


def _first(start: int, true_from: Callable[[int], bool]) -> int | None:
    """Return the first number from `start` on for which a monotone predicate is true; None beyond `MANY`."""
    if true_from(start):
        return start
    low, high = start, 2 * start
    while not true_from(high):
        low, high = high, 2 * high
        if low > MANY:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true_from(middle) else (middle, high)
    return high


def _shows_kept(k: float, n: int, limit: float, confidence: float) -> bool:
    """Return whether the upper bound is at most the limit, which is said faster without computing the bound."""
    from scipy.special import betainc  # on first use: see intervals

    return k < n and bool(betainc(k + 1, n - k, limit) >= confidence)


def _shows_broken(k: float, n: int, limit: float, confidence: float) -> bool:
    from scipy.special import betainc

    return bool(betainc(k, n - k + 1, limit) < 1.0 - confidence)
