"""Times of the week in a time zone: when a route is active, and when it is mute.

Wall-clock time decides: 22:00 to 06:00 is whatever lies between these readings of the clock, also in the nights in
which it is put forward or back. A span that ends before it begins goes on through midnight, and is of its first day.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_MINUTES: Final = 1440


def _minutes(text: object) -> object:
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        msg = "is no time of day: write 00:00 to 24:00, in quotes"
        raise ValueError(msg)
    return _MINUTES if found[1] is None else int(found[1]) * 60 + int(found[2])


def _weekdays(value: object) -> object:
    if not isinstance(value, str):
        return value
    days: list[int] = []
    for part in value.lower().split(","):
        first, dash, last = part.strip().partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            msg = "are no days of the week: write mon-fri, or sat,sun"
            raise ValueError(msg)
        begin = _DAYS.index(first)
        days += [(begin + n) % 7 for n in range((_DAYS.index(last or first) - begin) % 7 + 1)]
    return tuple(days)


def _date(value: object) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        msg = "is no date: write 2026-12-24, in quotes"
        raise ValueError(msg) from None


def _zone(value: object) -> object:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        msg = "is no time zone: write one of the IANA database, such as Europe/Berlin or UTC"
        raise ValueError(msg) from None


class Interval(BaseModel):
    """Certain hours of certain days, `from` included and `to` not; dates instead of weekdays are for one-time work."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    weekdays: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], BeforeValidator(_weekdays)] = tuple(range(7))
    dates: tuple[Annotated[str, BeforeValidator(_date)], ...] = ()
    begin: Annotated[int, BeforeValidator(_minutes), Field(alias="from", ge=0, le=_MINUTES)] = 0
    end: Annotated[int, BeforeValidator(_minutes), Field(alias="to", ge=0, le=_MINUTES)] = _MINUTES
    zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = ZoneInfo("UTC")

    def holds(self, at_ms: int) -> bool:
        """Return whether the moment lies within it."""
        local = datetime.fromtimestamp(at_ms / 1000, self.zone)
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end and self._day(local)
        return (minute >= self.begin and self._day(local)) or (
            minute < self.end and self._day(local - timedelta(days=1))
        )

    def _day(self, local: datetime) -> bool:
        return (local.date().isoformat() in self.dates) if self.dates else local.weekday() in self.weekdays


def within(intervals: Sequence[Interval], at_ms: int) -> bool:
    """Return whether the moment lies within any of them."""
    return any(each.holds(at_ms) for each in intervals)
