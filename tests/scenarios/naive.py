"""The rule that everybody begins with, beside ours: more than twice the baseline, in every window of every series.

Bare, and guarded by a test at p < 0.001. The baseline are the earlier 28 dates of the same hour and class of day, and
the policy's expected rate where fewer than seven are known, as in `proofwatch.biometrics.baseline.compare`, which a
test holds it to. It remembers nothing else: no window is left out of its baseline, and each begins an alarm of its own
unless the one before it in the series did as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from tests.scenarios.windows import FIVES, METRICS, Day

ALPHA: Final = 0.001
FACTOR: Final = 2.0
_FEWEST: Final = 7
_DATES: Final = 28
_HOURS: Final = 24
_PER_HOUR: Final = FIVES // _HOURS
_SMALL_CELL: Final = 10
_SATURDAY: Final = 5
_DAY_MS: Final = 86_400_000
_EPOCH_WEEKDAY: Final = 3


class Fired(NamedTuple):
    """Which windows fire, [slice, window of the run], of one metric: the bare rule and the guarded one."""

    metric: str
    bare: NDArray[np.bool_]
    guarded: NDArray[np.bool_]


def naive(days: Sequence[Day], expected: Mapping[str, float]) -> Iterator[Fired]:
    """Yield what the rule says of each metric's five-minute windows over consecutive days."""
    weekend = np.array([(day.start_ms // _DAY_MS + _EPOCH_WEEKDAY) % 7 >= _SATURDAY for day in days])
    sizes = np.stack([day.n["rejection_rate"] for day in days], axis=1)
    judged = sizes >= _SMALL_CELL
    judged[0] = sizes[0] > 0
    for metric in METRICS:
        k = np.stack([day.k[metric] for day in days], axis=1).astype(np.int64)
        n = np.stack([day.n[metric] for day in days], axis=1).astype(np.int64)
        base_k, base_n, dates = _before(k, n, judged, weekend)
        known = (dates >= _FEWEST) & (base_n > 0)
        rate = np.where(known, base_k / np.maximum(base_n, 1), expected[metric])
        rate = np.where(known & (base_k == 0), 0.5 / (base_n + 1), rate)
        bare = judged & (n > 0) & (k > 0) & (k > FACTOR * rate * n)
        p = np.ones(k.shape)
        at = bare & known
        p[at] = betainc(k[at], base_k[at] + 1, n[at] / (n[at] + base_n[at]))
        at = bare & ~known
        p[at] = betainc(k[at], n[at] - k[at] + 1, rate[at])
        guarded = bare & (p < ALPHA)
        yield Fired(metric, bare.reshape(len(k), -1), guarded.reshape(len(k), -1))


def begins(fired: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where an alarm begins: a window that fires after one that did not."""
    before = np.zeros_like(fired)
    before[:, 1:] = fired[:, :-1]
    return fired & ~before


def _before(
    k: NDArray[np.int64], n: NDArray[np.int64], judged: NDArray[np.bool_], weekend: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return failures, trials and dates of the earlier dates of each window's hour, shaped as `k`."""
    slices, days, _ = k.shape
    hours = (slices, days, _HOURS, _PER_HOUR)
    counted = judged & (n > 0)
    of_hour = [(each * counted).reshape(hours).sum(axis=3) for each in (k, n)]
    sums = [*of_hour, counted.reshape(hours).any(axis=3).astype(np.int64)]
    found = [np.zeros_like(each) for each in sums]
    for class_ in (True, False):
        places = np.flatnonzero(weekend == class_)
        for each, into in zip(sums, found, strict=True):
            total = np.concatenate([np.zeros_like(each[:, :1]), each[:, places].cumsum(axis=1)], axis=1)
            first = np.maximum(np.arange(len(places)) - _DATES, 0)
            into[:, places] = total[:, np.arange(len(places))] - total[:, first]
    spread = [np.repeat(each, _PER_HOUR, axis=2) for each in found]
    return spread[0], spread[1], spread[2]
