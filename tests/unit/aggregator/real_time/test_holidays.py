"""Named holidays: weekends do not tell how much comes on one, so only nothing at all for long is a stop."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState
from services.aggregator.core.real_time.volume import STOPS, SURGES
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, Told, _poisson

WATCH = MinuteWatch(RealTimeRule(), [STOPS, SURGES])
HOLIDAY = date(2026, 7, 10)  # a Friday
BEFORE = 18
WEEKEND = 0.45


def start_of(day: date) -> int:
    return ms_of(datetime.combine(day, datetime.min.time(), UTC))


FIRST = start_of(HOLIDAY - timedelta(BEFORE))


def days_with(*holidays: date) -> TenantDays:
    return TenantDays([(0, Calendar(holidays=holidays))])


def traffic(
    per_hour: float, shares: dict[date, float], until_ms: int, seed: int = 1, from_ms: int = FIRST
) -> Iterator[Minute]:
    """Yield minutes of working days, weekends (45 %) and the holidays of `shares`, of a weekend's; a third at night."""
    rng = random.Random(seed)
    for start_ms in range(from_ms, until_ms, MINUTE):
        day = datetime.fromtimestamp(start_ms / 1000, UTC)
        share = WEEKEND * shares[day.date()] if day.date() in shares else WEEKEND if day.weekday() >= 5 else 1.0
        n = _poisson(rng, per_hour / 60 * share * (1.0 if 7 <= day.hour < 23 else 0.33))
        if n:
            yield Minute(start_ms, n, 0)


@cache
def known(per_hour: float, *holidays: date) -> TenantState:
    """Return what is known of a tenant on the midnight before the holiday."""
    return Told(WATCH, days_with(*holidays)).feed(traffic(per_hour, {}, start_of(HOLIDAY))).state


def on_the_day(per_hour: float, share: float, until_ms: int, *holidays: date) -> Told:
    told = Told(WATCH, days_with(*holidays))
    told.state = known(per_hour, *holidays)
    return told.feed(traffic(per_hour, {HOLIDAY: share}, until_ms, 7, start_of(HOLIDAY)))


def stops(told: Told) -> list[int]:
    return [each.at_ms for each in told.published if each.event.state == "firing" and each.event.severity == "high"]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4, 0.6, 1.5])
@pytest.mark.parametrize("per_hour", [4, 14, 100, 1_000])
def test_a_named_holiday_with_a_share_of_a_weekends_traffic_is_no_stop(per_hour: float, share: float) -> None:
    """Nothing high from its first minute to its last, nor on the morning after it."""
    assert stops(on_the_day(per_hour, share, start_of(HOLIDAY) + 34 * HOUR, HOLIDAY)) == []


def test_the_same_day_is_a_stop_where_nobody_named_it() -> None:
    """A tenth of a weekend's traffic on what is a working day as far as anybody knows."""
    assert stops(on_the_day(100, 0.1, start_of(HOLIDAY) + 18 * HOUR))


@pytest.mark.parametrize(("per_hour", "within_h"), [(100, 14), (300, 4.5), (1_000, 1.25)])
def test_traffic_that_stops_altogether_on_a_named_holiday_is_found(per_hour: float, within_h: float) -> None:
    """By the time in which a free day would have had 400: the rest of the day at 100 an hour, an hour at 1,000."""
    stopped = start_of(HOLIDAY) + 9 * HOUR
    told = on_the_day(per_hour, 0.4, stopped, HOLIDAY).pass_until(stopped + DAY)
    assert len(stops(told)) == 1
    assert stopped < stops(told)[0] <= stopped + within_h * HOUR


def test_what_a_tenants_own_earlier_holidays_had_is_expected_of_the_next() -> None:
    """A week after a holiday with 60 % of a weekend's traffic, a fiftieth of it is a stop that trickles."""
    before = HOLIDAY - timedelta(8)
    days, shares = days_with(before, HOLIDAY), {before: 0.6, HOLIDAY: 0.012}
    told = Told(WATCH, days).feed(traffic(1_000, shares, start_of(HOLIDAY) + 18 * HOUR, from_ms=FIRST + 2 * DAY))
    assert [at_ms > start_of(HOLIDAY) for at_ms in stops(told)] == [True]
    assert stops(on_the_day(1_000, 0.012, start_of(HOLIDAY) + 18 * HOUR, HOLIDAY)) == []


def test_a_holiday_lowers_nothing_that_is_expected_of_weekends() -> None:
    """A stop on the Sunday after it is found as fast as if there had been none."""
    stopped = start_of(HOLIDAY) + 2 * DAY + 9 * HOUR
    told = on_the_day(300, 0.05, stopped, HOLIDAY).pass_until(stopped + 2 * HOUR)
    assert len(stops(told)) == 1
    assert stopped < stops(told)[0] <= stopped + 40 * MINUTE


def test_a_holiday_in_a_tenants_first_fortnight_is_no_stop() -> None:
    """Whether it closes early on holidays nobody knows, however much came by noon."""
    first = HOLIDAY - timedelta(BEFORE - 10)
    stopped = start_of(first) + 12 * HOUR
    told = Told(WATCH, days_with(first)).feed(traffic(1_000, {first: 0.4}, stopped)).pass_until(stopped + 45 * MINUTE)
    assert stops(told) == []
