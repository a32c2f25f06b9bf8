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
from math import exp, log1p
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
_SURE: Final = 0.97
"""Holds the begin in nine of ten: hours of day, and who fails again, make the posterior narrower than it should be."""
_FIRST: Final = struct.Struct("<I")
_BIN: Final = struct.Struct("<He")
_FARTHEST: Final = 65_535


Bins = list[tuple[int, float]]


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
    known = posterior.log_sum
    log_sum = adds + (log1p(exp(known)) if known < 30 else known)
    share = 1 / (1 + exp(min(known, 30.0)))
    if share < _LEAST:
        return Posterior(log_sum, posterior.bins)
    shrunk = ((first, old * (1 - share)) for first, old in _unpacked(posterior.bins))
    kept = [each for each in shrunk if each[1] >= _NEGLIGIBLE]
    kept.append((counts.start_ms // FIVE_MS, share))
    if len(kept) > _MOST:
        _join(kept)
    return Posterior(log_sum, _packed(kept))


def begin(posterior: Posterior) -> Begin | None:
    """Return when the rate changed; None: nothing was seen."""
    bins = _unpacked(posterior.bins)
    if not bins:
        return None
    tail = (1 - _SURE) / 2
    low, middle, high = (_quantile(bins, q) for q in (tail, 0.5, 1 - tail))
    # a window that the change came into may look like either of its neighbours
    return Begin(middle * FIVE_MS, (low - 1) * FIVE_MS, (high + 2) * FIVE_MS)


def _packed(bins: Bins) -> bytes:
    """Return bins as they are stored; what began before all that 16 bits can count from the last is left out."""
    while bins[-1][0] - bins[0][0] > _FARTHEST:
        del bins[0]
    first = bins[0][0]
    return _FIRST.pack(first) + b"".join(_BIN.pack(start - first, share) for start, share in bins)


def _unpacked(body: bytes) -> Bins:
    if not body:
        return []
    (first,) = _FIRST.unpack_from(body)
    return [(first + start, share) for start, share in _BIN.iter_unpack(body[_FIRST.size :])]


def _join(bins: Bins) -> None:
    while len(bins) > _LEFT:
        at = min(range(len(bins) - 1), key=lambda i: bins[i][1] + bins[i + 1][1])
        (one, less), (other, more) = bins[at : at + 2]
        bins[at : at + 2] = [(round((one * less + other * more) / (less + more)), less + more)]


def _quantile(bins: Bins, part: float) -> int:
    """Return the first window up to which so much of the posterior lies."""
    wanted = part * sum(share for _, share in bins)
    for start, share in bins:
        wanted -= share
        if wanted <= 0:
            return start
    return bins[-1][0]
