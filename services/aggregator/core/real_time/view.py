"""What a minute of one hour is compared with: what a tenant usually does, as far as it was known an hour before."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final

from proofwatch.biometrics.intervals import wilson
from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.real_time.begun import FIRST_HOURS, Begun
from services.aggregator.core.real_time.hours import Rate, Sums, Volume
from services.aggregator.core.real_time.minute import Check, Scores
from services.aggregator.core.real_time.reference import (
    DATES,
    MATURE_HOURS,
    MEMORY_DAYS,
    RECENT_HOURS,
    Reference,
    grown,
    of_day,
    since,
)
from services.aggregator.core.real_time.shape import Shape
from services.aggregator.core.times import HOUR_MS

_OTHER_DAYS: Final = 4
"""What is known of days of another kind, or of other holidays, is expected to a quarter."""
_OF_FREE_DAYS: Final = 20
"""Of what free days have at least, a named holiday is expected to have a twentieth."""
_KNOWN: Final = 20
"""Failures from which on a rate is known well enough that none is a finding."""


class View:
    """What a minute of one hour is compared with."""

    def __init__(
        self,
        reference: Reference,
        hour: int,
        days: TenantDays,
        anew: Begun = MappingProxyType({}),
        expected: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """`hour`: since 1970; hours of the day, and which days are free, are those of `days`.

        `anew`: metrics of which nothing in the totals counts, and the first hour that does. `expected`: the policy's
        rates.
        """
        self._anew = anew
        self._policy = expected
        self._sums: dict[str, Sums] = {}
        self.hour = hour
        self.days = days
        self.reference = reference
        self.mature = reference.mature(hour)
        self.total = grown(reference.total, self.mature)
        self._least: dict[int, float | None] = {}
        self._named: dict[int, bool] = {}
        self._shapes: dict[Check, Shape] = {}
        self._expected: dict[str, float | None] = {}

    def scores(self, check: Check) -> Scores:
        """Return the scores of a check, as far as they tell how scores are distributed."""
        sums = self._of(f"{check}_score")
        return sums.match if check == "match" else sums.liveness

    def asked(self, check: Check) -> Scores:
        """Return the scores of a check, as far as they tell how many are missing."""
        sums = self._of("fta_rate")
        return sums.match if check == "match" else sums.liveness

    def rate(self, metric: str) -> Rate:
        """Return how many failed; while too little is known since a governed marker, of what was before it too."""
        own = self._of(metric).rate(metric)
        return self.total.rate(metric) if own.k < _KNOWN and self.stands_in(metric) else own

    def stands_in(self, metric: str) -> bool:
        """Return whether a rate began anew within the last week, so that what was before it may stand in."""
        first = self._anew.get(metric, self.reference.begun.get(metric))
        began = self.reference.first_hour
        return first is not None and began is not None and began < first and self.hour - first < FIRST_HOURS

    def _of(self, metric: str) -> Sums:
        if metric not in self._sums:
            first, known = self._anew.get(metric), self.reference.apart.get(metric)
            if first is not None:
                self._sums[metric] = grown(Sums(), since(self.mature, first))
            else:
                self._sums[metric] = self.total if known is None else grown(known, self.mature)
        return self._sums[metric]

    def shape(self, check: Check) -> Shape:
        """Return how the scores of a check are usually distributed."""
        if check not in self._shapes:
            self._shapes[check] = self.reference.shape(check, self.mature, self._anew.get(f"{check}_score"))
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
            return self._before(metric)
        known = {} if metric in self._anew else self.reference.by_hour
        of_hour = known.get(of_day(self.days, self.hour), Sums()).rate(metric)
        low = wilson(seen.k, seen.n)[0]
        return min(low, wilson(of_hour.k, of_hour.n)[0]) if of_hour.k >= _KNOWN else low / 2

    def _before(self, metric: str) -> float | None:
        """Return half of the least of what was usual before a governed marker, and what the policy expects."""
        known = self.total.rate(metric)
        if known.k < _KNOWN or not self.stands_in(metric):
            return None
        return min(wilson(known.k, known.n)[0], self._policy.get(metric, 1.0)) / 2

    def _without_the_worst(self, metric: str) -> Rate:
        """Return the rate of the last two days without the quarter of their hours in which it was highest.

        An incident that is over must not make its end look like one.
        """
        last = self.hour - MATURE_HOURS - 1  # one less than mature: those are absorbed whenever it is looked at
        first = max(last - RECENT_HOURS + 1, self._anew.get(metric, 0))
        hours = [each.rates[metric] for each in self.reference.recent if first <= each.hour <= last]
        ordered = sorted([each for each in hours if each.n], key=lambda each: each.k / each.n)
        kept = ordered[: len(ordered) - (len(ordered) + 3) // 4]
        return Rate(sum([each.k for each in kept]), sum([each.n for each in kept]))

    def seen(self, hour: int) -> bool:
        """Return whether the hour of an earlier date of the same class of day is known."""
        return next(self._dates(hour), None) is not None

    def rests(self, hour: int) -> bool:
        """Return whether the hour lies on a holiday that the tenant's calendar names."""
        if hour not in self._named:
            calendar = self.days.calendar(hour * HOUR_MS)
            self._named[hour] = calendar.day(hour * HOUR_MS).number in calendar.holidays
        return self._named[hour]

    def unlike(self, hour: int) -> bool:
        """Return whether the hour lies on a named holiday, and no earlier one tells how much comes on such a day."""
        return self.rests(hour) and not any(self.rests(each.hour) for each in self._dates(hour))

    def least_per_hour(self, hour: int) -> float | None:
        """Return how many transactions an hour has at least; None: no such hour was seen. What happened twice is usual.

        It is the least of the hour and those beside it: who opens at half past eight has none in half of that hour, and
        in Kolkata midnight is in the middle of one. Of a class of day that is new, the other one tells, of which a
        quarter is expected. Of a named holiday earlier ones tell, of which a quarter is expected, for no two are alike;
        else free days, of which a twentieth is. Of other days holidays tell nothing. Not more than 20 hours behind the
        newest minute, so that the dates before it are complete.
        """
        own = self._least_of(hour)
        if own is None:
            return None
        beside = [self._least_of(hour - 1), self._least_of(hour + 1)]
        return min([own, *(each for each in beside if each is not None)])

    def _least_of(self, hour: int) -> float | None:
        if hour not in self._least:
            self._least[hour] = self._least_of_holidays(hour) if self.rests(hour) else self._counted_least(hour)
        return self._least[hour]

    def _least_of_holidays(self, hour: int) -> float | None:
        earlier = [each.transactions for each in self._dates(hour) if self.rests(each.hour)]
        if earlier:
            return min(earlier) / _OTHER_DAYS
        least = self._counted_least(hour)
        return None if least is None else least / _OF_FREE_DAYS

    def _counted_least(self, hour: int) -> float | None:
        seen = sorted(each.transactions for each in self._dates(hour) if not self.rests(each.hour))
        if not seen:
            known = [each.transactions for each in self._dates(hour, any_day=True) if not self.rests(each.hour)]
            return min(known) // _OTHER_DAYS if known else None
        return seen[1] if len(seen) >= DATES - 1 else seen[0]

    @cached_property
    def most_in_block(self) -> int | None:
        """Return how many transactions five minutes of this hour have at most; None: too few dates were seen."""
        seen = sorted(each.peak for each in self._dates(self.hour))
        return seen[-2] if len(seen) >= DATES - 1 else None

    def _dates(self, hour: int, *, any_day: bool = False) -> Iterator[Volume]:
        """Yield the hour of earlier dates, the latest first: eight of the same class of day, or whatever is known.

        Classes and hours are those of the tenant's calendar at that hour, for the dates before it too.
        """
        first, found = self.reference.first_hour, 0
        calendar = self.days.calendar(hour * HOUR_MS)
        own = calendar.slot(hour)
        for day in range(1, MEMORY_DAYS + 1):
            earlier = hour - 24 * day
            earlier += (own - calendar.slot(earlier) + 12) % 24 - 12  # the clocks may have been changed since
            if first is None or earlier <= first or found == DATES:  # the first hour need not be whole
                return
            slot = calendar.slot(earlier)
            if (slot == own or (any_day and slot % 24 == own % 24)) and (known := self._volume(earlier)):
                found += 1
                yield known

    def _volume(self, hour: int) -> Volume | None:
        """Return what is known of an hour; None: it is older than what is kept of its like."""
        known = self.reference.volumes.get(UTC_CALENDAR.slot(hour), ())
        if len(known) >= DATES and hour < known[0].hour:
            return None
        return next((each for each in known if each.hour == hour), Volume(hour, 0, 0))
