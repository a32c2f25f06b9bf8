"""Working hours: the moments at which people work on cases, and time counted in them alone. Pure.

A calendar is a time zone of the IANA database, spans of its wall clock for each day of the week, and days off. Wall
clocks are set forward and back: a span that begins or ends in the hour that is left out does so at the jump; of an hour
that comes twice a span begins with the first and ends with the second, so both are worked. What is worked twice by
that, where spans meet, counts once.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST: Final = timedelta(days=3653)
"""Nobody is given longer than ten years of a calendar."""
_EXAMPLE: Final = "Europe/Berlin Mon-Fri 08:00-18:00"
_ROW: Final = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?((?: +\d\d:\d\d-\d\d:\d\d)+)", re.ASCII)
_SPAN: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta(0)

Minutes = tuple[int, int]
"""From and to, in minutes of a day's wall clock, 0 to 1,440."""
Worked = tuple[datetime, datetime]
"""From and to, in UTC."""


class Hours:
    """When people work; times that are given have an offset, and those returned are UTC."""

    def __init__(
        self, zone: ZoneInfo | None, week: Mapping[int, Sequence[Minutes]], off: frozenset[date] = frozenset()
    ) -> None:
        """`zone` None: around the clock; `week`: by day of the week, 0 is Monday; `off`: local dates without work."""
        self._zone, self._week, self._off = zone, week, off
        self._days: dict[date, tuple[Worked, ...]] = {}

    @classmethod
    def read(cls, text: str, days_off: str = "") -> "Hours":
        """Read `Europe/Berlin Mon-Thu 08:00-12:00 13:00-18:00, Fri 08:00-15:00`; nothing: around the clock.

        `days_off`: `2026-12-25,2026-12-26`. Raises `ValueError`, saying what would be right.
        """
        if not text.strip():
            if days_off.strip():
                raise ValueError(f"days off are of working hours, and there are none: give them, such as {_EXAMPLE!r}")
            return AROUND_THE_CLOCK
        name, _, rows = text.strip().partition(" ")
        return cls(_zone(name), _week(rows.strip()), _dates(days_off))

    @property
    def are_always(self) -> bool:
        """Return whether every moment counts."""
        return self._zone is None

    def can_give(self, span: timedelta) -> bool:
        """Return whether so much work is done within `LONGEST`, days off left out."""
        a_week = sum(end - begin for spans in self._week.values() for begin, end in spans)
        return self.are_always or span / timedelta(minutes=a_week) <= LONGEST / timedelta(days=7)

    def moved(self, at: datetime, work: timedelta) -> datetime:
        """Return the first moment after so much work from `at` on; of less than nothing the last one before it.

        Nothing: `at`. Raises `OverflowError` beyond the years 1 to 9999.
        """
        at = at.astimezone(UTC)
        if self.are_always or not work:
            return at + work
        left = abs(work)
        for begin, end in self._after(at) if work > _NOTHING else self._before(at):
            if end - begin >= left:
                return begin + left if work > _NOTHING else end - left
            left -= end - begin
        raise OverflowError("the years end at 9999")

    def between(self, one: datetime, other: datetime) -> timedelta:
        """Return how much is worked from one moment to another; less than nothing if the other is before it."""
        one, other = one.astimezone(UTC), other.astimezone(UTC)
        if self.are_always:
            return other - one
        if other < one:
            return -self.between(other, one)
        return sum((end - begin for begin, end in self.worked(one, other)), _NOTHING)

    def worked(self, one: datetime, other: datetime) -> list[Worked]:
        """Return when is worked from one moment to another, the earliest first; no two overlap."""
        found = list[Worked]()
        for begin, end in self._after(one.astimezone(UTC)):
            if begin >= other:
                break
            found.append((begin, min(end, other.astimezone(UTC))))
        return found

    def _after(self, at: datetime) -> Iterator[Worked]:
        day, known = at.astimezone(self._zone).date() - _DAY, at
        while True:
            for begin, end in self._of(day):
                if end > known:
                    yield max(begin, known), end
                    known = end
            day += _DAY

    def _before(self, at: datetime) -> Iterator[Worked]:
        day, known = at.astimezone(self._zone).date() + _DAY, at
        while True:
            for begin, end in reversed(self._of(day)):
                if begin < known:
                    yield begin, min(end, known)
                    known = begin
            day -= _DAY

    def _of(self, day: date) -> tuple[Worked, ...]:
        found = self._days.get(day)
        if found is None:
            spans = () if day in self._off else self._week.get(day.weekday(), ())
            made = ((self._instant(day, begin, 0), self._instant(day, end, 1)) for begin, end in spans)
            found = self._days[day] = tuple(each for each in made if each[0] < each[1])
        return found

    def _instant(self, day: date, minutes: int, fold: int) -> datetime:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        early, late = sorted(wall.replace(tzinfo=self._zone, fold=each).astimezone(UTC) for each in (0, 1))
        if early != late and early.astimezone(self._zone).replace(tzinfo=None) != wall:
            return _jump(early, late, lambda at: at.astimezone(self._zone).utcoffset())
        return late if fold else early


AROUND_THE_CLOCK: Final = Hours(None, {})


def _jump(early: datetime, late: datetime, offset: Callable[[datetime], timedelta | None]) -> datetime:
    """Return the moment between two at which a wall clock is set; to the second."""
    before = offset(early)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        early, late = (middle, late) if offset(middle) == before else (early, middle)
    return late


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # what a name can lead to: nowhere, a folder, out of the database
        msg = f"{name!r} is not a time zone of the IANA database; working hours begin with one: {_EXAMPLE!r}"
        raise ValueError(msg) from None


def _week(text: str) -> dict[int, tuple[Minutes, ...]]:
    week: dict[int, list[Minutes]] = {}
    for each in text.split(","):
        row = _ROW.fullmatch(each.strip())
        if row is None:
            msg = f"{each.strip()!r} does not say on which days of the week from when to when: {_EXAMPLE!r}"
            raise ValueError(msg)
        first, last = DAYS.index(row[1]), DAYS.index(row[2] or row[1])
        if last < first:
            raise ValueError(f"{row[1]}-{row[2]} ends before it begins: a week is Mon to Sun, so name both ends of it")
        spans = [_span(begin_end) for begin_end in _SPAN.finditer(row[3])]
        for day in range(first, last + 1):
            week.setdefault(day, []).extend(spans)
    return {day: _apart(DAYS[day], sorted(spans)) for day, spans in week.items()}


def _span(found: re.Match[str]) -> Minutes:
    begin, end = (int(found[each]) * 60 + int(found[each + 1]) for each in (1, 3))
    if int(found[2]) > 59 or int(found[4]) > 59 or end > 1440:
        raise ValueError(f"{found[0]!r} has a time that no day has: 00:00 to 24:00")
    if end <= begin:
        msg = f"{found[0]!r} ends before it begins: of a night name both days, such as Mon 22:00-24:00, Tue 00:00-06:00"
        raise ValueError(msg)
    return begin, end


def _apart(day: str, spans: Sequence[Minutes]) -> tuple[Minutes, ...]:
    if any(after[0] < before[1] for before, after in pairwise(spans)):
        raise ValueError(f"hours of {day} overlap: name each once")
    return tuple(spans)


def _dates(text: str) -> frozenset[date]:
    found = set[date]()
    for each in filter(None, map(str.strip, text.split(","))):
        try:
            found.add(datetime.strptime(each, "%Y-%m-%d").date())  # noqa: DTZ007 - a date has no zone
        except ValueError:
            raise ValueError(f"{each!r} is no day off: must be a date, such as 2026-12-25") from None
    return frozenset(found)
