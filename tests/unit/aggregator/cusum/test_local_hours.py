"""The profile of a rate knows hour and class of day as the tenant's calendar tells them, however clocks change."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

import msgspec
import numpy as np
import pytest

from proofwatch.governance.calendar import UTC_CALENDAR, Calendar, calendar_of
from proofwatch.governance.policy import CusumRule
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.cusum.local_hours import dates_in, slots_of
from services.aggregator.core.cusum.profile import Hours, Reference, frozen, of_hours
from services.aggregator.core.cusum.rolling import rolled
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.times import HOUR_MS
from tests.unit.aggregator.cusum.alone import by_reference, dispersion, usual
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, monitoring

RULE: Final = CusumRule()
BERLIN: Final = calendar_of("Europe/Berlin")
KATHMANDU: Final = calendar_of("Asia/Kathmandu")
GULF: Final = calendar_of("Asia/Riyadh", ("friday", "saturday"))


def hour_of(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) // 3600


def hours(first: int, many: int, k: Callable[[int], int], n: int = 1000) -> Hours:
    return np.array([(at, k(at), n, 0) for at in range(first, first + many)], np.int64)


def by(calendar: Calendar, slots: set[int], much: int, little: int) -> Callable[[int], int]:
    return lambda at: much if calendar.slot(at) in slots else little


def p0(found: Hours, hour: int, calendar: Calendar) -> float:
    return usual(found, hour, 0.01, RULE, calendar).p0


def test_summer_time_moves_no_profile() -> None:
    """Berlin, 29 March 2026: what happens at three o'clock does so an hour earlier of UTC from then on."""
    first = hour_of(2026, 3, 15)
    seen = hours(first, 28 * 24, by(BERLIN, {3, 27}, 30, 10))
    at_three = hour_of(2026, 4, 13, 1)
    assert BERLIN.slot(at_three) == 3
    assert p0(seen, at_three, BERLIN) == pytest.approx(0.029, rel=0.08)
    assert p0(seen, at_three + 1, BERLIN) == pytest.approx(0.010, rel=0.08)
    assert p0(seen, at_three, UTC_CALENDAR) < 0.025  # half of the hours are others
    assert dispersion(seen, RULE, BERLIN) < dispersion(seen, RULE, UTC_CALENDAR)


@pytest.mark.parametrize(
    ("first", "slots"),
    [
        (hour_of(2026, 3, 28, 23), [24, 25, *range(27, 48), 0]),  # a Sunday of 23 hours, and Monday's first
        (hour_of(2026, 10, 24, 22), [24, 25, 26, 26, *range(27, 47)]),
    ],
)
def test_days_of_23_and_25_hours(first: int, slots: list[int]) -> None:
    """An hour that does not exist has no slot; one that comes twice has the same slot twice."""
    day = np.arange(first, first + 24)
    assert slots_of(BERLIN, day).tolist() == slots
    assert dates_in(BERLIN, day) == len({slot // 24 for slot in slots})
    assert dates_in(BERLIN, day[:0]) == 0


def test_zones_half_an_hour_off_have_hours_at_the_phase_of_utc() -> None:
    """In Kathmandu (+5:45) the hour from 14:45 to 15:45 is 14: for what is judged and what it is compared with."""
    first = hour_of(2026, 11, 1)
    seen = hours(first, 28 * 24, lambda at: 30 if at % 24 == 9 else 10)
    assert slots_of(KATHMANDU, np.array([first + 9])).tolist() == [24 + 14]  # a Sunday
    assert p0(seen, first + 28 * 24 + 9, KATHMANDU) == pytest.approx(0.029, rel=0.08)
    assert p0(seen, first + 28 * 24 + 10, KATHMANDU) == pytest.approx(0.010, rel=0.08)


def test_free_days_are_a_class_of_their_own() -> None:
    """A weekend from Friday to Saturday with twice the rate; a holiday of the same calendar is such a day."""
    first = hour_of(2026, 11, 1)
    seen = hours(first, 28 * 24, by(GULF, set(range(24, 48)), 20, 10))
    monday, friday = hour_of(2026, 11, 30, 10), hour_of(2026, 12, 4, 10)
    assert p0(seen, friday, GULF) == pytest.approx(0.020, rel=0.05)
    assert p0(seen, monday, GULF) == pytest.approx(0.010, rel=0.05)
    feast = calendar_of("Asia/Riyadh", ("friday", "saturday"), (date(2026, 11, 30),))
    assert p0(seen, monday, feast) == p0(seen, friday, feast) == p0(seen, friday, GULF)
    assert p0(seen, friday, UTC_CALENDAR) == pytest.approx(0.012, rel=0.1)


def test_few_failures_make_no_class_and_no_hour() -> None:
    """A rate that failed on free days only, five times in four weeks, is the pooled one on both."""
    first = hour_of(2026, 11, 1)
    seen = hours(first, 28 * 24, lambda at: int(GULF.slot(at) == 24 + 12 and at % 2), 100)
    pooled = seen[:, 1].sum() / seen[:, 2].sum()
    friday = hour_of(2026, 12, 4, 9)
    assert GULF.slot(friday) == 24 + 12
    assert p0(seen, friday, GULF) == pytest.approx(pooled, rel=0.5)
    assert p0(seen, friday - 48, GULF) == pytest.approx(pooled, rel=0.5)


def test_a_reference_keeps_its_hours_and_is_sorted_by_the_calendar_that_asks() -> None:
    """Another zone or weekend does not break it: its hours are those that they were."""
    first = hour_of(2026, 11, 1)
    seen = hours(first, 28 * 24, by(GULF, set(range(24, 48)), 20, 10))
    reference = frozen(seen, first, first + 28 * 24, RULE, UTC_CALENDAR)
    assert reference is not None
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(reference), type=Reference)
    friday = hour_of(2027, 2, 5, 10)
    assert by_reference(read, friday, 0.01, GULF).p0 == pytest.approx(0.020, rel=0.05)
    assert by_reference(read, friday - 48, 0.01, GULF).p0 == pytest.approx(0.010, rel=0.05)
    assert by_reference(read, friday, 0.01, GULF).hours == 28 * 24


def test_a_reference_of_a_release_before_is_read() -> None:
    """It has sums by hour of the UTC day and no classes; they are read as of its last day, in whatever zone."""
    to_hour = hour_of(2026, 11, 29)
    k = [28 * (30 if at == 1 else 10) for at in range(24)]
    stored = msgspec.msgpack.encode([to_hour - 28 * 24, to_hour, k, [28_000] * 24, "A. Rao"])
    reference = msgspec.msgpack.decode(stored, type=Reference)
    for calendar in (UTC_CALENDAR, BERLIN, GULF, KATHMANDU):
        found = by_reference(reference, to_hour + 49, 0.01, calendar)
        assert (found.k, found.n, found.hours) == (sum(k), 24 * 28_000, 28 * 24)
        assert found.p0 == pytest.approx(0.027, rel=0.03)
        assert by_reference(reference, to_hour + 50, 0.01, calendar).p0 == pytest.approx(0.010, rel=0.05)
    in_summer = hour_of(2027, 6, 15)
    assert by_reference(reference, in_summer, 0.01, BERLIN).p0 == pytest.approx(0.027, rel=0.03)


def test_what_a_release_before_reads_of_a_reference_is_as_it_was() -> None:
    """k and n by hour of the UTC day, in the places in which they stood."""
    made = of_hours(hours(hour_of(2026, 11, 1), 48, lambda at: at % 24), hour_of(2026, 11, 3))
    assert made.k == tuple(2 * at for at in range(24))
    assert made.n == (2_000,) * 24


def test_the_watch_asks_the_calendar_of_the_tenant() -> None:
    """Nine days, one window an hour: on the second Friday the rate of Fridays is what is usual."""
    first = hour_of(2026, 11, 19)  # a Thursday

    def usual_on_friday(days: TenantDays) -> float:
        bank = Bank(monitoring(baseline_failures=20), days=days)
        for at in range(first, first + 8 * 24 + 10):
            bank.close(at * HOUR_MS, {(None, None): (1_300 if GULF.slot(at) >= 24 else 1_000, 100_000)})
        return bank.rows[RowKey("bank", None, None)].rates[METRIC].usual.p0

    assert usual_on_friday(TenantDays([(0, GULF)])) == pytest.approx(0.0130, rel=0.02)
    assert usual_on_friday(TenantDays()) == pytest.approx(0.0105, rel=0.03)


def test_the_days_before_three_days_are_those_of_the_calendar() -> None:
    """Counted as periods: five dates of Riyadh begin at nine in the evening of UTC."""
    first = hour_of(2026, 11, 1, 21)
    seen = hours(first, 8 * 24, lambda _: 1)
    number = GULF.day((first + 8 * 24) * HOUR_MS - 1).number
    found = [next(rolled(seen, number, days)) for days in (TenantDays([(0, GULF)]), TenantDays())]
    assert [(each.n, each.before.periods) for each in found] == [(72_000, 5), (69_000, 6)]


def test_the_hour_in_which_a_day_begins_is_the_one_before_it() -> None:
    """In Kathmandu midnight is at 18:15 of UTC: the hour from 18:00 on is 23 of the day that ends."""
    ends = hour_of(2026, 11, 8, 18)
    days = TenantDays([(0, KATHMANDU)])
    number = days.day(ends * HOUR_MS).number
    seen = hours(hour_of(2026, 11, 1), 10 * 24, lambda at: {ends: 4, ends - 3 * 24: 2}.get(at, 0))
    three = next(rolled(seen, number, days))
    assert (three.k, three.n, three.before.k) == (4, 72_000, 2)
    assert slots_of(KATHMANDU, np.array([ends])).tolist() == [24 + 23]
