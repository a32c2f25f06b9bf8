"""When a rate changed, and how sure that is: the posterior of the change point, kept in a few bins.

That the change came with window i has the likelihood ratio exp(sum of x from i on), x being what each window adds to
the chart, divided by the dispersion, as the limits are. With every window equally likely beforehand (Shiryaev's prior)
these are the weights of the posterior. All of them change alike with each window, so only their shares are kept, and
the logarithm of their sum, of which the next window is 1:

    share of the new window = 1 / (1 + sum);   log sum <- x + log(1 + sum)

A chart that climbs has a large sum, and nothing is added any more. Of more than `_MOST` bins neighbours of the smallest
shares are joined, at their mean; so bins lie as far apart as the posterior is thin. Once the chart alarms the posterior
is left as it is: what comes later does not tell one begin from another.
"""

import struct
from functools import cache
from math import exp, log1p
from operator import add
from typing import Final, NamedTuple

from msgspec import Struct

from proofwatch.biometrics.cusum import weights
from services.aggregator.core.cusum.chart import Counts
from services.aggregator.core.lengths import FIVE_MS

_MOST: Final = 28
_LEFT: Final = 20
_LEAST: Final = 1e-3
_NEGLIGIBLE: Final = 1e-4
"""What half precision can still hold."""
_NONE: Final = -700.0
_SUM_THAT_IS_LARGE: Final = 30.0
"""Its logarithm: a window more has no share of it."""
_SURE: Final = 0.97
"""Holds the begin in nine of ten: hours of day, and who fails again, make the posterior narrower than it should be."""
_FIRST_BYTES: Final = 4
_BIN_BYTES: Final = 4
_FARTHEST: Final = 65_535


class Posterior(Struct, frozen=True, array_like=True):
    """The logarithm of the sum of weights, and bins, in order.

    `bins`: the first window of all (since 1970, 32 bits), then for each bin its window, counted from there (16 bits),
    and its share (half precision), little-endian.
    """

    log_sum: float = _NONE
    bins: bytes = b""


EMPTY: Final = Posterior()


class Begin(NamedTuple):
    """The median, and bounds that hold it in nine of ten, in ms since 1970."""

    since_ms: int
    low_ms: int
    high_ms: int


def seen(posterior: Posterior, counts: Counts, p0: float, odds_ratio: float, phi: float) -> Posterior:
    """Return the posterior after a window of a chart for this odds ratio against p0."""
    weight = weights(p0, odds_ratio)
    adds = (counts.k * weight.failure + (counts.n - counts.k) * weight.success) / phi
    known, body = posterior.log_sum, posterior.bins
    if known >= _SUM_THAT_IS_LARGE:
        return Posterior(adds + known, body)
    before = exp(known)
    log_sum, share = adds + log1p(before), 1 / (1 + before)
    if share < _LEAST:
        return Posterior(log_sum, body)
    window = counts.start_ms // FIVE_MS
    if not body:
        return Posterior(log_sum, _packed(window, [0], [share]))
    # windows stay counted from the first one, as they are stored: this is done for every rate of every window
    fields = list(_layout(body).unpack(body))
    first, left = fields[0], 1 - share
    shares = [old * left for old in fields[2::2]]
    if len(shares) < _MOST and window - first <= _FARTHEST and min(shares) >= _NEGLIGIBLE:  # as a rule: one bin more
        fields[2::2] = shares
        fields += (window - first, share)
        return Posterior(log_sum, _stored(len(shares) + 1).pack(*fields))
    offsets = fields[1::2]
    if min(shares) < _NEGLIGIBLE:
        kept = [at for at, each in enumerate(shares) if each >= _NEGLIGIBLE]
        offsets, shares = [offsets[at] for at in kept], [shares[at] for at in kept]
    offsets.append(window - first)
    shares.append(share)
    if len(shares) > _MOST:
        windows = [first + offset for offset in offsets]
        _join(windows, shares)  # of windows, not of offsets: a mean of two that lie side by side goes to the even one
        offsets = [each - first for each in windows]
    return Posterior(log_sum, _packed(first, offsets, shares))


def weighed(windows: list[int], shares: list[float]) -> Posterior:
    """Return the posterior of windows in order, each with its share; what is negligible is left out."""
    most = max(shares)
    kept = [(window, share) for window, share in zip(windows, shares, strict=True) if share >= _NEGLIGIBLE * most]
    windows, shares = [each for each, _ in kept], [each for _, each in kept]
    if len(shares) > _MOST:
        _join(windows, shares)
    return Posterior(_SUM_THAT_IS_LARGE, _packed(windows[0], [each - windows[0] for each in windows], shares))


def begin(posterior: Posterior) -> Begin | None:
    """Return when the rate changed; None: nothing was seen."""
    windows, shares = _unpacked(posterior.bins)
    if not windows:
        return None
    tail = (1 - _SURE) / 2
    low, middle, high = (_quantile(windows, shares, q) for q in (tail, 0.5, 1 - tail))
    # a window that the change came into may look like either of its neighbours
    return Begin(middle * FIVE_MS, (low - 1) * FIVE_MS, (high + 2) * FIVE_MS)


def _packed(first: int, offsets: list[int], shares: list[float]) -> bytes:
    """Return bins as they are stored; what began before all that 16 bits can count from the last is left out.

    `offsets`: their windows, counted from the window `first`.
    """
    while offsets[-1] - offsets[0] > _FARTHEST:
        del offsets[0], shares[0]
    if skipped := offsets[0]:
        first += skipped
        offsets = [offset - skipped for offset in offsets]
    fields: list[float] = [first] * (1 + 2 * len(offsets))
    fields[1::2] = offsets
    fields[2::2] = shares
    return _stored(len(offsets)).pack(*fields)


def _unpacked(body: bytes) -> tuple[list[int], list[float]]:
    """Return the windows and the shares of bins."""
    if not body:
        return [], []
    fields = _layout(body).unpack(body)
    first = fields[0]
    return [first + window for window in fields[1::2]], list(fields[2::2])


def _layout(body: bytes) -> struct.Struct:
    return _stored((len(body) - _FIRST_BYTES) // _BIN_BYTES)


@cache
def _stored(bins: int) -> struct.Struct:
    return struct.Struct("<I" + "He" * bins)


def _join(windows: list[int], shares: list[float]) -> None:
    pairs = list(map(add, shares, shares[1:]))
    while len(shares) > _LEFT:
        at = pairs.index(min(pairs))
        less, more = shares[at : at + 2]
        windows[at : at + 2] = [round((windows[at] * less + windows[at + 1] * more) / (less + more))]
        shares[at : at + 2] = [less + more]
        low = max(0, at - 1)
        pairs[low : at + 2] = map(add, shares[low : at + 1], shares[low + 1 : at + 2])


def _quantile(windows: list[int], shares: list[float], part: float) -> int:
    """Return the first window up to which so much of the posterior lies."""
    wanted = part * sum(shares)
    for window, share in zip(windows, shares, strict=True):
        wanted -= share
        if wanted <= 0:
            return window
    return windows[-1]
