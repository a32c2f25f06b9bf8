"""An instant as a person reads it: by the tenant's clock, with the zone said; whatever a zone does."""

from datetime import UTC, datetime

import pytest

from proofwatch.local_time import clock, local, minute, zone_words

AT = datetime(2026, 11, 26, 8, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (None, "2026-11-26 08:50 UTC"),
        ("UTC", "2026-11-26 08:50 UTC"),
        ("Etc/UTC", "2026-11-26 08:50 UTC"),
        ("Asia/Kolkata", "2026-11-26 14:20 Asia/Kolkata (UTC+5:30)"),
        ("Asia/Kathmandu", "2026-11-26 14:35 Asia/Kathmandu (UTC+5:45)"),
        ("Europe/Berlin", "2026-11-26 09:50 Europe/Berlin (UTC+1)"),
        ("America/St_Johns", "2026-11-26 05:20 America/St_Johns (UTC-3:30)"),
        ("Europe/London", "2026-11-26 08:50 Europe/London (UTC)"),
        ("Pacific/Kiritimati", "2026-11-26 22:50 Pacific/Kiritimati (UTC+14)"),
        ("Mars/Olympus_Mons", "2026-11-26 08:50 UTC"),
        ("../etc/passwd", "2026-11-26 08:50 UTC"),
    ],
)
def test_a_minute_says_its_zone_and_how_far_it_is(zone: str | None, said: str) -> None:
    """A zone that this edition of the database does not know hides no time: it is told in UTC."""
    assert minute(AT, zone) == said
    assert f"{clock(AT, zone)} {zone_words(AT, zone)}" == said


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """Berlin, 25 October 2026: half past two in summer time, and an hour later again."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert minute(first, "Europe/Berlin") == "2026-10-25 02:30 Europe/Berlin (UTC+2)"
    assert minute(first.replace(hour=1), "Europe/Berlin") == "2026-10-25 02:30 Europe/Berlin (UTC+1)"


def test_an_instant_stays_the_same_one() -> None:
    """Only its clock is another."""
    assert local(AT, "Asia/Kolkata") == AT
