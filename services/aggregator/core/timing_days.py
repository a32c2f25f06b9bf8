"""What is known of a duration from day to day: its level, how much days differ, and whether a day jumped.

How far each day was from the median of the days before it is learnt of each series, for two months; 10 % are assumed
of two weeks before. A jump must be beyond what a t distribution of the days that were learnt from explains.
"""

from collections.abc import Collection
from math import exp, log, sqrt
from statistics import median, pvariance
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

RATIO: Final = 1.5
KEPT_DAYS: Final = 14
QUANTILES: Final = (0.5, 0.9)
_P: Final = 1e-7
_ASSUMED: Final = 0.1
_ASSUMED_DAYS: Final = 14
_LEAST_DAYS: Final = 7
_LEARNT_DAYS: Final = 60


class DayOf(Struct, array_like=True, frozen=True):
    """The median and nine tenths of a day that began at `start_ms`, as logarithms of milliseconds."""

    start_ms: int
    quantiles: tuple[float, ...]


class Durations(Struct, array_like=True, frozen=True):
    """One duration of a slice: its last days, and what is told. `last_ms`: the newest day that was judged.

    `fired_ms`: the day on which it jumped; 0: it did not. `revision` counts what was told of it. `squares`: of how far
    each of the `learnt` days was from the median of those before it, by quantile; older ones weigh half after 60.
    `begun_ms`: the governed marker with which it began anew last; 0: it never did.
    """

    days: tuple[DayOf, ...] = ()
    last_ms: int = 0
    fired_ms: int = 0
    anomaly_id: str = ""
    revision: int = 0
    learnt: int = 0
    squares: tuple[float, ...] = ()
    begun_ms: int = 0


class Jump(NamedTuple):
    """The share of durations below the quantile that jumped, times what, and from what in milliseconds."""

    share: float
    ratio: float
    baseline_ms: float
    p_value: float


def taught(known: Durations) -> Durations:
    """Return what is known with how far the newest day was from those before it, now that it will not be restated."""
    *before, newest = known.days or (None,)
    if newest is None or newest.start_ms != known.last_ms or len(before) < _LEAST_DAYS or known.fired_ms:
        return known
    centers = (median(each.quantiles[place] for each in before) for place in range(len(QUANTILES)))
    away = [(mine - center) ** 2 for mine, center in zip(newest.quantiles, centers, strict=True)]
    learnt, squares = known.learnt, known.squares or (0.0,) * len(away)
    if learnt >= _LEARNT_DAYS:
        learnt, squares = learnt // 2, tuple(each / 2 for each in squares)
    return replace(known, learnt=learnt + 1, squares=tuple(a + more for a, more in zip(squares, away, strict=True)))


def _spread(usual: Collection[float], known: Durations, place: int) -> tuple[float, int]:
    """Return by how much days differ, and of how many days that is known."""
    n, squares = len(usual), len(usual) * pvariance(usual)
    if known.learnt > n:
        n, squares = known.learnt, known.squares[place]
    return sqrt((squares + _ASSUMED_DAYS * _ASSUMED**2) / (n + _ASSUMED_DAYS)), n + _ASSUMED_DAYS


def jump_of(mine: DayOf, before: Collection[DayOf], known: Durations) -> tuple[Jump | None, bool]:
    """Return the larger jump, and whether the day is as the days before."""
    if len(before) < _LEAST_DAYS:
        return None, True
    found, within = [], True
    for place, share in enumerate(QUANTILES):
        usual = [each.quantiles[place] for each in before]
        center = median(usual)
        beyond = mine.quantiles[place] - center
        within = within and beyond < log(1 + (RATIO - 1) / 2)
        if beyond >= log(RATIO):
            spread, days = _spread(usual, known, place)
            p = _by_chance(beyond / spread, days)
            if p < _P:
                found.append(Jump(share, exp(beyond), exp(center), p))
    return max(found, key=lambda each: each.ratio, default=None), within


def _by_chance(away: float, days: int) -> float:
    """Return how likely a day is so many spreads above the others, where the spread is known of so many days."""
    # Imported on first use: it takes long, and most days need no test.
    from scipy.special import stdtr

    return float(stdtr(days, -away))
