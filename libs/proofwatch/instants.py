"""Instants as counts since the Unix epoch, and back: exact for every instant that Python can name, down to the unit.

Not by way of seconds as a float, which has no room for microseconds far from 1970.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)


def ms_of(instant: datetime) -> int:
    """Return the whole milliseconds from the epoch to an aware instant, rounded down; negative before 1970."""
    return (instant - EPOCH) // _MILLISECOND


def us_of(instant: datetime) -> int:
    """Return the microseconds from the epoch to an aware instant; negative before 1970."""
    return (instant - EPOCH) // _MICROSECOND


def instant_of(ms: int) -> datetime:
    """Return the instant, in UTC, that lies so many milliseconds after the epoch. Raises `OverflowError`."""
    return EPOCH + timedelta(milliseconds=ms)


def instant_of_us(us: int) -> datetime:
    """Return the instant, in UTC, that lies so many microseconds after the epoch. Raises `OverflowError`."""
    return EPOCH + timedelta(microseconds=us)
