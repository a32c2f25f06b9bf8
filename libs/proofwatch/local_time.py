"""Instants as people read them: by the clock of a tenant's time zone, which is said. What programs read stays UTC."""

from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UTC: Final = frozenset({"UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "UCT", "Etc/UCT", "Universal", "Etc/Universal"})


def minute(at: datetime, zone: str | None = None) -> str:
    """Return the minute, such as "2026-11-26 14:20 Asia/Kolkata (UTC+5:30)"; no zone, or none that is known: in UTC.

    Raises `OverflowError` outside of the years 1 to 9999.
    """
    return f"{clock(at, zone)} {zone_words(at, zone)}"


def clock(at: datetime, zone: str | None = None) -> str:
    """Return the same without the zone, for where it is said once for many. Raises as `minute` does."""
    return f"{local(at, zone):%Y-%m-%d %H:%M}"


def second(at: datetime, zone: str | None = None) -> str:
    """Return the second, such as "2026-11-26 14:20:07 Asia/Kolkata (UTC+5:30)". Raises as `minute` does."""
    return f"{local(at, zone):%Y-%m-%d %H:%M:%S} {zone_words(at, zone)}"


def zone_words(at: datetime, zone: str | None = None) -> str:
    """Return a zone with its distance from UTC at an instant: "UTC", or "Asia/Kolkata (UTC+5:30)"."""
    offset = local(at, zone).utcoffset()
    if zone is None or zone in _UTC or _zone(zone) is None or offset is None:
        return "UTC"
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    distance = f"{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}" if minutes else ""
    return f"{zone} (UTC{distance})"


def local(at: datetime, zone: str | None = None) -> datetime:
    """Return the instant with the clock of a zone. Raises as `minute` does."""
    return at.astimezone(_zone(zone) or UTC if zone else UTC)


@cache
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # of another edition of the database: the minute is told all the same
