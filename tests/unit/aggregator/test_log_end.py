"""The end of a log that has one is nobody's silence, and no day that was within."""

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.limits.labels import LabelWatch
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import LABELS
from services.aggregator.core.log_end import breaks_off, last_day, silent_until
from services.aggregator.core.times import DAY_MS, HOUR_MS

DUBAI = TenantDays([(0, Calendar("Asia/Dubai"))])


def test_silence_counts_up_to_the_last_transaction() -> None:
    """Of a log that goes on, up to what is past."""
    assert (silent_until(900, 500), silent_until(300, 500), silent_until(900, None)) == (500, 300, 900)
    assert silent_until(None, 500) is None


def test_a_log_breaks_off_within_a_day_unless_its_last_hour_is_there() -> None:
    """A log of days seldom has a transaction of its last minute."""
    assert breaks_off(DAY_MS, DAY_MS - HOUR_MS - 1)
    assert not breaks_off(DAY_MS, DAY_MS - HOUR_MS)
    assert not breaks_off(DAY_MS, 3 * DAY_MS)
    assert not breaks_off(DAY_MS, None)


def test_the_last_day_at_whose_closing_it_went_on() -> None:
    """By the tenant's days, and the grace of labelled days."""
    assert last_day(UTC_DAYS, 10 * DAY_MS, 0) == 9
    assert last_day(UTC_DAYS, 10 * DAY_MS, DAY_MS) == 8
    assert last_day(UTC_DAYS, 10 * DAY_MS - HOUR_MS, 0) == 9
    assert last_day(DUBAI, 10 * DAY_MS - 4 * HOUR_MS, 0) == 9
    assert last_day(UTC_DAYS, None, 0) is None


def test_labels_that_come_after_the_traffic_are_neither_silent_nor_few() -> None:
    """A hundred a day for ten weeks, then fewer and fewer, then none: no traffic of so late could have any."""

    def told(last: int | None) -> set[str]:
        arrivals = {day: (0, 100 if day < 70 else 5 if day < 75 else 0) for day in range(75)}
        found = set()
        for until in range(60, 90):
            cohort = CohortState()
            cohort.days[LABELS] = {day: n for day, n in arrivals.items() if day <= until and n[1]}
            watch = LabelWatch("bank", cohort, 0, UTC_DAYS, last)
            events = [*(watch.arrived(until) if arrivals.get(until, (0, 0))[1] else ()), *watch.silent(until)]
            found |= {each.rule for each in events if each.state == "firing"}
        return found

    assert told(None) == {"silence", "volume"}
    assert told(69) == set()
