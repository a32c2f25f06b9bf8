"""What a tenant usually does: rates, shapes and volume of the minutes that are more than an hour old.

It grows hour by hour, and what a minute of hour H is compared with are the hours up to H - 2, however late it is looked
at again: so neither batches nor the order of arrival have an influence. Volume and the rates of an hour of the day are
of earlier dates. Minutes while a detector fires are left out of what it compares with, but for seven days only: what
lasts for longer is the way it is now. Older counts weigh half after every 28 days. Hours of the day, and which days
are free, are the tenant's.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.real_time.minute import NO_SCORES, Check, Minute, Scores
from services.aggregator.core.real_time.shape import Bins, Shape, added
from services.aggregator.core.times import HOUR_MS, MINUTE_MS

_MATURE_HOURS: Final = 2
_MEMORY_DAYS: Final = 28
_DATES: Final = 8
"""Of one hour of a class of day: so many are remembered."""
_RECENT_HOURS: Final = 48
METRICS: Final = ("rejection_rate", "match_fail_rate", "liveness_fail_rate")
_OTHER_DAYS: Final = 4
_KNOWN: Final = 20
"""Failures from which on a rate is known well enough that none is a finding."""
_BLOCK_MS: Final = 5 * MINUTE_MS


class Rate(Struct, array_like=True, frozen=True):
    """k in n."""

    k: int = 0
    n: int = 0

    def plus(self, k: int, n: int) -> "Rate":
        """Return the sum."""
        return Rate(self.k + k, self.n + n)


class Sums(Struct, array_like=True, frozen=True):
    """Of any number of minutes: rejections, and scores by check."""

    rejected: Rate = Rate()
    match: Scores = NO_SCORES
    liveness: Scores = NO_SCORES

    def plus(self, other: "Sums") -> "Sums":
        """Return the sum."""
        rejected = self.rejected.plus(other.rejected.k, other.rejected.n)
        return Sums(rejected, self.match.plus(other.match), self.liveness.plus(other.liveness))

    def halved(self) -> "Sums":
        """Return half of it."""
        return Sums(Rate(self.rejected.k // 2, self.rejected.n // 2), self.match.halved(), self.liveness.halved())

    def rate(self, metric: str) -> Rate:
        """Return failures in trials of `rejection_rate`, `match_fail_rate` or `liveness_fail_rate`."""
        if metric == "rejection_rate":
            return self.rejected
        scores = self.match if metric == "match_fail_rate" else self.liveness
        return Rate(scores.failed, scores.judged)


class Compared(NamedTuple):
    """What of a minute is compared with later: sums, and how scores are distributed."""

    sums: Sums
    match_bins: Bins
    liveness_bins: Bins


class Hour(Struct, array_like=True, frozen=True):
    """An hour, counted from 1970: transactions, the most of them in five minutes, and what is compared with."""

    hour: int
    transactions: int = 0
    peak: int = 0
    block: int = 0
    in_block: int = 0
    sums: Sums = Sums()
    match_bins: Bins = {}
    liveness_bins: Bins = {}

    def bins(self, check: Check) -> Bins:
        """Return how the scores of a check are distributed."""
        return self.match_bins if check == "match" else self.liveness_bins


class HourRates(NamedTuple):
    """Failures in trials of an hour, by metric."""

    hour: int
    rates: dict[str, Rate]


class Volume(NamedTuple):
    """Transactions of an hour, and the most of them in five minutes."""

    hour: int
    transactions: int
    peak: int


class Reference(Struct, array_like=True, frozen=True):
    """What is known of a tenant; `hours` are those that a minute may still be too early to be compared with.

    `volumes` by hour of UTC and whether its date is a weekend in UTC, whatever calendar they are then asked by;
    `by_hour` by hour of the tenant's day, and 24 × how often its time zone had changed; `recent`: two days.
    """

    first_hour: int | None = None
    total: Sums = Sums()
    by_hour: dict[int, Sums] = {}
    volumes: dict[int, tuple[Volume, ...]] = {}
    recent: tuple[HourRates, ...] = ()
    hours: tuple[Hour, ...] = ()
    match_shape: Shape = Shape()
    liveness_shape: Shape = Shape()

    def taken(self, minute: Minute, compared: Compared) -> "Reference":
        """Return the reference with a minute that came after all that are in it; `compared`: what counts of it."""
        hour, block = minute.start_ms // HOUR_MS, minute.start_ms // _BLOCK_MS
        *before, last = self.hours or (Hour(hour),)
        if last.hour != hour:
            before, last = [*before, last], Hour(hour)
        in_block = minute.transactions + (last.in_block if last.block == block else 0)
        last = Hour(
            hour,
            last.transactions + minute.transactions,
            max(last.peak, in_block),
            block,
            in_block,
            last.sums.plus(compared.sums),
            added(last.match_bins, compared.match_bins),
            added(last.liveness_bins, compared.liveness_bins),
        )
        first = hour if self.first_hour is None else self.first_hour
        return replace(self, first_hour=first, hours=(*before, last))

    def absorbed(self, hour: int, days: TenantDays) -> "Reference":
        """Return the reference with the hours in its totals with which every minute from `hour` on is compared."""
        old = [each for each in self.hours if each.hour <= hour - _MATURE_HOURS]
        if not old:
            return self
        by_hour, volumes = dict(self.by_hour), dict(self.volumes)
        for each in old:
            calendar, slot = days.calendar(each.hour * HOUR_MS), UTC_CALENDAR.slot(each.hour)
            of_day = _of_day(days, each.hour)
            before = by_hour.get(of_day, Sums())
            by_hour[of_day] = (before.halved() if each.hour // 24 % _MEMORY_DAYS == 0 else before).plus(each.sums)
            known = (*volumes.get(slot, ()), Volume(each.hour, each.transactions, each.peak))
            # the last dates of a class; where that is another class than UTC's, all dates that may be asked for
            volumes[slot] = known[-(_DATES if calendar == UTC_CALENDAR else _MEMORY_DAYS) :]
        newest = old[-1].hour
        by_hour = {key: sums for key, sums in by_hour.items() if key >= _of_day(days, newest - 48) // 24 * 24}
        recent = (*self.recent, *(HourRates(each.hour, {m: each.sums.rate(m) for m in METRICS}) for each in old))
        total, left = _grown(self.total, old), self.hours[len(old) :]
        shapes = self.shape("match", old), self.shape("liveness", old)
        return Reference(self.first_hour, total, by_hour, volumes, recent[-_RECENT_HOURS - 1 :], left, *shapes)

    def seen_from(self, hour: int, days: TenantDays) -> "View":
        """Return what a minute of the hour is compared with."""
        mature = [each for each in self.hours if each.hour <= hour - _MATURE_HOURS]
        return View(hour, _grown(self.total, mature), self, days, mature)

    def shape(self, check: Check, hours: Sequence[Hour]) -> Shape:
        """Return how scores are usually distributed, with these further hours."""
        shape = self.match_shape if check == "match" else self.liveness_shape
        for each in hours:
            if each.hour % (24 * _MEMORY_DAYS) == 0:
                shape = shape.halved()
            shape = shape.grown(each.hour // 24, each.bins(check))
        return shape


class View:
    """What a minute of one hour is compared with."""

    def __init__(
        self,
        hour: int,
        total: Sums,
        reference: Reference,
        days: TenantDays,
        mature: Sequence[Hour] = (),
    ) -> None:
        self.hour = hour
        self._days = days
        self._least: dict[int, int | None] = {}
        self.total = total
        self._reference = reference
        self._mature = mature
        self._shapes: dict[Check, Shape] = {}
        self._expected: dict[str, float | None] = {}

    def scores(self, check: Check) -> Scores:
        """Return the scores of a check."""
        return self.total.match if check == "match" else self.total.liveness

    def shape(self, check: Check) -> Shape:
        """Return how the scores of a check are usually distributed."""
        if check not in self._shapes:
            self._shapes[check] = self._reference.shape(check, self._mature)
        return self._shapes[check]

    def least_rate(self, metric: str) -> float | None:
        """Return the rate that is to be expected at least, at this hour of the day; None: it is not known.

        It is the lower 95 % bound of what was seen but in the worst hours; where the hour of the day is not known, half
        of that.
        """
        if metric not in self._expected:
            self._expected[metric] = self._least_rate(metric)
        return self._expected[metric]

    def _least_rate(self, metric: str) -> float | None:
        seen = self._without_the_worst(metric)
        if seen.k < _KNOWN:
            return None
        of_hour = self._reference.by_hour.get(_of_day(self._days, self.hour), Sums()).rate(metric)
        low = wilson(seen.k, seen.n)[0]
        return min(low, wilson(of_hour.k, of_hour.n)[0]) if of_hour.k >= _KNOWN else low / 2

    def _without_the_worst(self, metric: str) -> Rate:
        """Return the rate of the last two days without the quarter of their hours in which it was highest.

        An incident that is over must not make its end look like one.
        """
        last = self.hour - _MATURE_HOURS - 1  # one less than mature: those are absorbed whenever it is looked at
        hours = [each.rates[metric] for each in self._reference.recent if last - _RECENT_HOURS < each.hour <= last]
        ordered = sorted([each for each in hours if each.n], key=lambda each: each.k / each.n)
        kept = ordered[: len(ordered) - (len(ordered) + 3) // 4]
        return Rate(sum([each.k for each in kept]), sum([each.n for each in kept]))

    def least_per_hour(self, hour: int) -> int | None:
        """Return how many transactions an hour has at least; None: no such hour was seen. What happened twice is usual.

        It is the least of the hour and those beside it: who opens at half past eight has none in half of that hour, and
        in Kolkata midnight is in the middle of one. Of a class of day that is new, the other one tells, of which a
        quarter is expected. Not more than 20 hours behind the newest minute, so that the dates before it are complete.
        """
        own = self._least_of(hour)
        if own is None:
            return None
        beside = [self._least_of(hour - 1), self._least_of(hour + 1)]
        return min([own, *(each for each in beside if each is not None)])

    def _least_of(self, hour: int) -> int | None:
        if hour not in self._least:
            self._least[hour] = self._counted_least(hour)
        return self._least[hour]

    def _counted_least(self, hour: int) -> int | None:
        seen = sorted(each.transactions for each in self._dates(hour))
        if not seen:
            known = [each.transactions for each in self._dates(hour, any_day=True)]
            return min(known) // _OTHER_DAYS if known else None
        return seen[1] if len(seen) >= _DATES - 1 else seen[0]

    @cached_property
    def most_in_block(self) -> int | None:
        """Return how many transactions five minutes of this hour have at most; None: too few dates were seen."""
        seen = sorted(each.peak for each in self._dates(self.hour))
        return seen[-2] if len(seen) >= _DATES - 1 else None

    def _dates(self, hour: int, *, any_day: bool = False) -> Iterator[Volume]:
        """Yield the hour of earlier dates, the latest first: eight of the same class of day, or whatever is known.

        Classes and hours are those of the tenant's calendar at that hour, for the dates before it too.
        """
        first, found = self._reference.first_hour, 0
        calendar = self._days.calendar(hour * HOUR_MS)
        own = calendar.slot(hour)
        for day in range(1, _MEMORY_DAYS + 1):
            earlier = hour - 24 * day
            earlier += (own - calendar.slot(earlier) + 12) % 24 - 12  # the clocks may have been changed since
            if first is None or earlier <= first or found == _DATES:  # the first hour need not be whole
                return
            slot = calendar.slot(earlier)
            if (slot == own or (any_day and slot % 24 == own % 24)) and (known := self._volume(earlier)):
                found += 1
                yield known

    def _volume(self, hour: int) -> Volume | None:
        """Return what is known of an hour; None: it is older than what is kept of its like."""
        known = self._reference.volumes.get(UTC_CALENDAR.slot(hour), ())
        if len(known) >= _DATES and hour < known[0].hour:
            return None
        return next((each for each in known if each.hour == hour), Volume(hour, 0, 0))


def _of_day(days: TenantDays, hour: int) -> int:
    at_ms = hour * HOUR_MS
    return 24 * days.zones_before(at_ms) + days.calendar(at_ms).slot(hour) % 24


def _grown(total: Sums, hours: list[Hour]) -> Sums:
    for each in hours:
        if each.hour % (24 * _MEMORY_DAYS) == 0:
            total = total.halved()
        total = total.plus(each.sums)
    return total
