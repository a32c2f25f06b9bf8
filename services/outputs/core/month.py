"""A month of a tenant's calendar: which dates it has, when it is surely over, and what was used in it. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from proofwatch.exits.standing import Days
from proofwatch.instants import ms_of

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_FARTHEST: Final = timedelta(hours=16)
"""No zone is farther from UTC: where a month's last day saw no traffic, it is over everywhere so long after it."""


class Month(NamedTuple):
    """A month by its name, such as 2026-03: `first` inclusive, `after` exclusive."""

    name: str
    first: date
    after: date

    def days(self) -> Days:
        """Return its days."""
        return Days(self.first, self.after)

    def is_last(self, day: date) -> bool:
        """Return whether a date is its last."""
        return day + timedelta(days=1) == self.after

    def over_everywhere_ms(self) -> int:
        """Return when no clock on earth shows it any more, in ms since 1970."""
        return ms_of(datetime.combine(self.after, time(), UTC) + _FARTHEST)


class Day(NamedTuple):
    """What was used on a day of the tenant: transactions that were decided, and checks that they asked for."""

    day: date
    transactions: int
    match_checks: int
    liveness_checks: int


class Usage(NamedTuple):
    """The days of a month that saw traffic; up to when the log was read (ms since 1970), and whether it was over."""

    days: Sequence[Day]
    read_until_ms: int | None
    over: bool


def month_of(text: str) -> Month:
    """Return the month of `2026-03`. Raises `ValueError`, which says what would be right."""
    found = _MONTH.fullmatch(text)
    if found is None or found[1] == "0000" or text == "9999-12":
        raise ValueError(f"{text!r} is no month; right is 2026-03")
    first = date(int(found[1]), int(found[2]), 1)
    return Month(text, first, (first + timedelta(days=31)).replace(day=1))
