"""The days of one tenant as its calendar changes: which day an instant belongs to, by one rule for every process.

A calendar that is activated takes over at the end of the day, by the calendar before it, on which it has been in force
for an hour. That day ends as it began. The date after it may be shorter or longer (from UTC to Berlin 23 hours, to New
York 29), and from the next one on days begin by the new calendar. So days join without a hole or an overlap, each date
has one day, and no day changes that has begun: what is needed to know a day is in the log an hour before it begins.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from proofwatch.governance.calendar import UTC_CALENDAR, Calendar, Days, LocalDay, LocalHour

SETTLED_MS: Final = 3_600_000
"""More than an event may be ahead of its record (`max_ahead_seconds`), so that its day is known when it is read."""
_BEFORE_ALL: Final = -(10**18)
_KEPT: Final = 5_000


class _Era(NamedTuple):
    """`calendar` holds from `from_ms` on, which is when the day numbered `first` begins."""

    from_ms: int
    first: int
    calendar: Calendar


class TenantDays(Days):
    """What `Calendar` answers, of a tenant whose calendar changes; UTC until the first one is in force."""

    def __init__(self, activated: Iterable[tuple[int, Calendar]] = (), since_ms: int = 0) -> None:
        """`activated`: from when on a calendar is in force (ms since 1970), ascending.

        `since_ms`: before that days were counted in UTC, whatever was in force.
        """
        super().__init__(_KEPT)
        self._eras = [_Era(_BEFORE_ALL, _BEFORE_ALL, UTC_CALENDAR)]
        for at_ms, calendar in activated:
            settled_ms = max(at_ms + SETTLED_MS, since_ms - 1)
            while self._eras[-1].from_ms > settled_ms:  # another of the same day: the last one counts
                self._eras.pop()
            if self._eras[-1].calendar != calendar:
                self._known.clear()
                last = self.day(settled_ms)
                self._eras.append(_Era(last.end_ms, last.number + 1, calendar))
        self._known.clear()

    def hour(self, at_ms: int) -> LocalHour:
        """Return the hour of the local clock at an instant."""
        return self.calendar(at_ms).hour(at_ms)

    def calendar(self, at_ms: int) -> Calendar:
        """Return the calendar by which the day of an instant is told."""
        return self._era_at(at_ms).calendar

    def since_ms(self, at_ms: int) -> int:
        """Return from when on the calendar of an instant has held, without another; long before 1970 for the first."""
        return self._era_at(at_ms).from_ms

    def zones_before(self, at_ms: int) -> int:
        """Return how often the time zone had changed by an instant."""
        found = self._eras[: bisect_right(self._eras, at_ms, key=attrgetter("from_ms"))]
        return sum(a.calendar.zone != b.calendar.zone for a, b in pairwise(found)) if len(found) > 1 else 0

    def _numbered(self, number: int) -> LocalDay:
        free = self._era_of(number).calendar.free(number)
        return LocalDay(self._start_ms(number), self._start_ms(number + 1), number, free)

    def _era_at(self, at_ms: int) -> _Era:
        last = self._eras[-1]
        if at_ms >= last.from_ms:
            return last
        return self._eras[bisect_right(self._eras, at_ms, key=attrgetter("from_ms")) - 1]

    def _era_of(self, number: int) -> _Era:
        return self._eras[bisect_right(self._eras, number, key=attrgetter("first")) - 1]

    def _start_ms(self, number: int) -> int:
        era = self._era_of(number)
        return era.from_ms if number == era.first else max(era.from_ms, era.calendar.numbered(number).start_ms)


UTC_DAYS: Final = TenantDays()
"""Of a tenant of whose calendar nothing is known."""
