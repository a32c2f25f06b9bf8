"""Volume is compared with the same hour and class of day by the tenant's clocks, weekend and holidays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.real_time.hours import Compared, Sums
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.reference import Reference
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, Told, minute

WATCH = MinuteWatch(RealTimeRule())


def at(*instant: int) -> int:
    return ms_of(datetime(*instant, tzinfo=UTC))  # type: ignore[arg-type, misc]


def days_in(calendar: Calendar, since_ms: int = 0) -> TenantDays:
    return TenantDays([(since_ms, calendar)])


GULF = Calendar("Asia/Dubai", ("friday", "saturday"))
WITH_HOLIDAY = Calendar("Asia/Dubai", ("friday", "saturday"), (date(2026, 1, 27),))
BERLIN = Calendar("Europe/Berlin")


def office(calendar: Calendar, from_ms: int, until_ms: int, n: int = 5) -> Iterator[Minute]:
    """Yield the minutes of a tenant that is open from nine to five on working days; every half hour one fails."""
    for start_ms in range(from_ms, until_ms, MINUTE):
        if not calendar.day(start_ms).free and 9 <= calendar.hour(start_ms).hour < 17:
            yield minute(start_ms, n, failed=int(start_ms % (30 * MINUTE) == 0))


def volume(told: Told) -> list[tuple[str, str, str]]:
    return [(rule, direction, state) for rule, _, direction, state in told.said() if rule == "volume"]


@pytest.mark.parametrize(("days", "expected"), [(days_in(GULF), [("volume", "down", "firing")]), (UTC_DAYS, [])])
def test_traffic_that_stops_on_a_sunday_of_the_gulf_is_missed(
    days: TenantDays, expected: list[tuple[str, str, str]]
) -> None:
    """Sunday is a working day there. In UTC it is a weekend, like the Saturday on which nobody comes."""
    start, sunday = at(2026, 1, 4), at(2026, 2, 8)
    told = Told(WATCH, days).feed(office(GULF, start, sunday + 7 * HOUR))
    told.published.clear()
    told.pass_until(sunday + 9 * HOUR)
    assert volume(told) == expected


@pytest.mark.parametrize("days", [days_in(BERLIN), UTC_DAYS])
def test_the_evening_after_the_clocks_changed_is_no_outage(days: TenantDays) -> None:
    """Five in the afternoon is an hour earlier in UTC from 29 March 2026 on; an hour is no surprise to anybody."""
    start, monday = at(2026, 2, 16), at(2026, 3, 30)
    told = Told(WATCH, days).feed(office(BERLIN, start, monday + DAY))
    told.published.clear()
    told.pass_until(monday + 16 * HOUR)
    assert volume(told) == []


def test_a_holiday_that_was_told_is_no_outage() -> None:
    """27 January is a free day, though a Tuesday."""
    holiday = at(2026, 1, 27)
    for calendar, expected in ((WITH_HOLIDAY, []), (GULF, [("volume", "down", "firing")])):
        told = Told(WATCH, days_in(calendar)).feed(office(WITH_HOLIDAY, at(2025, 12, 21), holiday))
        told.published.clear()
        told.pass_until(holiday + 12 * HOUR)
        assert volume(told) == expected


@pytest.mark.parametrize("opens", ["09:00", "08:30"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin"])
def test_doors_that_open_and_close_in_the_middle_of_an_hour_of_utc_are_no_outage(zone: str, opens: str) -> None:
    """Half of that hour has no traffic, on every working day; at noon its absence is told."""
    calendar = Calendar(zone)
    first = at(2026, 1, 5) + MINUTE * int(opens[3:])
    minutes = list(office(calendar, first, first + 16 * DAY))
    shifted = [replace(each, start_ms=each.start_ms - MINUTE * int(opens[3:])) for each in minutes]
    late = shifted[-1].start_ms - 4 * HOUR
    told = Told(WATCH, days_in(calendar)).feed(each for each in shifted if each.start_ms < first + 8 * DAY)
    told.published.clear()  # the first evening and the first weekend are habits to be learnt
    told.feed(each for each in shifted if first + 8 * DAY <= each.start_ms < late)
    assert volume(told) == []
    told.pass_until(shifted[-1].start_ms)
    assert volume(told) == [("volume", "down", "firing")]


def test_another_calendar_makes_no_surge_and_no_silence() -> None:
    """Hours that were counted before are found by the new calendar's hours and classes; nothing is taken for none."""
    change = at(2026, 2, 10, 12)
    told = Told(WATCH, days_in(GULF, change)).feed(office(GULF, at(2025, 12, 28), at(2026, 3, 1)))
    after = [each for each in told.published if each.at_ms > change]
    assert [each.event.rule for each in after] == []


def test_rates_of_an_hour_are_not_mixed_over_time_zones() -> None:
    """What was counted at nine in UTC is no more compared with nine in Dubai."""
    change = at(2026, 2, 10, 12)
    days, reference = days_in(GULF, change), Reference()
    for start_ms in range(at(2026, 2, 8), at(2026, 2, 14), HOUR):
        reference = reference.taken(minute(start_ms, 10), Compared(Sums(), {}, {})).absorbed(start_ms // HOUR, days)
    assert set(reference.by_hour) == set(range(24, 48))
    assert {volume.hour for volumes in reference.volumes.values() for volume in volumes} == set(
        range(at(2026, 2, 8) // HOUR, at(2026, 2, 13, 22) // HOUR)
    )
