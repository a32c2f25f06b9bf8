"""Time zones, weekends and times as they are typed."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from proofwatch.command_line.calendars import add_holidays, add_time_zone, add_weekend, calendar_in
from proofwatch.command_line.times import in_zone, typed_time
from proofwatch.governance.calendar import UTC_CALENDAR, calendar_of


def parsed(*typed: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_time_zone(parser, "the clock")
    add_weekend(parser)
    add_holidays(parser)
    return parser.parse_args(typed)


def test_without_words_it_is_utc_and_saturday_and_sunday() -> None:
    """As of a tenant of which nothing is known."""
    assert calendar_in(parsed()) == UTC_CALENDAR


def test_a_zone_and_the_days_of_rest() -> None:
    """In any order and case; nobody need rest."""
    gulf = calendar_in(parsed("--time-zone", "Asia/Riyadh", "--weekend", "Saturday, friday"))
    assert gulf == calendar_of("Asia/Riyadh", ("friday", "saturday"))
    assert calendar_in(parsed("--weekend", "none")) == calendar_of("UTC", ())


def test_holidays_are_typed_or_lie_in_a_file(tmp_path: Path) -> None:
    """In any order, each once; a file may say what they are."""
    wanted = calendar_of(holidays=(date(2026, 9, 23), date(2026, 12, 25)))
    assert calendar_in(parsed("--holidays", "2026-12-25, 2026-09-23,2026-12-25")) == wanted
    file = tmp_path / "holidays.txt"
    file.write_text("# of the bank\n2026-12-25\n\n2026-09-23  # national day\n")
    assert calendar_in(parsed("--holidays", str(file))) == wanted


def test_a_bad_date_of_a_file_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what would be right."""
    file = tmp_path / "holidays.txt"
    file.write_text("2026-12-25\n23.09.2026\n")
    with pytest.raises(SystemExit):
        parsed("--holidays", str(file))
    assert "holidays.txt, line 2: '23.09.2026' is no date; right is 2026-09-23" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed",
    [
        ("--time-zone", "Mars"),
        ("--time-zone", "../x"),
        ("--weekend", "caturday"),
        ("--holidays", "2026-09-31"),
        ("--holidays", "2026-09-23,tomorrow"),
        ("--holidays", "20260923"),
        ("--holidays", "\0"),
    ],
)
def test_what_is_none_is_refused_with_what_is_right(typed: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Where it was typed."""
    with pytest.raises(SystemExit):
        parsed(*typed)
    assert "right is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "zone", "instant"),
    [
        ("2026-03-01", "Asia/Kolkata", datetime(2026, 2, 28, 18, 30, tzinfo=UTC)),
        ("2026-03-01", None, datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:00", "America/New_York", datetime(2026, 3, 1, 13, tzinfo=UTC)),
        ("2026-03-01T08:00Z", "America/New_York", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-10-25T02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_by_the_tenant_s_clock(typed: str, zone: str | None, instant: datetime) -> None:
    """A date is its midnight there; of an hour that came twice the first is meant."""
    assert in_zone(typed_time(typed), zone) == instant
