"""How findings of minutes go on and end: within minutes, dated by when they did, with everybody counted."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import RealTimeRule
from proofwatch.instants import ms_of
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, MONDAY, Told, minute, steady

WATCH = MinuteWatch(RealTimeRule())
PER_MINUTE = (1, 4, 20)
"""Transactions: a small bank, one of 3,000 a day, a large one."""
LASTS = 40
Faulty = Callable[[int, int], Minute]
"""Makes the minute at a time with so many transactions while something is wrong."""


def saturated(at_ms: int, n: int) -> Minute:
    return minute(at_ms, n, 0, at_one=n, alike=1.0)


def alike(at_ms: int, n: int) -> Minute:
    return minute(at_ms, n, int(at_ms // MINUTE % 8 == 0), alike=1.0)


def missing(at_ms: int, n: int) -> Minute:
    return minute(at_ms, n, 0, missing=n)


def refused(at_ms: int, n: int) -> Minute:
    return minute(at_ms, n, n)


def usual(from_ms: int, minutes: int, n: int) -> list[Minute]:
    """Return minutes in which 2.5 % fail, as nearly as so few can."""
    every = max(1, round(1 / (0.025 * n)))
    return [minute(from_ms + i * MINUTE, n, failed=int(i % every == every - 1)) for i in range(minutes)]


@cache
def known(n: int) -> TenantState:
    """Return what is known of a tenant after two days."""
    return Told(WATCH).feed(usual(MONDAY, 2 * 24 * 60, n)).state


def watched(n: int, faulty: Faulty, lasts: int = LASTS, after: int = 8 * 60) -> tuple[Told, int]:
    """Return what is told of a tenant whose fault begins after two days, and when it does."""
    begin_ms = MONDAY + 2 * DAY
    told = Told(WATCH)
    told.state = known(n)
    told.feed(faulty(begin_ms + i * MINUTE, n) for i in range(lasts))
    told.feed(usual(begin_ms + lasts * MINUTE, after, n))
    return told, begin_ms


def incidents(told: Told) -> Iterator[tuple[Anomaly, Anomaly, int]]:
    """Yield the last firing revision of each finding, its end, and when that was told."""
    for found in {each.event.anomaly_id: None for each in told.published}:
        mine = [each for each in told.published if each.event.anomaly_id == found]
        assert mine[-1].event.state == "resolved", mine[-1].event
        yield mine[-2].event, mine[-1].event, mine[-1].at_ms


FAULTS = [(each, n) for each in (saturated, missing, refused) for n in PER_MINUTE] + [(alike, 8), (alike, 20)]
"""Few scores a minute have few pairs that could be alike: those are known to be when it is over."""


@pytest.mark.parametrize(("faulty", "n"), FAULTS, ids=lambda each: getattr(each, "__name__", str(each)))
def test_what_was_wrong_for_forty_minutes_is_over_within_minutes_and_said_to_be_so_since_then(
    faulty: Faulty, n: int
) -> None:
    """One finding; its end comes by some ten scores, is dated by the last bad minute, and counts everybody."""
    told, begin_ms = watched(n, faulty)
    ((last, end, at_ms),) = incidents(told)
    over_ms = begin_ms + LASTS * MINUTE
    assert end.resolution is None
    assert abs(ms_of(end.window_start) - over_ms) <= 2 * MINUTE
    assert ms_of(last.window_end) == ms_of(end.window_start)
    assert at_ms - over_ms <= (6 + 16 / n) * MINUTE
    assert end.affected == last.affected
    assert last.affected is not None
    assert last.affected == pytest.approx(n * LASTS, rel=0.15)


def test_a_finding_says_while_it_stands_how_far_it_has_come() -> None:
    """With each doubling of those affected; told so often in its life, and not each minute."""
    told, _ = watched(20, saturated, lasts=200, after=0)
    affected = [each.event.affected or 0.0 for each in told.published]
    assert [each.event.state for each in told.published] == ["firing"] * len(affected)
    assert affected == sorted(affected)
    assert affected[-1] >= 200 * 20 / 2
    assert len(affected) <= 9


def test_of_a_series_that_was_held_back_nothing_is_told_once_the_other_is_over() -> None:
    """Scores that are all 1.0 are all alike too, and higher: their blocks reach beyond the end."""
    for n in PER_MINUTE:
        told, _ = watched(n, saturated, lasts=90, after=24 * 60)
        assert {each.event.rule for each in told.published} == {"saturation"}


def test_a_minute_that_is_bad_again_takes_the_end_back() -> None:
    """By turns of three bad minutes and three good ones it goes on."""

    def by_turns(at_ms: int, n: int) -> Minute:
        return saturated(at_ms, n) if at_ms // MINUTE % 6 < 3 else minute(at_ms, n, 1)

    told, begin_ms = watched(20, by_turns, lasts=120)
    ((_, end, _),) = incidents(told)
    assert ms_of(end.window_start) >= begin_ms + 115 * MINUTE


def test_half_of_the_scores_at_the_bound_are_no_end() -> None:
    """What fell from all to six in ten is not over."""

    def less(at_ms: int, n: int) -> Minute:
        first = at_ms < MONDAY + 2 * DAY + 20 * MINUTE
        return saturated(at_ms, n) if first else minute(at_ms, n, 0, at_one=6 * n // 10, alike=0.4)

    told, begin_ms = watched(20, less, lasts=600)
    ((_, end, _),) = incidents(told)
    assert abs(ms_of(end.window_start) - begin_ms - 600 * MINUTE) <= 2 * MINUTE


def test_nobody_failing_is_over_with_some_failures() -> None:
    """What takes twenty expected failures to be told ends by some six."""

    def open_(at_ms: int, n: int) -> Minute:
        return minute(at_ms, n, 0)

    told, begin_ms = watched(20, open_, lasts=300)
    ((last, end, at_ms),) = incidents(told)
    over_ms = begin_ms + 300 * MINUTE
    assert (last.rule, last.k) == ("collapse", 0)
    assert abs(ms_of(end.window_start) - over_ms) <= 3 * MINUTE
    assert at_ms - over_ms <= 20 * MINUTE
    assert last.affected == pytest.approx(300 * 20 * 0.025, rel=0.1)


def test_traffic_that_comes_back_ends_its_absence_at_the_minute() -> None:
    """Two hours of nothing: told to be over since the first transactions."""
    told = Told(WATCH).feed(usual(MONDAY, 16 * 60, 4))
    told.published.clear()
    gone_ms = MONDAY + 16 * HOUR
    told.pass_until(gone_ms + 2 * HOUR).feed(usual(gone_ms + 2 * HOUR, 60, 4))
    ((last, end, at_ms),) = incidents(told)
    assert (last.rule, last.k, last.n) == ("volume", 0, 120)
    assert end.n <= 6
    assert last.affected
    assert 100 < last.affected < 4 * 120
    assert ms_of(end.window_start) == gone_ms + 2 * HOUR
    assert at_ms <= gone_ms + 2 * HOUR + 6 * MINUTE


def trickle(from_ms: int, minutes: int, every: int, n: int) -> list[Minute]:
    """Return n transactions together each so many minutes; minutes without any do not exist."""
    return [minute(from_ms + i * MINUTE, n) for i in range(0, minutes, every)]


def test_a_holiday_that_nobody_named_is_one_finding_with_one_end() -> None:
    """A day with a quarter of the traffic comes in bursts: the silence between them counts, and half is no end."""
    told = Told(WATCH)
    for day in range(14):
        told.feed(steady(MONDAY + day * DAY + 9 * HOUR, 10 * 60, n=1))
    told.published.clear()
    holiday_ms = MONDAY + 14 * DAY
    told.feed(steady(holiday_ms + 9 * HOUR, 20, n=1))
    told.feed(trickle(holiday_ms + 9 * HOUR + 25 * MINUTE, 9 * 60, every=12, n=3))
    told.feed(steady(holiday_ms + DAY + 9 * HOUR, 5 * 60, n=1))
    stops = [each.event for each in told.published if each.event.rule == "volume" and each.event.direction == "down"]
    assert len({each.anomaly_id for each in stops}) == 1
    assert [each.revision for each in stops if each.state == "resolved"] == [stops[-1].revision]


def test_a_surge_ends_within_minutes() -> None:
    """Ten times the traffic for a quarter of an hour."""
    told = Told(WATCH)
    for day in range(14):
        told.feed(steady(MONDAY + day * DAY, 4 * 60, n=5))
    told.published.clear()
    begin_ms = MONDAY + 14 * DAY + HOUR
    told.feed(steady(begin_ms, 15, n=50)).feed(steady(begin_ms + 15 * MINUTE, 60, n=5))
    ((_, end, at_ms),) = [each for each in incidents(told) if each[1].direction == "up"]
    assert ms_of(end.window_start) == begin_ms + 15 * MINUTE
    assert at_ms <= begin_ms + 21 * MINUTE
