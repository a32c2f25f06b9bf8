"""Instants of events as milliseconds since the Unix epoch, and back."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def ms_of(instant: datetime) -> int:
    """Return the milliseconds since the Unix epoch, rounded down; exact for every representable instant."""
    return (instant - _EPOCH) // _MS


def instant_of(ms: int) -> datetime:
    """Return the instant, in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)
