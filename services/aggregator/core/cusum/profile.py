"""What is usual for a rate: hours of the last 28 days, their profile by hour of day, their dispersion, a reference.

Hours are stored as those of UTC, and told apart by the hour and class of day (working or free) that the tenant's
calendar of the judged hour gives them (`local_hours`). So neither clocks that change nor another zone, weekend or
holiday leaves hours that are not comparable: they are sorted anew. The pooled rate is moved by hour of day, then by
class, then by both, each shrunk by as much as some failures weigh (`_STEPS`), so that few failures make no profile.

The **reference** is frozen: the hours of the first 28 days that are valid, which are days of which 21 dates and enough
failures were not left out, at a time when nothing alarms. It moves by a person's word only
(`core.cusum.hours.rebased`), so that no rate drifts away by teaching its own baseline.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from proofwatch.biometrics.dispersion import pearson_of
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.local_hours import SLOTS, dates_in, slots_of

KEPT_HOURS: Final = 28 * 24
_STEPS: Final[tuple[tuple[int | tuple[()], float, float], ...]] = (
    (0, 50.0, 23 / 24),
    (1, 50.0, 1 / 2),
    ((), 200.0, 23 / 48),
)
"""Sums over classes of day, over hours, over nothing; as how many failures each shrinks to what was before it; and the
share of its sums that is free, the others being told by those before it."""
_REFERENCE_DATES: Final = 21
_GROUP: Final = 5.0
"""Hours are pooled until they expect so many failures: fewer make the dispersion uncertain."""
_PRIOR_GROUPS: Final = 24
_LEAST: Final = 1e-6
_REBASED_FAILURES: Final = 20

Floats = NDArray[np.float64]
Hours = NDArray[np.int64]
"""Rows (hour since 1970, k, n, 1 if it alarmed), ascending by hour; an hour may have one row of each kind."""
NO_HOURS: Final[Hours] = np.zeros((0, 4), np.int64)


class Usual(Struct, frozen=True, array_like=True):
    """The rate to compare with in one hour: p0, of `k` failures in `n` trials in `hours` hours. n = 0: the policy's."""

    p0: float
    k: int = 0
    n: int = 0
    hours: int = 0


class Reference(Struct, frozen=True, array_like=True):
    """What counts of [from_hour, to_hour), in hours since 1970. `by`: whose word it is; empty: nobody's.

    `hours` as they are stored (`packed`). `k` and `n` by hour of the UTC day, which is all that releases before knew:
    their references have no hours, and are read as though all had come on the last day.
    """

    from_hour: int
    to_hour: int
    k: tuple[int, ...]
    n: tuple[int, ...]
    by: str = ""
    hours: bytes = b""

    def counted(self) -> Hours:
        """Return the hours."""
        if self.hours:
            return unpacked(self.hours)
        last = range(self.to_hour - 24, self.to_hour)
        return np.array([(hour, self.k[hour % 24], self.n[hour % 24], 0) for hour in last], np.int64)


def packed(hours: Hours) -> bytes:
    """Return hours as they are stored: 32-bit integers, little-endian."""
    return hours.astype("<i4").tobytes()


def unpacked(body: bytes) -> Hours:
    """Return stored hours."""
    return np.frombuffer(body, "<i4").astype(np.int64).reshape(-1, 4)


def counting(hours: Hours) -> Hours:
    """Return the hours that count: those that did not alarm."""
    good: Hours = hours[hours[:, 3] == 0]
    return good


def usual(
    hours: Hours, hour: int, expected: float, rule: CusumRule, calendar: Calendar, *, rebased: bool = False
) -> Usual:
    """Return what is usual in an hour by the hours before it, or the policy's expected rate while they are too few.

    A prior of one failure at the expected rate keeps a rate without failures above zero. After a person's word fewer
    failures do: what the policy expects is then what it is not.
    """
    k, n = int(hours[:, 1].sum()), int(hours[:, 2].sum())
    enough = _REBASED_FAILURES if rebased else rule.baseline_failures
    if not n or (k < min(enough, rule.baseline_failures) and hour - int(hours[0, 0]) < 24 * rule.baseline_days):
        return Usual(expected)
    return Usual(_rate_at(hours, hour, expected, calendar), k, n, len(hours))


def by_reference(reference: Reference, hour: int, expected: float, calendar: Calendar) -> Usual:
    """Return what was usual in an hour of its hour and class of day when the reference was frozen."""
    hours = reference.counted()
    rate = _rate_at(hours, hour, expected, calendar)
    return Usual(rate, int(hours[:, 1].sum()), int(hours[:, 2].sum()), reference.to_hour - reference.from_hour)


def dispersion(hours: Hours, rule: CusumRule, calendar: Calendar) -> float:
    """Return phi: Pearson's, of hours against their profile, pooled until they expect enough; at least the floor.

    The policy's dispersion of what is unknown weighs as much as `_PRIOR_GROUPS` groups do: a young series has few.
    """
    k, n = hours[:, 1].astype(float), hours[:, 2].astype(float)
    if not k.sum():
        return max(rule.dispersion_floor, rule.dispersion_unknown)
    slots = slots_of(calendar, hours[:, 0])
    rates, fitted = _profile(slots, k, n, k.sum() / n.sum())
    expected = n * rates[slots]
    group = np.floor((np.cumsum(expected) - expected / 2) / _GROUP)  # ascending
    place = np.zeros(len(group), np.int64)
    np.cumsum(group[1:] != group[:-1], out=place[1:])
    groups = int(place[-1]) + 1
    k_in, n_in, e_in = (np.bincount(place, each).astype(float) for each in (k, n, expected))
    measured = pearson_of(k_in, n_in, e_in / n_in) or rule.dispersion_unknown
    measured *= max(1.0, (groups - 1) / max(1.0, groups - 1 - fitted))
    return max(
        rule.dispersion_floor,
        (groups * measured + _PRIOR_GROUPS * rule.dispersion_unknown) / (groups + _PRIOR_GROUPS),
    )


def frozen(hours: Hours, first_hour: int, hour: int, rule: CusumRule, calendar: Calendar) -> Reference | None:
    """Return the reference that the hours make, 28 days after the first hour of the series; None: they do not yet."""
    if hour - first_hour < KEPT_HOURS or int(hours[:, 1].sum()) < rule.baseline_failures:
        return None
    if dates_in(calendar, hours[:, 0]) < _REFERENCE_DATES:
        return None
    return of_hours(hours, hour)


def of_hours(hours: Hours, until_hour: int, by: str = "") -> Reference:
    """Return a reference of the hours up to `until_hour`, one at least."""
    of_day = hours[:, 0] % 24
    k, n = (np.bincount(of_day, hours[:, place].astype(float), 24).astype(int).tolist() for place in (1, 2))
    return Reference(int(hours[0, 0]), until_hour, tuple(k), tuple(n), by, packed(hours))


def _rate_at(hours: Hours, hour: int, expected: float, calendar: Calendar) -> float:
    k, n = hours[:, 1].astype(float), hours[:, 2].astype(float)
    rate = (k.sum() + 1) / (n.sum() + 1 / expected)
    return float(_profile(slots_of(calendar, hours[:, 0]), k, n, rate)[0][calendar.slot(hour)])


def _profile(slots: NDArray[np.int64], k: Floats, n: Floats, rate: float) -> tuple[Floats, float]:
    """Return the rate of each slot, the pooled one moved by hours, classes and both; and how many were fitted so."""
    k_of, n_of = (np.bincount(slots, each, SLOTS).reshape(2, 24) for each in (k, n))
    rates, fitted = np.full((2, 24), rate), 0.0
    for axis, shrink, free in _STEPS:
        # as ufuncs: on arrays of 48 numbers `sum` and `clip` cost more than what they do
        seen, awaited = (np.add.reduce(each, axis, keepdims=True) for each in (k_of, n_of * rates))
        weight = awaited + shrink
        rates = np.minimum(np.maximum(rates * (seen + shrink) / weight, _LEAST), 1 - _LEAST)
        fitted += free * float(np.add.reduce(awaited / weight, None))
    return rates.ravel(), fitted
