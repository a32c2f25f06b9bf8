"""Slots, periods and what joins a baseline."""

from datetime import UTC, date, datetime

import pytest

from proofwatch.biometrics.baseline import Baseline
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.baselines import (
    EMPTY,
    BaselineState,
    Period,
    counted,
    earlier,
    in_slot,
    left_out,
    period_of,
    slot_of,
)
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS


def ms(*moment: int) -> int:
    return round(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]  # year, month, day, hour …


@pytest.mark.parametrize(
    ("length_s", "moment", "slot"),
    [
        (60, (2026, 1, 5, 9, 59), 9),  # Monday
        (60, (2026, 1, 9, 9, 0), 9),  # Friday
        (300, (2026, 1, 10, 9, 0), 33),  # Saturday
        (DAY_S, (2026, 1, 11), 24),  # Sunday
        (DAY_S, (2026, 1, 12), 0),
        (60, (1970, 1, 1, 0, 0), 0),  # a Thursday
    ],
)
def test_slots_are_working_days_and_weekends_by_the_hour(length_s: int, moment: tuple[int, ...], slot: int) -> None:
    """Comparable periods share a class of day, and below a day the hour; in UTC where no calendar is known."""
    assert slot_of(length_s, ms(*moment), UTC_DAYS) == slot


GULF = Calendar("Asia/Dubai", ("friday", "saturday"), (date(2026, 3, 18),))
INDIA = Calendar("Asia/Kolkata", ("sunday",))
BERLIN = Calendar("Europe/Berlin")


@pytest.mark.parametrize(
    ("calendar", "length_s", "moment", "slot"),
    [
        (GULF, 60, (2026, 3, 19, 19, 59), 23),  # Thursday
        (GULF, 60, (2026, 3, 19, 20, 0), 24),  # Friday has begun
        (GULF, 60, (2026, 3, 22, 9, 0), 13),  # Sunday
        (GULF, 60, (2026, 3, 18, 9, 0), 37),  # a holiday
        (GULF, DAY_S, (2026, 3, 19, 20, 0), 24),
        (INDIA, 60, (2026, 3, 21, 9, 10), 14),  # Saturday; the hour from 14:30 on
        (INDIA, 60, (2026, 3, 22, 9, 10), 38),
        (BERLIN, 300, (2026, 3, 28, 7, 0), 32),
        (BERLIN, 300, (2026, 3, 29, 7, 0), 33),  # summer time: the same moment is nine o'clock
        (Calendar("Asia/Kathmandu"), 60, (2026, 3, 20, 18, 59), 23),
        (Calendar("Asia/Kathmandu"), 60, (2026, 3, 20, 19, 0), 24),  # the hour that begins on Saturday at 00:45
    ],
)
def test_slots_are_told_by_the_tenants_calendar(
    calendar: Calendar, length_s: int, moment: tuple[int, ...], slot: int
) -> None:
    """Its weekend, its holidays, the hour of its clocks."""
    days = TenantDays([(ms(2026, 1, 1), calendar)])
    assert slot_of(length_s, ms(*moment), days) == slot


def test_what_another_calendar_counted_does_not_count() -> None:
    """Nine in UTC is not nine in Dubai, and no Friday is a working day any more; what still compares stays."""
    days = TenantDays([(ms(2026, 3, 10), GULF)])
    sunday, monday = ms(2026, 3, 1, 9), ms(2026, 3, 2, 9)
    nine = BaselineState((Period(monday, 1, 100), Period(ms(2026, 3, 12, 5), 2, 100)))
    assert in_slot(nine, days, 60, ms(2026, 3, 16, 5)) == BaselineState(nine.periods[1:])
    assert in_slot(nine, days, 60, ms(2026, 3, 9, 9)) is nine, "at that time it was right"
    free = BaselineState((Period(sunday - 9 * HOUR_MS, 1, 100), Period(ms(2026, 3, 6), 2, 100)))
    assert in_slot(free, days, DAY_S, ms(2026, 3, 12, 20)) == BaselineState(free.periods[1:])
    only_new = BaselineState(nine.periods[1:])
    assert in_slot(only_new, days, 60, ms(2026, 3, 16, 5)) is only_new


def test_minutes_of_one_hour_are_one_period() -> None:
    """Sixty windows of the same date and hour are one earlier period, not sixty."""
    state = EMPTY
    for minute in range(60):
        state = counted(state, 60, minute * 60_000, 1, 1, 10)
    assert state.periods == (Period(0, 60, 600),)
    assert earlier(state, 60, 59 * 60_000) == Baseline(0, 0, 0)
    assert earlier(state, 60, DAY_MS) == Baseline(60, 600, 1)


def test_a_restated_day_replaces_itself_and_a_restated_minute_is_ignored() -> None:
    """Late data never counts twice."""
    day = counted(counted(EMPTY, DAY_S, 0, 1, 5, 100), DAY_S, 0, 2, 6, 120)
    assert day.periods == (Period(0, 6, 120),)
    minute = counted(EMPTY, 60, 0, 1, 5, 100)
    assert counted(minute, 60, 0, 2, 6, 120) is minute
    assert left_out(day, DAY_S, 0) == EMPTY
    assert left_out(minute, 60, 0) is minute


def test_only_the_newest_periods_are_kept() -> None:
    """A baseline follows the trade: older than 28 periods is forgotten."""
    state = EMPTY
    for day in range(40):
        state = counted(state, DAY_S, day * DAY_MS, 1, 1, 1)
    assert [period.start_ms // DAY_MS for period in state.periods] == list(range(12, 40))


def test_later_periods_are_no_baseline() -> None:
    """A late restatement of an old day is compared with what was before it."""
    state = BaselineState((Period(0, 1, 10), Period(DAY_MS, 9, 10)))
    assert earlier(state, DAY_S, DAY_MS) == Baseline(1, 10, 1)
    assert period_of(60, HOUR_MS + 5) == HOUR_MS
