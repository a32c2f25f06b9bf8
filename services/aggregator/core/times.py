"""Milliseconds since the Unix epoch, and the moments they stand for."""

from datetime import UTC, datetime, timedelta
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
SECOND_MS: Final = 1000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
MICROSECONDS: Final = 1000
"""In a millisecond, the unit of timings and of their sums on the wire."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return the whole milliseconds from the epoch to an aware moment, rounded down; negative before 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds: int) -> datetime:
    """Return the moment in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
