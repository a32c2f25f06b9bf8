"""Times as people's files have them. A time that can be read in two ways is not read: `Unreadable` says why.

`datetime.fromisoformat` is not asked alone: it takes "1772083112345" for the year 1772 and "2026-W10" for a Monday.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from proofwatch.instants import EPOCH, instant_of_us

EPOCHS: Final = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}
"""Names of counts since 1970-01-01T00:00:00Z, and how many of them make a second."""
ISO: Final = "iso"
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?", re.IGNORECASE
)
_COUNT: Final = re.compile(r"(\d+)(?:\.(\d{1,9}))?")
_BY_DIGITS: Final = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us", 19: "epoch_ns"}
"""Whole digits of a count in the years 2001 to 2286, in which no two units have equally many."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DELAY: Final = re.compile(r"(\d{1,5})([dhm])")
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
LONGEST_DELAY: Final = timedelta(days=3_653)
_TRIED: Final = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_LAST: Final = datetime(9998, 1, 1, tzinfo=UTC)

RIGHT: Final = "write 2026-03-04T10:00:00Z, or say time_format in a mapping"


class Unreadable(ValueError):
    """The cell holds no time that is understood in one way only; the message says what is wrong, never the cell."""


class Times:
    """Reads times in one form, or in several: `iso`, those of `EPOCHS`, patterns such as "%d.%m.%Y %H:%M:%S".

    None: ISO 8601 with a day, or a count since 1970 whose unit shows by its number of digits; each time by itself, as
    files put together from two exports have them. Of several forms a time must fit one only, or mean the same in all
    that it fits. `zone` is for times that name none. `forms` counts the times read, by form.

    Of an hour that a zone's clocks showed twice the first is taken (`twice` counts such times); one that they never
    showed is as long after the clocks were put forward as it says (`never`).
    """

    def __init__(self, time_format: str | Sequence[str] | None = None, zone: tzinfo = UTC) -> None:
        named = (time_format,) if isinstance(time_format, str) else tuple(time_format or ())
        self.time_formats = tuple(dict.fromkeys(named))
        self.zone = zone
        self.forms: Counter[str] = Counter()
        self.without_zone = self.twice = self.never = 0
        self._units = tuple(form for form in named if form in EPOCHS)

    def read(self, text: str) -> datetime:
        """Return the moment, with its zone. Raises `Unreadable`."""
        moment, form = self._several(text) if len(self.time_formats) > 1 else self._read(text)
        if moment.tzinfo is None:
            moment = self._in_zone(moment)
        if not EPOCH <= moment < _LAST:
            raise Unreadable("lies outside the years 1970 to 9997")
        self.forms[form] += 1
        return moment

    def _in_zone(self, moment: datetime) -> datetime:
        """Return the instant of a time that names no zone: of two, the first."""
        self.without_zone += 1
        if self.zone is UTC:
            return moment.replace(tzinfo=UTC)
        first = moment.replace(tzinfo=self.zone)
        try:
            ahead, behind = first.utcoffset(), first.replace(fold=1).utcoffset()
            found = first.astimezone(UTC)
        except OverflowError:
            raise Unreadable("lies outside the years 1970 to 9997") from None
        if ahead is not None and behind is not None:
            self.twice += ahead > behind
            self.never += ahead < behind
        return found

    def _read(self, text: str) -> tuple[datetime, str]:
        form = self.time_formats[0] if self.time_formats else None
        if form is None or form == ISO:
            if (moment := _iso(text)) is not None:
                return moment, ISO
            count = _COUNT.fullmatch(text) if form is None else None
            if count is None:
                raise Unreadable("is no ISO 8601 time")
            unit = _BY_DIGITS.get(len(count[1]))
            if unit is None:
                raise Unreadable("is a number whose unit does not show")
            return _counted(count, unit), unit
        if form in EPOCHS:
            if (count := _COUNT.fullmatch(text)) is None:
                raise Unreadable(f"is no {form.replace('_', ' in ')}")
            return _counted(count, form), form
        if (moment := _fitting(text, form)) is None:
            raise Unreadable("does not fit time_format")
        return moment, form

    def _several(self, text: str) -> tuple[datetime, str]:
        """Return what the time means in the forms that it fits."""
        found: dict[datetime, tuple[datetime, str]] = {}
        for form in self.time_formats:
            moment = _iso(text) if form == ISO else None if form in EPOCHS else _fitting(text, form)
            if moment is not None:
                self._note(found, moment, form)
        count = _COUNT.fullmatch(text) if self._units else None
        unit = None
        if count is not None:
            unit = self._units[0] if len(self._units) == 1 else _BY_DIGITS.get(len(count[1]))
            if unit in self._units:
                self._note(found, _counted(count, unit), unit)
        if len(found) > 1:
            raise Unreadable("can be read in two of the forms of time_format")
        if not found:
            shows = count is None or unit in self._units
            raise Unreadable("fits no form of time_format" if shows else "is a number whose unit does not show")
        return next(iter(found.values()))

    def _note(self, found: dict[datetime, tuple[datetime, str]], moment: datetime, form: str) -> None:
        """Keep a meaning that lies within the years that count."""
        meant = moment.replace(tzinfo=self.zone) if moment.tzinfo is None else moment
        if EPOCH <= meant < _LAST:
            found.setdefault(meant, (moment, form))


def delay(value: object) -> timedelta:
    """Return a length of time such as 3d, 12h or 30m. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _DELAY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a length of time such as 3d, 12h or 30m")
    length = int(found[1]) * _UNITS[found[2]]
    if length > LONGEST_DELAY:
        raise ValueError(f"must be at most {LONGEST_DELAY.days} days")
    return length


def later(moment: datetime, length: timedelta) -> datetime:
    """Return a moment so much later, or the moment where no such time exists."""
    return moment + length if moment < _LAST - length else moment


def last_moment(moment: datetime, text: str) -> datetime:
    """Return the end of the day where a time is a day alone: something was known by then."""
    return later(moment, timedelta(days=1)) if _DAY.fullmatch(text) else moment


def form_said(form: str) -> str:
    """Return a form in words."""
    return "in ISO 8601" if form == ISO else f"since 1970 in {form[6:]}" if form in EPOCHS else f"as {form}"


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("time_zone must be a name such as Europe/Berlin or UTC") from None


def check_format(time_format: str) -> str:
    """Return the format if it can be used. Raises ValueError."""
    if time_format in EPOCHS or time_format == ISO:
        return time_format
    try:
        there = _TRIED.strftime(time_format) if "%" in time_format else ""
        back = datetime.strptime(there, time_format)  # noqa: DTZ007 - only its day is looked at
        good = back.date() == _TRIED.date()
    except ValueError:
        good = False
    if not good:
        named = ", ".join((ISO, *EPOCHS))
        raise ValueError(f"time_format must be {named} or a pattern with day, month and year such as %d.%m.%Y %H:%M:%S")
    return time_format


def _fitting(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - `read` gives it the zone of the file
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, clock, offset = found.groups()
    offset = "+00:00" if offset and offset.upper() in ("Z", "UTC") else offset or ""
    try:
        return datetime.fromisoformat(f"{day}T{clock.replace(',', '.')}{offset}" if clock else day)
    except ValueError:
        return None


def _counted(count: re.Match[str], unit: str) -> datetime:
    whole, fraction = int(count[1]), count[2] or ""
    try:
        micros = whole * 1_000_000 // EPOCHS[unit] + int(fraction.ljust(6, "0")[:6] or 0) // EPOCHS[unit]
        return instant_of_us(micros)
    except OverflowError:
        raise Unreadable("lies outside the years 1970 to 9997") from None
