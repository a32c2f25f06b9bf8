"""Working hours: read, refused, counted; also where wall clocks are set forward and back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.core.hours import AROUND_THE_CLOCK, Hours

OFFICE = "Europe/Berlin Mon-Fri 08:00-18:00"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
WEEKS = (
    "Mon-Fri 08:00-18:00", "Mon-Thu 08:00-12:00 13:00-18:00, Fri 08:00-15:00", "Mon-Sun 00:00-24:00",
    "Sun 01:30-02:30 02:30-05:00", "Mon 22:00-24:00, Tue 00:00-06:00", "Sat-Sun 02:15-02:45, Wed 12:00-12:01",
)  # fmt: skip
HOURS = [Hours.read(f"{zone} {week}", "2026-03-30,2026-12-25") for zone in ZONES for week in WEEKS]
MOMENTS = st.datetimes(*(datetime(year, 1, 1) for year in (2026, 2027)), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
WORK = st.timedeltas(timedelta(0), timedelta(days=9))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "end"),
    [
        (OFFICE, "2026-03-06T17:30+01:00", 60, "2026-03-09T08:30+01:00"),  # a weekend
        (
            OFFICE,
            "2026-03-06T17:00+01:00",
            60,
            "2026-03-06T18:00+01:00",
        ),  # to the end of a day, not the next one's begin
        (OFFICE, "2026-03-07T12:00+01:00", 1, "2026-03-09T08:01+01:00"),
        (OFFICE, "2026-03-06T17:30+01:00", 0, "2026-03-06T17:30+01:00"),
        (OFFICE, "2026-03-27T17:00+01:00", 120, "2026-03-30T09:00+02:00"),  # over the spring Sunday
        (OFFICE, "2026-10-23T17:00+02:00", 120, "2026-10-26T09:00+01:00"),  # over the autumn Sunday
        ("Europe/Berlin Mon-Sun 00:00-24:00", "2026-03-29T00:00+01:00", 23 * 60, "2026-03-30T00:00+02:00"),
        ("Europe/Berlin Mon-Sun 00:00-24:00", "2026-10-25T00:00+02:00", 25 * 60, "2026-10-26T00:00+01:00"),
        ("Europe/Berlin Sun 01:00-04:00", "2026-03-29T00:00+01:00", 120, "2026-03-29T04:00+02:00"),
        ("Europe/Berlin Sun 01:00-04:00", "2026-10-25T00:00+02:00", 240, "2026-10-25T04:00+01:00"),
        ("Europe/Berlin Sun 02:30-04:00", "2026-03-29T00:00+01:00", 1, "2026-03-29T03:01+02:00"),  # begins at the jump
        ("Europe/Berlin Sun 01:00-02:30", "2026-03-29T00:00+01:00", 60, "2026-03-29T03:00+02:00"),  # ends at the jump
        ("Europe/Berlin Sun 02:00-02:30", "2026-10-25T00:00+02:00", 90, "2026-10-25T02:30+01:00"),  # comes twice
        ("Europe/Berlin Sun 01:00-02:30 02:30-05:00", "2026-10-25T00:00+02:00", 300, "2026-10-25T05:00+01:00"),
        ("Europe/Berlin Sun 02:10-02:50", "2026-03-29T00:00+01:00", 1, "2026-04-05T02:11+02:00"),  # there is none
        ("Europe/Berlin Mon-Thu 08:00-12:00 13:00-18:00", "2026-03-05T11:00+01:00", 7 * 60, "2026-03-09T09:00+01:00"),
    ],
)
def test_work_is_counted_by_the_wall_clock(hours: str, start: str, minutes: int, end: str) -> None:
    """And there and back is as much work."""
    calendar, work = Hours.read(hours), timedelta(minutes=minutes)
    assert calendar.moved(berlin(start), work) == berlin(end)
    assert calendar.between(berlin(start), berlin(end)) == work
    assert calendar.between(berlin(end), berlin(start)) == -work


def test_on_days_off_nobody_works() -> None:
    """Each a local date; around the clock there are none."""
    calendar = Hours.read(OFFICE, " 2026-12-25, 2026-12-28")
    assert calendar.moved(berlin("2026-12-24T17:00+01:00"), timedelta(hours=2)) == berlin("2026-12-29T09:00+01:00")
    assert calendar.moved(berlin("2026-12-29T09:00+01:00"), timedelta(hours=-2)) == berlin("2026-12-24T17:00+01:00")


def test_nothing_is_around_the_clock() -> None:
    """As without hours."""
    assert Hours.read(" ") is AROUND_THE_CLOCK
    assert AROUND_THE_CLOCK.can_give(timedelta(days=99_999))
    assert not Hours.read(OFFICE).can_give(timedelta(days=99_999))
    assert Hours.read(OFFICE).can_give(timedelta(days=90))


@pytest.mark.parametrize(
    ("text", "off", "said"),
    [
        ("Mars/Olympus Mon-Fri 08:00-18:00", "", "'Mars/Olympus' is not a time zone.*Europe/Berlin Mon-Fri"),
        ("Europe/Berlin", "", "on which days of the week from when to when: 'Europe/Berlin Mon-Fri 08:00-18:00'"),
        ("Europe/Berlin Mo-Fr 08:00-18:00", "", "'Mo-Fr 08:00-18:00' does not say on which days"),
        ("Europe/Berlin Mon-Fri", "", "'Mon-Fri' does not say"),
        ("Europe/Berlin Mon-Fri 8-18", "", "does not say"),
        ("Europe/Berlin Mon 08:00-18:00,", "", "'' does not say"),
        ("Europe/Berlin Fri-Mon 08:00-18:00", "", "Fri-Mon ends before it begins"),
        ("Europe/Berlin Mon 22:00-06:00", "", "Mon 22:00-24:00, Tue 00:00-06:00"),
        ("Europe/Berlin Mon 08:00-08:00", "", "ends before it begins"),
        ("Europe/Berlin Mon 08:00-25:00", "", "a time that no day has"),
        ("Europe/Berlin Mon 08:60-18:00", "", "a time that no day has"),
        ("Europe/Berlin Mon-Fri 08:00-12:00, Wed 11:00-13:00", "", "hours of Wed overlap"),
        (OFFICE, "25.12.2026", "'25.12.2026' is no day off.*2026-12-25"),
        (OFFICE, "2026-02-30", "'2026-02-30' is no day off"),
        ("", "2026-12-25", "days off are of working hours, and there are none"),
    ],
)
def test_what_are_no_hours_is_refused(text: str, off: str, said: str) -> None:
    """It says what would be right."""
    with pytest.raises(ValueError, match=said):
        Hours.read(text, off)


@given(st.sampled_from(HOURS), MOMENTS, WORK, WORK)
def test_work_adds_up(hours: Hours, at: datetime, one: timedelta, other: timedelta) -> None:
    """In two steps or in one, forwards and back; and it is as much as was asked for."""
    assert hours.moved(hours.moved(at, one), other) == hours.moved(at, one + other)
    assert hours.moved(hours.moved(at, -one), -other) == hours.moved(at, -one - other)
    assert hours.between(at, hours.moved(at, one)) == one
    assert hours.between(hours.moved(at, -one), at) == one


@given(st.sampled_from(HOURS), st.lists(MOMENTS, min_size=3, max_size=3), WORK, WORK)
def test_later_is_never_earlier(hours: Hours, moments: list[datetime], one: timedelta, other: timedelta) -> None:
    """Of later moments, of more work; and no time has more work than it lasts."""
    first, second, third = sorted(moments)
    less, more = sorted((one, other))
    assert first <= hours.moved(first, less) <= hours.moved(first, more) <= hours.moved(second, more)
    assert hours.between(first, second) + hours.between(second, third) == hours.between(first, third)
    assert timedelta(0) <= hours.between(first, second) <= second - first


@given(st.sampled_from(HOURS), MOMENTS, MOMENTS)
def test_when_is_worked_is_in_order(hours: Hours, one: datetime, other: datetime) -> None:
    """Within what was asked for, no two at once, and as long together as what is counted."""
    first, last = sorted((one, other))
    spans = hours.worked(first, last)
    edges = [first, *(edge for span in spans for edge in span), last]
    assert edges == sorted(edges)
    assert sum((end - begin for begin, end in spans), timedelta(0)) == hours.between(first, last)


@given(MOMENTS, st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_every_minute_of_utc_is_the_wall_clock(at: datetime, work: timedelta) -> None:
    """As around the clock."""
    for hours in (Hours.read("UTC Mon-Sun 00:00-24:00"), AROUND_THE_CLOCK):
        assert hours.moved(at, work) == at + work
        assert hours.between(at, at + work) == work
