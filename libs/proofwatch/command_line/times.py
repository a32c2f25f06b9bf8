"""Times on the command line: ISO 8601, so long ago (90m), or so long from now (+10m)."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from proofwatch.instants import ms_of

_RELATIVE: Final = re.compile(r"(\+?)(\d{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Return the time, in UTC where it names no zone. Raises `ArgumentTypeError`."""
    found = _time(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment_ms(text: str) -> int:
    """Return the same as milliseconds since the Unix epoch. Raises `ArgumentTypeError`."""
    return ms_of(moment(text))


def zoned_moment_ms(text: str) -> int:
    """Return the same of a time that names its zone, as one must that others sign for. Raises `ArgumentTypeError`."""
    found = _time(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no zone; right is {text}Z for UTC, or {text}+01:00")
    return ms_of(found)


def _time(text: str) -> datetime:
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
