"""A tenant's days and hours are those of its clocks, whatever these do; held against zoneinfo over decades."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.governance.calendar import UTC_CALENDAR, Calendar, Weekday, calendar_of
from proofwatch.instants import ms_of

HOUR_MS = 3_600_000
GRID_MS = 300_000
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
UNUSUAL = {"Africa/Cairo", "Africa/Casablanca", "America/Havana", "America/Santiago", "America/Sao_Paulo"}
UNUSUAL |= {"America/St_Johns", "Asia/Gaza", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "Pacific/Apia"}
FROM_MS = ms_of(datetime(1973, 1, 1, tzinfo=UTC))
TO_MS = ms_of(datetime(2060, 1, 1, tzinfo=UTC))


def number(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


def at(*instant: int) -> int:
    return ms_of(datetime(*instant, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", (2026, 3, 29), (2026, 3, 29, 0), 24),
        ("Europe/Berlin", (2026, 3, 28), (2026, 3, 27, 23), 24),
        ("Europe/Berlin", (2026, 3, 29), (2026, 3, 28, 23), 23),
        ("Europe/Berlin", (2026, 10, 25), (2026, 10, 24, 22), 25),
        ("America/Santiago", (2026, 4, 4), (2026, 4, 4, 3), 25),  # the clocks go back from midnight to eleven
        ("America/Santiago", (2026, 9, 6), (2026, 9, 6, 4), 23),  # midnight does not exist: the day begins at one
        ("Africa/Cairo", (2026, 4, 24), (2026, 4, 23, 22), 23),
        ("Africa/Cairo", (2026, 10, 29), (2026, 10, 28, 21), 25),
        ("Asia/Kathmandu", (2026, 1, 1), (2025, 12, 31, 18, 15), 24),
        ("Asia/Kolkata", (2026, 1, 1), (2025, 12, 31, 18, 30), 24),
        ("Australia/Lord_Howe", (2026, 4, 5), (2026, 4, 4, 13), 24.5),
        ("America/St_Johns", (2010, 11, 7), (2010, 11, 7, 2, 30), 25),  # back from one minute past midnight
        ("Pacific/Apia", (2011, 12, 29), (2011, 12, 29, 10), 24),
        ("Pacific/Apia", (2011, 12, 30), (2011, 12, 30, 10), 0),
        ("Pacific/Apia", (2011, 12, 31), (2011, 12, 30, 10), 24),
        ("Africa/Monrovia", (1971, 6, 1), (1971, 6, 1, 0, 45), 24),  # 00:44:30, rounded up to the grid
    ],
)
def test_days_begin_and_end_with_the_local_date(
    zone: str, day: tuple[int, int, int], begins: tuple[int, ...], hours: float
) -> None:
    """Where clocks change, at midnight too, and where a date was left out."""
    found = Calendar(zone).numbered(number(*day))
    assert (found.start_ms, found.end_ms - found.start_ms, found.date) == (at(*begins), hours * HOUR_MS, date(*day))


@given(st.sampled_from(ZONES), st.integers(FROM_MS, TO_MS))
def test_an_instant_lies_on_the_day_of_its_local_date(zone: str, at_ms: int) -> None:
    """By zoneinfo; or on the day after, in the hour that clocks set back over midnight repeat."""
    day, local = calendar_of(zone).day(at_ms), _local(zone, at_ms)
    assert day.start_ms <= at_ms < day.end_ms
    assert day.date == local.date() or (day.date == local.date() + timedelta(days=1) and _repeats(zone, at_ms))


@given(st.sampled_from(ZONES), st.integers(FROM_MS, TO_MS))
def test_an_hour_is_that_of_the_local_clock(zone: str, at_ms: int) -> None:
    """It began at most an hour ago, and no clock says another hour since."""
    hour = calendar_of(zone).hour(at_ms)
    assert hour.hour == _local(zone, at_ms).hour == _local(zone, hour.start_ms).hour
    assert at_ms - HOUR_MS < hour.start_ms <= at_ms
    assert calendar_of(zone).hour(hour.start_ms) == hour


@pytest.mark.parametrize(
    ("zone", "at_ms", "hour", "began_ms"),
    [
        ("Europe/Berlin", at(2026, 3, 29, 0, 59), 1, at(2026, 3, 29, 0)),
        ("Europe/Berlin", at(2026, 3, 29, 1, 1), 3, at(2026, 3, 29, 1)),
        ("Europe/Berlin", at(2026, 3, 29, 20, 30), 22, at(2026, 3, 29, 20)),
        ("Europe/Berlin", at(2026, 10, 25, 1, 1), 2, at(2026, 10, 25, 1)),
        ("America/Santiago", at(2026, 9, 6, 5, 30), 2, at(2026, 9, 6, 5)),
        ("Australia/Lord_Howe", at(2026, 4, 4, 15, 10), 1, at(2026, 4, 4, 15)),
    ],
)
def test_an_hour_after_clocks_changed_within_the_day(zone: str, at_ms: int, hour: int, began_ms: int) -> None:
    """By examples, for a day has but one such hour in twenty-four."""
    found = calendar_of(zone).hour(at_ms)
    assert (found.hour, found.start_ms) == (hour, began_ms)


@pytest.mark.parametrize("zone", sorted(UNUSUAL.union(ZONES[::5])))
def test_days_join_on_the_grid_without_a_hole(zone: str) -> None:
    """Each day ends where the next begins, on whole five minutes, and begins by zoneinfo's date; 1975 to 2037, each
    day of a week in which an offset changes.
    """
    calendar, first, last = calendar_of(zone), number(1975, 1, 1), number(2037, 1, 1)
    days = [calendar.numbered(each) for each in _changing(zone, first, last)]
    assert days
    for day in days:
        assert day.start_ms % GRID_MS == 0
        assert day.end_ms == calendar.numbered(day.number + 1).start_ms
        if day.start_ms < day.end_ms:
            assert _local(zone, day.start_ms).date() == day.date
            assert _local(zone, day.start_ms - 1).date() < day.date
            assert calendar.day(day.start_ms) == calendar.day(day.end_ms - 1) == day


@pytest.mark.parametrize(
    ("weekend", "holidays", "free"),
    [
        (("saturday", "sunday"), (), [0, 0, 0, 0, 0, 1, 1]),
        (("friday", "saturday"), (), [0, 0, 0, 0, 1, 1, 0]),  # the Gulf
        (("sunday",), (), [0, 0, 0, 0, 0, 0, 1]),  # India
        ((), (), [0, 0, 0, 0, 0, 0, 0]),
        ((), (date(2026, 3, 4), date(2026, 3, 8)), [0, 0, 1, 0, 0, 0, 1]),
    ],
)
def test_weekend_and_holidays_are_the_tenants(
    weekend: tuple[Weekday, ...], holidays: tuple[date, ...], free: list[int]
) -> None:
    """The week from Monday, 2 March 2026 on."""
    calendar = Calendar("Asia/Dubai", weekend, holidays)
    assert [int(calendar.numbered(number(2026, 3, 2) + each).free) for each in range(7)] == free


def test_a_holiday_is_a_day_of_the_tenants_zone() -> None:
    """Eid of 20 March 2026 begins in Dubai at 20:00 UTC of the 19th."""
    calendar = Calendar("Asia/Dubai", ("saturday", "sunday"), (date(2026, 3, 20),))
    assert [calendar.day(at(2026, 3, *moment)).free for moment in ((19, 19, 59), (19, 20), (20, 19, 59))] == [0, 1, 1]


def test_what_is_not_known_is_utc_with_saturday_and_sunday() -> None:
    """Its days are those of arithmetic, at any instant."""
    for at_ms in (0, -1, at(1, 1, 1), at(9999, 12, 31, 23)):
        day = UTC_CALENDAR.day(at_ms)
        assert (day.number, day.start_ms, day.end_ms) == (
            at_ms // 86_400_000,
            at_ms // 86_400_000 * 86_400_000,
            day.start_ms + 86_400_000,
        )
        assert UTC_CALENDAR.hour(at_ms).hour == at_ms % 86_400_000 // HOUR_MS
    for each in ("Pacific/Kiritimati", "Etc/GMT+12"):
        for at_ms in (at(1, 1, 1), at(9999, 12, 31, 23)):
            assert calendar_of(each).day(at_ms).start_ms <= at_ms, "a broken clock does not stop anybody"


def test_calendars_with_the_same_settings_are_equal() -> None:
    """Whatever the order in which they were written."""
    one = Calendar("Asia/Dubai", ("friday", "saturday"), (date(2026, 3, 20), date(2026, 3, 21)))
    other = Calendar("Asia/Dubai", ("saturday", "friday"), (date(2026, 3, 21), date(2026, 3, 20)))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Calendar("Asia/Dubai", ("friday", "saturday"))


def _local(zone: str, at_ms: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))


def _repeats(zone: str, at_ms: int) -> bool:
    return any(_local(zone, at_ms - each * GRID_MS // 5).date() > _local(zone, at_ms).date() for each in range(24 * 60))


def _changing(zone: str, first: int, last: int) -> set[int]:
    weeks = range(first, last, 7)
    offsets = [_local(zone, each * 86_400_000).utcoffset() for each in weeks]
    changes = {weeks[place] for place in range(1, len(offsets)) if offsets[place] != offsets[place - 1]}
    return {day + near for day in changes | {first} for near in range(-9, 3)}
