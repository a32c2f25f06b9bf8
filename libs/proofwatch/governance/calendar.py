"""A tenant's calendar: its days, hours and free days, as instants of UTC. Pure; the IANA database is its only source.

A local day begins at the first instant whose local date is its own or a later one. So days join without a hole and
without an overlap whatever the clocks do: 23 and 25 hours where they change, also at midnight (Santiago, Cairo), 24.5
on Lord Howe, none at all where a zone skipped a date (Apia, 30 December 2011: its day is empty).

Bounds lie on whole five minutes of UTC, for days are summed from windows of that length; what does not is rounded up.
That is local mean time, in force nowhere since Monrovia left it in January 1972.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)
SATURDAY_AND_SUNDAY: Final[tuple[Weekday, ...]] = ("saturday", "sunday")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY: Final = 3  # a Thursday; Monday is 0
_DAY_S: Final = 86_400
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_GRID_S: Final = 300
_FARTHEST_S: Final = 16 * 3_600
"""No zone was ever farther from UTC (Manila and Alaska, local mean time)."""
_EARLIEST_S: Final = -62_000_000_000
_LATEST_S: Final = 253_000_000_000
"""Within what `datetime` can name in every zone: the years 5 to 9987. Beyond, the offset is that of the bound."""
_KEPT: Final = 20_000
"""Days in memory for each zone, a century twice: a file with absurd times must not fill it."""


class LocalDay(NamedTuple):
    """One day: [start, end) in ms since 1970, its date as days since 1970, and whether it is a weekend or holiday."""

    start_ms: int
    end_ms: int
    number: int
    free: bool

    @property
    def date(self) -> date:
        """Return the local date."""
        return date.fromordinal(_EPOCH_DAY + self.number)


class LocalHour(NamedTuple):
    """An hour of a local clock: 0 to 23, and when it began (ms since 1970); one that the clocks repeat begins twice."""

    hour: int
    start_ms: int


class _Zone:
    """The days of a time zone, each found once; whoever has another weekend in the same zone shares them."""

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)
        self._starts: dict[int, int] = {}
        self._offsets: dict[int, tuple[list[int], list[int]]] = {}

    def start_ms(self, number: int) -> int:
        """Return when the day begins, in ms since 1970."""
        found = self._starts.get(number)
        if found is None:
            if len(self._starts) >= _KEPT:
                self._starts.clear()
            found = self._starts[number] = self._first_s(number) * 1000
        return found

    def hour(self, number: int, at_ms: int) -> LocalHour:
        """Return the hour of an instant that lies on this day."""
        found = self._offsets.get(number)
        if found is None:
            if len(self._offsets) >= _KEPT:
                self._offsets.clear()
            pieces = self._pieces(self.start_ms(number) // 1000, self.start_ms(number + 1) // 1000)
            found = self._offsets[number] = [at * 1000 for at, _ in pieces], [offset * 1000 for _, offset in pieces]
        changes, offsets = found
        piece = bisect_right(changes, at_ms) - 1
        local_ms = (at_ms + offsets[piece]) % _DAY_MS
        began_ms = at_ms - local_ms % _HOUR_MS
        return LocalHour(local_ms // _HOUR_MS, max(began_ms, changes[piece]) if piece else began_ms)

    def _first_s(self, number: int) -> int:
        local_s = number * _DAY_S
        pieces = self._pieces(local_s - _FARTHEST_S, local_s + _FARTHEST_S)
        ends = [*(at for at, _ in pieces[1:]), local_s + _FARTHEST_S + 1]
        firsts = (max(at, local_s - offset) for at, offset in pieces)
        first = next(first for first, end in zip(firsts, ends, strict=True) if first < end)
        return -(-first // _GRID_S) * _GRID_S

    def _pieces(self, from_s: int, to_s: int) -> list[tuple[int, int]]:
        """Return from when on which offset holds; at most one change in half of the time, as everywhere until now."""
        middle = (from_s + to_s) // 2
        found = [(from_s, self._offset_s(from_s))]
        for low, high in ((from_s, middle), (middle, to_s)):
            before, after = self._offset_s(low), self._offset_s(high)
            if before != after:
                while high - low > 1:
                    between = (low + high) // 2
                    low, high = (between, high) if self._offset_s(between) == before else (low, between)
                found.append((high, after))
        return found

    def _offset_s(self, at_s: int) -> int:
        instant = _EPOCH + timedelta(seconds=min(max(at_s, _EARLIEST_S), _LATEST_S))
        offset = instant.astimezone(self._zone).utcoffset()
        assert offset is not None
        return offset // timedelta(seconds=1)


_zone = lru_cache(maxsize=None)(_Zone)  # there are some six hundred


class Days(ABC):
    """Days that join without a hole or an overlap, one for each date. What was asked for is kept."""

    def __init__(self, kept: int) -> None:
        """`kept`: days in memory at most."""
        self._kept = kept
        self._known: dict[int, LocalDay] = {}

    @abstractmethod
    def _numbered(self, number: int) -> LocalDay: ...

    def day(self, at_ms: int) -> LocalDay:
        """Return the day to which an instant belongs (ms since 1970)."""
        number = at_ms // _DAY_MS
        day = self._known.get(number) or self.numbered(number)
        while at_ms < day.start_ms:
            day = self.numbered(day.number - 1)
        while at_ms >= day.end_ms:
            day = self.numbered(day.number + 1)
        return day

    def numbered(self, number: int) -> LocalDay:
        """Return the day of the date so many days after 1970-01-01; it is empty where the date was skipped."""
        known = self._known.get(number)
        if known is None:
            if len(self._known) >= self._kept:
                self._known.clear()
            known = self._known[number] = self._numbered(number)
        return known


class Calendar(Days):
    """Time zone, weekend and holidays. Two with the same are equal; take them from `calendar_of`, which keeps them."""

    def __init__(
        self, zone: str = "UTC", weekend: Iterable[Weekday] = SATURDAY_AND_SUNDAY, holidays: Iterable[date] = ()
    ) -> None:
        """`holidays`: local dates. Raises what `ZoneInfo` raises of a zone that does not exist."""
        super().__init__(_KEPT)
        self.zone = zone
        self.weekend = frozenset(WEEKDAYS.index(each) for each in weekend)
        self.holidays = frozenset(each.toordinal() - _EPOCH_DAY for each in holidays)
        self._days = _zone(zone)
        self._slots: dict[int, int] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(self._settings)

    def __repr__(self) -> str:
        return f"Calendar{self._settings}"

    def _numbered(self, number: int) -> LocalDay:
        return LocalDay(self._days.start_ms(number), self._days.start_ms(number + 1), number, self.free(number))

    def free(self, number: int) -> bool:
        """Return whether the day is a weekend or holiday, and no working day."""
        return (number + _EPOCH_WEEKDAY) % 7 in self.weekend or number in self.holidays

    def hour(self, at_ms: int) -> LocalHour:
        """Return the hour of the local clock at an instant."""
        return self._days.hour(self.day(at_ms).number, at_ms)

    def slot(self, hour: int) -> int:
        """Return 24 × (1 on a free day) + the local hour, at the start of an hour of UTC counted from 1970."""
        known = self._slots.get(hour)
        if known is None:
            if len(self._slots) >= _KEPT:
                self._slots.clear()
            day = self.day(hour * _HOUR_MS)
            known = self._slots[hour] = 24 * day.free + self._days.hour(day.number, hour * _HOUR_MS).hour
        return known

    @cached_property
    def _settings(self) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
        return self.zone, tuple(sorted(self.weekend)), tuple(sorted(self.holidays))


@lru_cache(maxsize=20_000)
def calendar_of(
    zone: str = "UTC", weekend: tuple[Weekday, ...] = SATURDAY_AND_SUNDAY, holidays: tuple[date, ...] = ()
) -> Calendar:
    """Return the calendar, with the days that it has found already."""
    return Calendar(zone, weekend, holidays)


UTC_CALENDAR: Final = calendar_of()
"""Of a tenant whose settings are not known: UTC, free on Saturday and Sunday."""
