"""Times of the week, in a time zone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notifier.core.intervals import Interval, within
from services.notifier.core.routes import Plan

BERLIN = ZoneInfo("Europe/Berlin")


def interval(**given: Any) -> Interval:
    return Interval.model_validate({key.rstrip("_"): value for key, value in given.items()})


def utc(text: str) -> int:
    return round(datetime.fromisoformat(f"{text}:00+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27T08:59", False),
        ("2026-11-27T09:00", True),
        ("2026-11-27T16:59", True),
        ("2026-11-27T17:00", False),
        ("2026-11-28T12:00", False),
        ("2026-11-30T12:00", True),
    ],
)
def test_office_hours_include_their_beginning_and_not_their_end(at: str, expected: bool) -> None:
    """A Friday, a Saturday, a Monday."""
    assert interval(weekdays="mon-fri", from_="09:00", to="17:00").holds(utc(at)) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T05:59", True),
        ("2026-11-28T06:00", False),
        ("2026-11-28T22:00", False),
        ("2026-11-27T03:00", False),
    ],
)
def test_a_span_through_midnight_is_of_its_first_day(at: str, expected: bool) -> None:
    """That of Friday goes on until Saturday's morning."""
    assert interval(weekdays="fri", from_="22:00", to="06:00").holds(utc(at)) == expected


@pytest.mark.parametrize(
    ("begins", "ends", "hours"),
    [
        ("2026-03-28T21:00", "2026-03-29T04:00", 7),  # put forward: an hour less
        ("2026-10-24T20:00", "2026-10-25T05:00", 9),  # put back: an hour more
        ("2026-11-27T21:00", "2026-11-28T05:00", 8),
        ("2026-07-01T20:00", "2026-07-02T04:00", 8),
    ],
)
def test_the_clock_on_the_wall_decides_in_the_nights_in_which_it_is_changed(begins: str, ends: str, hours: int) -> None:
    """22:00 to 06:00 in Berlin."""
    night = interval(from_="22:00", to="06:00", zone="Europe/Berlin")
    first, last = utc(begins), utc(ends)
    assert last - first == hours * 3_600_000
    assert all(night.holds(each) for each in range(first, last, 60_000))
    assert not night.holds(first - 1)
    assert not night.holds(last)


def test_the_hour_that_is_there_twice_is_within_twice_and_the_one_that_is_not_never() -> None:
    """02:00 to 03:00 in Berlin."""
    hour = interval(from_="02:00", to="03:00", zone="Europe/Berlin")

    def minutes(day: str) -> int:
        return sum(hour.holds(utc(day) + each * 60_000) for each in range(24 * 60))

    assert [minutes(f"2026-{day}T00:00") for day in ("03-29", "10-25", "11-27")] == [0, 120, 60]


def test_dates_are_for_work_that_is_done_once() -> None:
    """Instead of weekdays; through midnight too."""
    work = interval(dates=["2026-12-24"], from_="23:00", to="02:00")
    assert [work.holds(utc(each)) for each in ("2026-12-24T23:30", "2026-12-25T01:30", "2026-12-25T23:30")] == [
        True,
        True,
        False,
    ]


def test_whole_days_and_any_of_several() -> None:
    """From 00:00 to 24:00, where nothing else is said."""
    weekend = interval(weekdays="sat,sun", zone="Europe/Berlin")
    assert weekend.holds(utc("2026-11-27T23:00"))
    assert not weekend.holds(utc("2026-11-29T23:00"))
    assert interval(to="24:00").holds(utc("2026-11-27T23:59"))
    assert within((weekend, interval(from_="09:00", to="10:00")), utc("2026-11-27T09:30"))
    assert not within((), utc("2026-11-27T09:30"))


def test_days_may_go_on_over_the_end_of_the_week() -> None:
    """From Friday to Monday."""
    assert interval(weekdays="fri-mon").weekdays == (4, 5, 6, 0)
    assert interval(weekdays="Mon, wed-thu").weekdays == (0, 2, 3)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"weekdays": "mon-fry"}, "write mon-fri, or sat,sun"),
        ({"weekdays": "monday"}, "write mon-fri, or sat,sun"),
        ({"weekdays": "mon-"}, "write mon-fri, or sat,sun"),
        ({"weekdays": ""}, "write mon-fri, or sat,sun"),
        ({"weekdays": [7]}, "less than or equal to 6"),
        ({"from": "9:00"}, "write 00:00 to 24:00, in quotes"),
        ({"to": "24:01"}, "write 00:00 to 24:00, in quotes"),
        ({"from": 1441}, "less than or equal to 1440"),
        ({"dates": ["2026-02-30"]}, "write 2026-12-24, in quotes"),
        ({"dates": ["24.12.2026"]}, "write 2026-12-24, in quotes"),
        ({"zone": "Mars/Olympus"}, "such as Europe/Berlin or UTC"),
        ({"zone": "Europe"}, "such as Europe/Berlin or UTC"),
        ({"zone": "../etc/passwd"}, "such as Europe/Berlin or UTC"),
        ({"until": "06:00"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_time_is_refused_with_what_would_be_right(given: dict[str, object], says: str) -> None:
    """When the file is read; a window that never comes would be found out in the night."""
    with pytest.raises(ValidationError, match=says):
        Interval.model_validate(given)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 — a zone is given below
    begin=st.integers(0, 1439),
    length=st.integers(1, 1439),
)
def test_a_span_and_the_rest_of_the_day_are_all_times_and_never_both(at: datetime, begin: int, length: int) -> None:
    """In Berlin, at any minute."""
    end = (begin + length) % 1440
    at_ms = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    one, other = (
        interval(from_=first, to=last, zone=BERLIN) for first, last in ((begin, end or 1440), (end, begin or 1440))
    )
    assert one.holds(at_ms) != other.holds(at_ms)


def test_a_route_is_muted_in_its_mute_times_and_outside_its_active_ones() -> None:
    """Without any it never is."""
    at = utc("2026-11-27T09:30")
    morning, evening = interval(from_="09:00", to="10:00"), interval(from_="18:00", to="19:00")
    assert not Plan(("root",)).is_muted(at)
    assert Plan(("root",), mute=(evening, morning)).is_muted(at)
    assert Plan(("root",), active=(evening,)).is_muted(at)
    assert not Plan(("root",), active=(evening, morning)).is_muted(at)
    assert Plan(("root",), active=(morning,), mute=(morning,)).is_muted(at)
    assert not Plan(("root",), active=(morning,)).is_muted(at + timedelta(days=1) // timedelta(milliseconds=1))
