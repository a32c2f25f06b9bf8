"""A calendar on the command line: a time zone, and the days of rest of tenants that nobody governs."""

import argparse
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from proofwatch.governance.calendar import SATURDAY_AND_SUNDAY, WEEKDAYS, Calendar, Weekday, calendar_of
from proofwatch.scorefile.times import zone_of

_NOBODY_RESTS: Final = "none"
_MOST_HOLIDAYS: Final = 10_000


class _Calendar(msgspec.Struct):
    time_zone: str


class _Summary(msgspec.Struct):
    calendar: _Calendar


_summary = msgspec.json.Decoder(_Summary).decode


def zone_of_run(directory: Path) -> str | None:
    """Return the time zone of the tenants of a demo or replay by its folder, if it says so; None: UTC."""
    try:
        return _summary((directory / "summary.json").read_bytes()).calendar.time_zone
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def add_time_zone(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare --time-zone; `what` is read or written in it."""
    parser.add_argument("--time-zone", type=time_zone, metavar="ZONE", help=f"such as Asia/Kolkata: {what}")


def add_weekend(parser: argparse.ArgumentParser) -> None:
    """Declare --weekend."""
    parser.add_argument(
        "--weekend", type=weekend, default=SATURDAY_AND_SUNDAY, metavar="DAYS",
        help="days of rest, such as friday,saturday, or none (saturday,sunday)",
    )  # fmt: skip


def add_holidays(parser: argparse.ArgumentParser) -> None:
    """Declare --holidays."""
    parser.add_argument(
        "--holidays", type=holidays, default=(), metavar="FILE|DATES",
        help="dates that are no working days, such as 2026-09-23,2026-12-25, or a file of them, one a line (none)",
    )  # fmt: skip


def calendar_in(args: argparse.Namespace) -> Calendar:
    """Return the calendar that the arguments say; UTC where they name no zone."""
    return calendar_of(args.time_zone or "UTC", args.weekend, args.holidays)


def time_zone(text: str) -> str:
    """Return the name of a time zone. Raises `ArgumentTypeError`."""
    try:
        zone_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone; right is Europe/Berlin or UTC") from None
    return text


def weekend(text: str) -> tuple[Weekday, ...]:
    """Return days of the week in their order. Raises `ArgumentTypeError`."""
    named = [] if text == _NOBODY_RESTS else [each.strip().lower() for each in text.split(",")]
    if wrong := [each for each in named if each not in WEEKDAYS]:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is no day of the week; right is friday,saturday or none")
    return tuple(each for each in WEEKDAYS if each in named)


def holidays(text: str) -> tuple[date, ...]:
    """Return dates in their order, each once: those typed, or those of a file. Raises `ArgumentTypeError`.

    In a file each line has one; what follows a # is a remark.
    """
    file = Path(text)
    try:
        typed = [each.strip() for each in text.split(",")] if _is_date(text.split(",")[0]) else None
        lines = file.read_text("utf-8").splitlines() if typed is None else typed
    except (OSError, UnicodeDecodeError, ValueError):
        right = "right is 2026-09-23,2026-12-25, or a file with one such date a line"
        raise argparse.ArgumentTypeError(f"{text!r} is neither dates nor a file that can be read; {right}") from None
    found: set[date] = set()
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        if not _is_date(said):
            where = "" if typed is not None else f"{text}, line {number}: "
            raise argparse.ArgumentTypeError(f"{where}{said!r} is no date; right is 2026-09-23")
        found.add(date.fromisoformat(said))
    if len(found) > _MOST_HOLIDAYS:
        raise argparse.ArgumentTypeError(f"{text}: has {len(found):,} dates; at most {_MOST_HOLIDAYS:,} are right")
    return tuple(sorted(found))


def _is_date(text: str) -> bool:
    said = text.strip()
    try:
        return date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False
