"""Times on the command line are read in one way, and refused in one sentence."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.command_line.times import moment, moment_ms, zoned_moment_ms


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00", "2026-01-31T10:30:00+01:00"])
def test_times_are_utc_unless_they_say_otherwise(text: str) -> None:
    """In milliseconds."""
    assert moment_ms(text) == 1_769_851_800_000
    assert moment(text) == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("90m", timedelta(minutes=-90)),
        ("2h", timedelta(hours=-2)),
        ("7d", timedelta(days=-7)),
        ("+30s", timedelta(seconds=30)),
        ("+10m", timedelta(minutes=10)),
    ],
)
def test_times_may_be_so_long_ago_or_from_now(text: str, distance: timedelta) -> None:
    """Without a sign they lie in the past."""
    before = datetime.now(UTC)
    found = moment(text)
    assert before <= found - distance <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["yesterday", "-2h", "+2w", "2 h", "", "9999999d", "999999d", "2026-13-01"])
@pytest.mark.parametrize("read", [moment, moment_ms, zoned_moment_ms])
def test_what_is_no_time_is_refused_with_every_way_to_write_one(text: str, read: type) -> None:
    """The same sentence for every command."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"2026-01-15T08:00:00Z, nor 90m \(so long ago\) or \+10m"):
        read(text)


def test_a_time_that_is_signed_for_names_its_zone() -> None:
    """Two people may sit in two zones."""
    assert zoned_moment_ms("2026-01-31T10:30:00+01:00") == 1_769_851_800_000
    with pytest.raises(argparse.ArgumentTypeError, match="names no zone; right is 2026-01-31T10:30:00Z"):
        zoned_moment_ms("2026-01-31T10:30:00")
