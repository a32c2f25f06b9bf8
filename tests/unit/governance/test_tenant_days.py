"""A tenant's days join without a hole or an overlap, whatever calendars follow each other."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.governance.calendar import UTC_CALENDAR, Calendar, calendar_of
from proofwatch.governance.tenant_days import SETTLED_MS, UTC_DAYS, TenantDays
from proofwatch.instants import ms_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Kathmandu", "Pacific/Kiritimati"]
ZONES += ["Etc/GMT+12", "Africa/Cairo", "Pacific/Apia"]
FROM_MS = ms_of(datetime(2026, 1, 1, tzinfo=UTC))
CHANGES = st.lists(
    st.tuples(st.integers(FROM_MS, FROM_MS + 60 * DAY_MS), st.sampled_from([calendar_of(zone) for zone in ZONES])),
    max_size=6,
).map(lambda found: sorted(found, key=lambda each: each[0]))


def at(*instant: int) -> int:
    return ms_of(datetime(*instant, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", (2026, 1, 7, 23), 23),
        ("America/New_York", (2026, 1, 8, 5), 29),
        ("Asia/Tokyo", (2026, 1, 7, 15), 15),
    ],
)
def test_the_day_of_the_change_ends_as_it_began(zone: str, first: tuple[int, ...], hours: int) -> None:
    """The next one joins it and lasts until the new calendar's midnight; each date is one day."""
    days = TenantDays([(at(2026, 1, 6, 12), Calendar(zone))])
    before, change, after, then = (days.day(at(2026, 1, each, 12)) for each in (5, 6, 7, 8))
    assert [each.date for each in (before, change, after, then)] == [date(2026, 1, each) for each in (5, 6, 7, 8)]
    assert (change.start_ms, change.end_ms) == (at(2026, 1, 6), at(2026, 1, 7))
    assert (after.start_ms, after.end_ms - after.start_ms) == (at(2026, 1, 7), hours * HOUR_MS)
    assert (then.start_ms, then.end_ms - then.start_ms) == (at(*first), DAY_MS)


def test_what_is_activated_shortly_before_midnight_waits_for_a_day() -> None:
    """An event may be ahead of its record: its day is known when it is read."""
    early, late = (TenantDays([(at(2026, 1, 6, *moment), Calendar("Asia/Dubai"))]) for moment in ((22, 59), (23, 0)))
    assert early.calendar(at(2026, 1, 7)).zone == "Asia/Dubai"
    assert late.calendar(at(2026, 1, 7)).zone == "UTC"
    assert late.calendar(at(2026, 1, 8)).zone == "Asia/Dubai"


@given(CHANGES, st.integers(FROM_MS - 3 * DAY_MS, FROM_MS + 64 * DAY_MS))
def test_every_instant_lies_on_one_day(changes: list[tuple[int, Calendar]], at_ms: int) -> None:
    """Days are numbered on and join; a day never lasts two of them."""
    days = TenantDays(changes)
    day = days.day(at_ms)
    assert day.start_ms <= at_ms < day.end_ms
    assert day == days.numbered(day.number) == days.day(day.start_ms) == days.day(day.end_ms - 1)
    assert days.numbered(day.number + 1).start_ms == day.end_ms
    assert days.numbered(day.number - 1).end_ms == day.start_ms
    assert day.end_ms - day.start_ms <= 50 * HOUR_MS
    assert days.since_ms(at_ms) <= day.start_ms


@given(CHANGES, st.integers(0, 5), st.integers(FROM_MS, FROM_MS + 64 * DAY_MS))
def test_a_day_is_known_an_hour_before_it_begins(changes: list[tuple[int, Calendar]], more: int, at_ms: int) -> None:
    """What is activated later changes neither a day that has begun nor one that begins within the hour."""
    known, later = changes[:more], changes[more:]
    day = TenantDays(changes).day(at_ms)
    if all(each_ms > day.start_ms - SETTLED_MS for each_ms, _ in later):
        assert TenantDays(known).day(at_ms).start_ms == day.start_ms
        assert TenantDays(known).calendar(at_ms) == TenantDays(changes).calendar(at_ms)


def test_of_two_on_one_day_the_last_counts() -> None:
    """And one that says what holds already changes nothing."""
    dubai, berlin = Calendar("Asia/Dubai"), Calendar("Europe/Berlin")
    days = TenantDays([(at(2026, 1, 6, 9), dubai), (at(2026, 1, 6, 10), berlin), (at(2026, 1, 9), berlin)])
    assert days.calendar(at(2026, 1, 7)) is berlin
    assert days.since_ms(at(2026, 3, 1)) == at(2026, 1, 7)
    back = TenantDays([(at(2026, 1, 6, 9), dubai), (at(2026, 1, 6, 10), UTC_CALENDAR)])
    assert back.day(at(2026, 1, 8)) == UTC_DAYS.day(at(2026, 1, 8))


def test_days_that_were_counted_in_utc_stay_so() -> None:
    """What an earlier release counted is not counted again on other days."""
    days = TenantDays([(at(2026, 1, 6), Calendar("Asia/Dubai"))], since_ms=at(2026, 2, 1))
    assert days.day(at(2026, 1, 31, 23)).start_ms == at(2026, 1, 31)
    assert days.calendar(at(2026, 1, 31, 23)).zone == "UTC"
    assert days.day(at(2026, 2, 1)).start_ms == at(2026, 2, 1)
    assert days.day(at(2026, 2, 2)).start_ms == at(2026, 2, 1, 20)
