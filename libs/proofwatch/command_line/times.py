"""Times on the command line: ISO 8601, so long ago (90m), or so long from now (+10m)."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from proofwatch.instants import ms_of
from proofwatch.scorefile.times import zone_of

_RELATIVE: Final = re.compile(r"(\+?)(\d{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Return the time, in UTC where it names no zone. Raises `ArgumentTypeError`."""
    return in_zone(typed_time(text), None)


def moment_ms(text: str) -> int:
    """Return the same as milliseconds since the Unix epoch. Raises `ArgumentTypeError`."""
    return ms_of(moment(text))


def zoned_moment_ms(text: str) -> int:
    """Return the same of a time that names its zone, as one must that others sign for. Raises `ArgumentTypeError`."""
    found = typed_time(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no zone; right is {text}Z for UTC, or {text}+01:00")
    return ms_of(found)


def in_zone(found: datetime, zone: str | None) -> datetime:
    """Return the instant in UTC of a time that was typed; where it names no zone, by the clock of `zone`.

    Of an hour that the clock showed twice the first is taken.
    """
    return (found if found.tzinfo else found.replace(tzinfo=zone_of(zone) if zone else UTC)).astimezone(UTC)


def typed_time(text: str) -> datetime:
    """Return the time, without a zone where it names none; a date is its midnight. Raises `ArgumentTypeError`."""
    try:
        if relative := _RELATIVE.fullmatch(text):
            distance = timedelta(**{_UNITS[relative[3]]: int(relative[2])})
            now = datetime.now(UTC)
            return now + distance if relative[1] else now - distance
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        msg = (
            f"{text!r} is no ISO 8601 time such as 2026-01-15T08:00:00Z, nor 90m (so long ago) or +10m (from now), "
            "with s, m, h or d"
        )
        raise argparse.ArgumentTypeError(msg) from None
