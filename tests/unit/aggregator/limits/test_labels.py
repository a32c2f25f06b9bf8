"""Labels that stop: by the tenant's own rhythm, once, with an end; and weeks of far fewer or more."""

import random
from collections.abc import Callable
from datetime import date

import pytest

from proofwatch.events.types import Anomaly
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.limits.judging import quiet_from
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.times import DAY_MS
from tests.unit.aggregator.limits.tenant import GRACE_MS, MONDAY, Counts, Tenant, counted

Sends = Callable[[int], int]
"""How many labels come on a day."""


def arrivals(sends: Sends, days: range) -> Counts:
    return {counted("labels", day): (0, n) for day in days if (n := sends(day))}


def daily(day: int) -> int:
    """A file each night at three."""
    return 40


def weekly(day: int) -> int:
    """A file each Monday."""
    return 300 if day % 7 == 0 else 0


def working(day: int) -> int:
    """Some on working days."""
    return 25 if day % 7 < 5 else 0


def said(found: list[Anomaly]) -> list[tuple[object, ...]]:
    return [
        (e.rule, e.direction, e.state, e.severity, (ms_of(e.window_end) - GRACE_MS) // DAY_MS - 1 - MONDAY)
        for e in found
    ]


def year(sends: Sends, until: int) -> Tenant:
    tenant = Tenant()
    tenant.day_by_day(arrivals(sends, range(until + 1)), until)
    return tenant


@pytest.mark.parametrize("sends", [daily, weekly, working])
def test_a_rhythm_that_goes_on_is_told_of_by_nobody(sends: Sends) -> None:
    """Neither each night, nor each weekend, nor between two files."""
    assert year(sends, 120).told == []


@pytest.mark.parametrize(
    ("sends", "last", "low", "high"), [(daily, 69, 71, 73), (weekly, 63, 74, 85), (working, 67, 72, 81)]
)
def test_labels_that_stop_are_told_at_one_and_a_half_and_at_three_of_the_usual_gap(
    sends: Sends, last: int, low: int, high: int
) -> None:
    """Once, with since when, what was usual, and when it became known; rising, not again.

    Who rests at times may do so for ten days longer.
    """
    tenant = year(lambda day: sends(day) if day <= last else 0, 110)
    assert said(tenant.told) == [
        ("silence", "down", "firing", "low_evidence", low),
        ("silence", "down", "firing", "high", high),
    ]
    event = tenant.told[-1]
    assert (event.metric, event.k, event.n, event.cadence) == ("labels", 0, high - last, "daily")
    assert event.since is not None
    assert ms_of(event.since) == (MONDAY + last + 1) * DAY_MS + GRACE_MS
    assert event.known_at is not None
    assert ms_of(event.known_at) == (MONDAY + high + 1) * DAY_MS + GRACE_MS
    assert event.revision == 2
    assert event.anomaly_id == tenant.told[0].anomaly_id


@pytest.mark.parametrize(
    "rest", [range(61, 66), range(63, 72), range(59, 71)], ids=["bridged", "golden week", "new year"]
)
def test_a_holiday_of_working_days_is_of_low_evidence_at_most(rest: range) -> None:
    """Nor is the week in which it begins or ends one with too few labels."""
    told = year(lambda day: 0 if day in rest else working(day), 120).told
    assert {event.severity for event in told} <= {"low_evidence"}


def test_holidays_that_the_calendar_names_are_no_silence() -> None:
    """Nor do they make a gap, by which the next silence would be measured."""
    rest = range(63, 72)

    def sends(day: int) -> int:
        return 0 if day in rest or day > 95 else working(day)

    named = [date.fromordinal(date(1970, 1, 1).toordinal() + MONDAY + day) for day in rest]
    tenant = Tenant(TenantDays([(0, Calendar("UTC", ("saturday", "sunday"), named))]))
    tenant.day_by_day(arrivals(sends, range(121)), 120)
    assert [row[:4] for row in said(tenant.told)] == [
        ("silence", "down", "firing", "low_evidence"),
        ("silence", "down", "firing", "high"),
    ]
    assert said(tenant.told)[0][4] == 95 + 5


def test_it_ends_with_the_next_label_and_is_not_followed_by_a_small_week() -> None:
    """One cause, one finding."""
    tenant = year(lambda day: 0 if 60 <= day < 70 else 40, 120)
    assert [state for _, _, state, _, _ in said(tenant.told)] == ["firing", "firing", "resolved"]
    assert said(tenant.told)[-1] == ("silence", "down", "resolved", "high", 70)
    assert (tenant.told[-1].k, tenant.told[-1].n) == (40, 1)
    again = year(lambda day: 0 if 60 <= day < 70 or day > 90 else 40, 100)
    assert again.told[-1].anomaly_id != again.told[0].anomaly_id
    assert said(again.told)[3] == ("silence", "down", "firing", "low_evidence", 92)  # one silence is no habit


def test_whatever_is_asked_for_at_once_the_same_is_told() -> None:
    """A log that is judged at its end tells what its days told."""

    def sends(day: int) -> int:
        return 0 if 60 <= day < 66 or day > 100 else 40 if day < 80 else 10

    counts = arrivals(sends, range(131))
    days, at_once, pieces = Tenant(), Tenant(), Tenant()
    days.day_by_day(counts, 130)
    at_once.evaluate(counts, 130)
    rng, at = random.Random(1), -1
    while at < 130:
        until = min(130, at + rng.randint(1, 20))
        pieces.evaluate({k: n for k, n in counts.items() if at < k.effective - MONDAY <= until}, until)
        at = until
    assert len(days.told) >= 5
    assert at_once.told == pieces.told == days.told


def test_few_labels_are_no_rhythm() -> None:
    """A label a week, now and then: twenty are not expected for months; nor are two weeks enough to know."""
    assert year(lambda day: int(day % 7 == 0 and day < 70), 120).told == []
    assert year(lambda day: 40 if day < 12 else 0, 60).told == []


def test_a_week_with_a_quarter_of_the_labels_is_told_and_what_lasts_ends() -> None:
    """What happened twice is usual."""
    tenant = year(lambda day: 40 if day < 70 else 10, 120)
    assert [row[:4] for row in said(tenant.told)] == [
        ("volume", "down", "firing", "high"),
        ("volume", "down", "resolved", "high"),
    ]
    event = tenant.told[0]
    assert (event.n, event.baseline_rate, event.threshold) == (7, 40.0, 0.4 * 280)
    assert 70 <= said(tenant.told)[0][4] <= 77  # type: ignore[operator]


def test_a_week_with_four_times_as_many_is_of_low_evidence() -> None:
    """A file that came twice, or what was late for weeks."""
    tenant = year(lambda day: 1_000 if day == 70 else 40, 100)
    assert [row[:4] for row in said(tenant.told)] == [
        ("volume", "up", "firing", "low_evidence"),
        ("volume", "up", "resolved", "low_evidence"),
    ]


def test_when_silence_is_due_is_known_beforehand() -> None:
    """So nobody looks at a tenant until then: the day at whose closing it is to be judged."""
    tenant = year(daily, 69)
    assert quiet_from(tenant.cohorts[WHOLE]) == MONDAY + 71
    tenant.evaluate({}, 71)
    assert quiet_from(tenant.cohorts[WHOLE]) == MONDAY + 73
    tenant.evaluate({}, 73)
    assert quiet_from(tenant.cohorts[WHOLE]) is None
