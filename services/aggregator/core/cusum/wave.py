"""When a wave began: by the counts of a climbing chart, where the rate is far above what the chart is made for.

A chart for a doubling takes a window without a failure for a small part of what speaks against 30 times as many. So the
posterior that it moves along (`cusum.change_point`) puts a wave behind the few failures that chance made in the days
before it. While a chart climbs its counts are kept in bins, each from a window with failures up to the next; when it
alarms they are weighed anew, with what the rate came to. That is the posterior of a change from what is usual to an
unknown multiple θ of it at each place, every window equally likely beforehand (Poisson, θ ~ Gamma(1, 1/4), integrated;
Smith 1975, Biometrika 62:407-416), its logarithm over the dispersion, as the limits are. Pure.
"""

from itertools import pairwise
from math import exp, inf, lgamma, log
from typing import Final, NamedTuple

from services.aggregator.core.cusum.change_point import Posterior, weighed
from services.aggregator.core.cusum.chart import Counts
from services.aggregator.core.lengths import FIVE_MS

_MOST: Final = 32
_LEFT: Final = 24
"""Bins that are left of more than `_MOST`: those side by side are joined whose rates are most alike."""
_FAR: Final = 4.0
"""Times as many as usual from which on the counts are weighed: a chart for a doubling knows the begin of less."""
_RATE: Final = 1 / _FAR
"""A priori: some four times as many."""
_PARTS: Final = 4
"""Places in the stretch without failures of a bin."""
_BEFORE: Final = tuple(2.0**each for each in range(10))
"""Windows for which each place ahead of the first bin stands: from one to two times as far ahead."""


class Bin(NamedTuple):
    """From a window (since 1970) on: failures in it, and how many are usual up to the next bin."""

    window: int
    k: int
    expected: float


def followed(bins: tuple[Bin, ...], counts: Counts, p0: float) -> tuple[Bin, ...]:
    """Return the bins with a window more."""
    usual = counts.n * p0
    if bins and not counts.k:
        last = bins[-1]
        return (*bins[:-1], Bin(last.window, last.k, last.expected + usual))
    bins = (*bins, Bin(counts.start_ms // FIVE_MS, counts.k, usual))
    return bins if len(bins) <= _MOST else _joined(bins)


def begun(bins: tuple[Bin, ...], end_ms: int, phi: float) -> Posterior | None:
    """Return when a wave began that goes on at `end_ms`; None: it is none, or no counts are kept."""
    if not bins:
        return None
    places = _places(bins, end_ms // FIVE_MS + 1)
    logs = [log(windows) + _evidence(k, expected) / phi for _, windows, k, expected in places]
    most = max(logs)
    _, _, k, expected = places[logs.index(most)]
    if k < _FAR * expected:
        return None
    shares = [exp(each - most) for each in logs]
    return weighed([window for window, *_ in places], [each / sum(shares) for each in shares])


def _joined(bins: tuple[Bin, ...]) -> tuple[Bin, ...]:
    found = list(bins)
    apart = [_apart(*pair) for pair in pairwise(found)]
    while len(found) > _LEFT:
        at = apart.index(min(apart))
        one, other = found[at : at + 2]
        found[at : at + 2] = [Bin(one.window, one.k + other.k, one.expected + other.expected)]
        low = max(0, at - 1)
        apart[low : at + 2] = [_apart(*pair) for pair in pairwise(found[low : at + 2])]
    return tuple(found)


def _apart(one: Bin, other: Bin) -> float:
    """Return the log likelihood that is lost if two rates are taken for one."""
    whole = Bin(one.window, one.k + other.k, one.expected + other.expected)
    return _fit(one) + _fit(other) - _fit(whole)


def _fit(bin_: Bin) -> float:
    return bin_.k * log(bin_.k / bin_.expected) if bin_.k and bin_.expected else 0.0


def _places(bins: tuple[Bin, ...], end: int) -> list[tuple[int, float, int, float]]:
    """Return places, in order: a window, how many windows it stands for, and what came from it on."""
    found, k, expected = [], 0, 0.0
    for each, until in reversed([(one, other.window) for one, other in pairwise(bins)] + [(bins[-1], end)]):
        stretch = (until - each.window - 1) / _PARTS
        for part in range(_PARTS if stretch > 0 else 0):
            left = (part + 0.5) / _PARTS
            found.append((until - round(left * (until - each.window)), stretch, k, expected + left * each.expected))
        k, expected = k + each.k, expected + each.expected
        found.append((each.window, 1.0, k, expected))
    first = bins[0].window
    before = expected / (end - first)
    for windows in _BEFORE:  # it began, and at first nobody failed
        ahead = 1.5 * windows
        found += [(first - round(ahead), windows, k, expected + ahead * before)] if first > ahead else ()
    return found[::-1]


def _evidence(k: int, expected: float) -> float:
    """Return the log likelihood ratio of an unknown multiple of what is expected against what is expected."""
    if k <= expected:
        return -inf  # fewer than usual are no wave, however unusual they are
    return lgamma(1 + k) + log(_RATE) - (1 + k) * log(_RATE + expected) + expected
