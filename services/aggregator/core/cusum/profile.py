"""What is usual for a rate: hours of the last 28 days, their profile by hour of day, their dispersion, a reference.

Hours are stored as those of UTC, and told apart by the hour and class of day (working or free) that the tenant's
calendar of the judged hour gives them (`local_hours`). So neither clocks that change nor another zone, weekend or
holiday leaves hours that are not comparable: they are sorted anew. The pooled rate is moved by hour of day, then by
class, then by both, each shrunk by as much as some failures weigh (`together`), so that few failures make no profile.

The **reference** is frozen: the hours of the first 28 days that are valid, which are days of which 21 dates and enough
failures were not left out, at a time when nothing alarms. It moves by a person's word only
(`core.cusum.hours.rebased`), so that no rate drifts away by teaching its own baseline.
"""

from collections.abc import Sequence
from struct import Struct as Layout
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.local_hours import dates_in
from services.aggregator.core.cusum.together import Together

KEPT_HOURS: Final = 28 * 24
_HOUR: Final = Layout("<4i")
_REFERENCE_DATES: Final = 21
_REBASED_FAILURES: Final = 20

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

    def body(self) -> bytes:
        """Return the hours as they are stored."""
        if self.hours:
            return self.hours
        last = range(self.to_hour - 24, self.to_hour)
        return packed(np.array([(hour, self.k[hour % 24], self.n[hour % 24], 0) for hour in last], np.int64))


def packed(hours: Hours) -> bytes:
    """Return hours as they are stored: 32-bit integers, little-endian."""
    return hours.astype("<i4").tobytes()


def unpacked(body: bytes) -> Hours:
    """Return stored hours."""
    return np.frombuffer(body, "<i4").astype(np.int64).reshape(-1, 4)


def packed_hour(hour: int, k: int, n: int, *, alarmed: bool) -> bytes:
    """Return one hour as it is stored."""
    return _HOUR.pack(hour, k, n, alarmed)


def first_hour(body: bytes) -> int:
    """Return the first of stored hours, of one at least."""
    return int(_HOUR.unpack_from(body)[0])


def kept_from(body: bytes, hour: int) -> bytes:
    """Return stored hours from this one on."""
    begin = 0
    while begin < len(body) and _HOUR.unpack_from(body, begin)[0] < hour:
        begin += _HOUR.size
    return body[begin:]


def counting(hours: Hours) -> Hours:
    """Return the hours that count: those that did not alarm."""
    good: Hours = hours[hours[:, 3] == 0]
    return good


def usual_of(
    hours: Together,
    hour: int,
    expected: Sequence[float],
    rules: Sequence[CusumRule],
    slot: int,
    rebased: Sequence[bool],
) -> list[Usual]:
    """Return what is usual in an hour by the hours before it, or the policy's expected rate while they are too few.

    A prior of one failure at the expected rate keeps a rate without failures above zero. After a person's word fewer
    failures do (`rebased`): what the policy expects is then what it is not. `slot`: the hour's, by its calendar.
    """
    found = [Usual(each) for each in expected]
    known = [
        at
        for at, (k, n) in enumerate(zip(hours.k, hours.n, strict=True))
        if n
        and (_is_enough(k, rules[at], rebased=rebased[at]) or hour - hours.first[at] >= 24 * rules[at].baseline_days)
    ]
    rates = hours.rates_at(slot, [expected[at] for at in known], known)
    for at, rate in zip(known, rates, strict=True):
        found[at] = Usual(rate, hours.k[at], hours.n[at], hours.rows[at])
    return found


def by_references(
    references: Sequence[Reference], expected: Sequence[float], slot: int, calendar: Calendar
) -> list[Usual]:
    """Return what was usual in an hour of this hour and class of day when each reference was frozen."""
    hours = Together([each.body() for each in references], calendar)
    rates = hours.rates_at(slot, expected, range(len(references)))
    return [
        Usual(rate, hours.k[at], hours.n[at], references[at].to_hour - references[at].from_hour)
        for at, rate in enumerate(rates)
    ]


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


def _is_enough(k: int, rule: CusumRule, *, rebased: bool) -> bool:
    return k >= (min(_REBASED_FAILURES, rule.baseline_failures) if rebased else rule.baseline_failures)
