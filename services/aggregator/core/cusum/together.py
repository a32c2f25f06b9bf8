"""Hours of many series side by side: their profiles by hour and class of day, and their dispersions.

When an hour turns, what is usual is told anew for every rate of every segment value of a tenant: hundreds of short
series, each of which costs more to call numpy for than to compute. So all of a window are computed at once, as rows of
the same arrays. Each has the numbers, to the last bit, that it would have alone.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.dispersion import phi_of_parts
from proofwatch.governance.calendar import Calendar
from services.aggregator.core.cusum.local_hours import SLOTS, slots_of

_STEPS: Final[tuple[tuple[int | tuple[()], float, float], ...]] = (
    (1, 50.0, 23 / 24),
    (2, 50.0, 1 / 2),
    ((), 200.0, 23 / 48),
)
"""Sums over classes of day, over hours, over nothing; as how many failures each shrinks to what was before it; and the
share of its sums that is free, the others being told by those before it."""
_GROUP: Final = 5.0
"""Hours are pooled until they expect so many failures: fewer make the dispersion uncertain."""
_PRIOR_GROUPS: Final = 24
_LEAST: Final = 1e-6

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


class Together:
    """The hours that count of several series, one behind the other; `k`, `n`, `rows` and `first` are by series."""

    def __init__(self, bodies: Sequence[bytes], calendar: Calendar, before: Sequence[int | None] = ()) -> None:
        """`bodies`: hours as they are stored (`profile.packed`); those that alarmed do not count.

        `before`: the hour from which on those of a series do not count either; None: all do.
        """
        size = len(bodies)
        hours = np.frombuffer(b"".join(bodies), "<i4").reshape(-1, 4).astype(np.int64)
        of = np.repeat(np.arange(size), [len(body) // 16 for body in bodies])
        good: Flags = hours[:, 3] == 0
        for series, hour in enumerate(before):
            if hour is not None:
                good &= (of != series) | (hours[:, 0] < hour)
        self._hours: Places = hours if good.all() else hours[good]
        self._of: Places = of if good.all() else of[good]
        self._k, self._n = (self._hours[:, place].astype(float) for place in (1, 2))
        self._slots = slots_of(calendar, self._hours[:, 0]) if len(self._hours) else self._of
        self._sums = [np.bincount(self._of, each, size).astype(float) for each in (self._k, self._n)]
        at = self._of * SLOTS + self._slots
        by_slot = [np.bincount(at, each, size * SLOTS).astype(float) for each in (self._k, self._n)]
        self._k_of, self._n_of = (each.reshape(-1, 2, 24) for each in by_slot)
        self.k, self.n = (each.astype(int).tolist() for each in self._sums)
        lengths = np.bincount(self._of, minlength=size)
        self._starts = np.cumsum(lengths) - lengths
        self.rows: list[int] = lengths.tolist()
        self.first: list[int] = np.append(self._hours[:, 0], 0)[self._starts].tolist()

    def hours(self, series: int) -> NDArray[np.int64]:
        """Return the hours of one of them."""
        start = int(self._starts[series])
        return self._hours[start : start + self.rows[series]]

    def rates_at(self, slot: int, expected: Sequence[float], of: Sequence[int]) -> list[float]:
        """Return the rate that each series `of` these has in a slot, with a prior of one failure at `expected`."""
        if not of:
            return []
        at = np.array(of)
        k, n = (each[at] for each in self._sums)
        rates, _ = _profiles(self._k_of[at], self._n_of[at], (k + 1) / (n + 1 / np.array(expected)))
        found: list[float] = rates[:, slot].tolist()
        return found

    def dispersions(self, floor: Sequence[float], unknown: Sequence[float]) -> list[float]:
        """Return phi of each series: Pearson's, of hours against their profile, pooled until they expect enough.

        At least the `floor` of each; what is `unknown` weighs as much as `_PRIOR_GROUPS` groups do.
        """
        found = [max(*pair) for pair in zip(floor, unknown, strict=True)]
        told = self._sums[0] > 0
        if not told.any():
            return found
        rates, fitted = _profiles(self._k_of[told], self._n_of[told], self._sums[0][told] / self._sums[1][told])
        of = (np.cumsum(told) - 1)[self._of]
        k, n, slots = self._k, self._n, self._slots
        if not told.all():
            used = told[self._of]
            k, n, slots, of = k[used], n[used], slots[used], of[used]
        expected = n * rates[of, slots]
        group = np.floor((_cumulated(expected, of) - expected / 2) / _GROUP)  # ascending
        place = np.zeros(len(group), np.int64)
        np.cumsum((group[1:] != group[:-1]) | (of[1:] != of[:-1]), out=place[1:])
        k_in, n_in, e_in = (np.bincount(place, each).astype(float) for each in (k, n, expected))
        rate = e_in / n_in
        away = k_in - n_in * rate
        parts = (away * away / (n_in * rate * (1 - rate))).tolist()
        groups = np.bincount(of[np.append(True, place[1:] != place[:-1])]).tolist()
        begin = 0
        for series, many, free in zip(np.flatnonzero(told).tolist(), groups, fitted.tolist(), strict=True):
            measured = phi_of_parts(parts[begin : begin + many]) or unknown[series]
            measured *= max(1.0, (many - 1) / max(1.0, many - 1 - free))
            pooled = (many * measured + _PRIOR_GROUPS * unknown[series]) / (many + _PRIOR_GROUPS)
            found[series] = max(floor[series], pooled)
            begin += many
        return found


def _cumulated(values: Floats, of: Places) -> Floats:
    """Return cumulated sums of each series, which are added one by one as those of a single one are."""
    lengths = np.bincount(of)
    column = np.arange(len(of)) - (np.cumsum(lengths) - lengths)[of]
    wide = np.zeros((len(lengths), int(lengths.max())))
    wide[of, column] = values
    found: Floats = np.cumsum(wide, axis=1)[of, column]
    return found


def _profiles(k_of: Floats, n_of: Floats, pooled: Floats) -> tuple[Floats, Floats]:
    """Return rates [series, slot]: the pooled one moved by hours, classes and both; and how many were fitted so.

    `k_of`, `n_of`: [series, class of day, hour].
    """
    rates, fitted = np.repeat(pooled, SLOTS).reshape(-1, 2, 24), np.zeros(len(pooled))
    for axis, shrink, free in _STEPS:
        seen, awaited = (np.add.reduce(each, axis, keepdims=True) for each in (k_of, n_of * rates))
        weight = awaited + shrink
        rates = np.minimum(np.maximum(rates * (seen + shrink) / weight, _LEAST), 1 - _LEAST)
        fitted += free * np.add.reduce((awaited / weight).reshape(len(pooled), -1), 1)
    return rates.reshape(-1, SLOTS), fitted
