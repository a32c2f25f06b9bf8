"""Traffic that stops in a tenant's first two weeks: an outage is told at once, a first evening or free day is not."""

from collections.abc import Iterator
from math import pi, sin

import pytest

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.real_time.detector import Chart
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.recent_rate import counted, missed_after
from services.aggregator.core.real_time.tenant import MinuteWatch
from services.aggregator.core.real_time.volume import STOPS
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, MONDAY, Told

WATCH = MinuteWatch(RealTimeRule(), [STOPS])
BERLIN = TenantDays([(0, Calendar("Europe/Berlin"))])
SATURDAY = MONDAY + 5 * DAY


def traffic(from_ms: int, until_ms: int, n: int = 5, hours: tuple[int, int] = (0, 24)) -> Iterator[Minute]:
    """Yield minutes of n transactions; only within `hours` of UTC."""
    for at_ms in range(from_ms, until_ms, MINUTE):
        if hours[0] <= at_ms % DAY // HOUR < hours[1]:
            yield Minute(at_ms, n, 0)


def severities(told: Told) -> list[str]:
    return [each.event.severity for each in told.published if each.event.state == "firing"]


@pytest.mark.parametrize("n", [4, 17])
@pytest.mark.parametrize("stopped_h", [3, 10, 20, 24 + 3, 24 + 20, 5 * 24 + 11, 6 * 24 + 22, 12 * 24 + 15])
def test_a_bank_that_is_down_is_told_within_twenty_minutes_whatever_its_age(stopped_h: int, n: int) -> None:
    """Of 240 and of 1,000 an hour, around the clock: at night, on the first Saturday, in the second week."""
    stopped = MONDAY + stopped_h * HOUR + 7 * MINUTE
    told = Told(WATCH).feed(traffic(MONDAY, stopped, n)).pass_until(stopped + 2 * HOUR)
    assert severities(told) == ["high"]
    assert told.published[0].at_ms <= stopped + 20 * MINUTE


@pytest.mark.parametrize("hours", [(8, 18), (9, 17), (8, 22), (6, 14)])
@pytest.mark.parametrize("days", [UTC_DAYS, BERLIN])
def test_an_office_that_closes_and_its_free_days_wake_nobody(hours: tuple[int, int], days: TenantDays) -> None:
    """From the first evening to the second Monday: nobody comes on Saturday and Sunday."""
    told = Told(WATCH, days)
    for day in range(8):
        if day not in (5, 6):
            told.feed(traffic(MONDAY + day * DAY, MONDAY + (day + 1) * DAY, 17, hours))
        told.pass_until(MONDAY + (day + 1) * DAY + hours[0] * HOUR)
    assert "high" not in severities(told)


def test_an_office_that_stops_in_the_middle_of_its_second_day_is_down() -> None:
    """It had traffic at eleven the day before; at half past five it may have closed."""
    for stopped_h, expected in ((11.0, ["high"]), (17.5, [])):
        stopped = MONDAY + DAY + round(stopped_h * HOUR)
        told = Told(WATCH).feed(traffic(MONDAY, MONDAY + DAY, 17, (8, 18)))
        told.feed(traffic(MONDAY + DAY, stopped, 17, (8, 18)))
        told.published.clear()
        told.pass_until(stopped + 2 * HOUR)
        assert [each for each in severities(told) if each == "high"] == expected


def test_a_holiday_that_nobody_named_begins_with_no_traffic_and_is_no_stop() -> None:
    """The first Tuesday: what does not begin in the morning may be a habit, for two weeks."""
    told = Told(WATCH).feed(traffic(MONDAY, MONDAY + DAY, 17, (8, 18))).pass_until(MONDAY + 2 * DAY)
    assert "high" not in severities(told)


def test_a_night_that_comes_gradually_is_expected() -> None:
    """The rate falls to nothing within three hours: what is missed afterwards is what was to come, and is little."""
    chart = Chart()
    for minute in range(600):
        n = max(0, round(17 * (1 + 1.4 * sin(2 * pi * (minute / 60 + 14 - 8) / 24))))
        if n == 0:
            break
        chart = _counted(chart, n)
    assert chart.level > 1
    assert missed_after(chart, 20) is None


def test_bursts_make_silence_no_surprise() -> None:
    """Five a minute are missed after eight minutes; where they come at once every tenth minute, after as many more."""
    even, bursts = Chart(), Chart()
    for _ in range(60):
        for _ in range(10):
            even = _counted(even, 5)
        bursts = _counted(bursts, 50, gap=9)
    assert missed_after(even, 20) == 9
    late = missed_after(bursts, 20)
    assert late is None or late > 40


def test_what_is_never_seen_is_never_missed() -> None:
    """A new tenant, and a state of a release that did not count the last minutes."""
    assert missed_after(Chart(), 20) is None
    assert missed_after(Chart(level=5.0), 20) is None


def _counted(chart: Chart, n: int, gap: int = 0) -> Chart:
    level, fast, spread = counted(chart, gap, n)
    return Chart(level=level, fast=fast, spread=spread)
