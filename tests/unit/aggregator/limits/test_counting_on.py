"""While a limit stands broken every label counts on, of genuine people and impostors as of attacks."""

from datetime import UTC, datetime, timedelta

import pytest

from services.aggregator.core.limits.judging import quiet_from
from services.aggregator.core.segments import WHOLE
from tests.unit.aggregator.limits.tenant import MONDAY, Tenant, counted

START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=MONDAY)
BROKEN = {"fmr": (5, 600), "fnmr": (60, 1_000), "bpcer": (40, 1_000)}


@pytest.mark.parametrize("metric", BROKEN)
def test_what_comes_later_is_counted_on(metric: str) -> None:
    """Each evaluation that knows more is a revision of the same finding, with its counts."""
    tenant, (k, n) = Tenant(), BROKEN[metric]
    first, second = tenant.day_by_day({counted(metric, 0): (k, n), counted(metric, 1): (k, n)}, 1)
    assert second.anomaly_id == first.anomaly_id
    assert [(each.revision, each.state, each.k, each.n) for each in (first, second)] == [
        (1, "firing", k, n), (2, "firing", 2 * k, 2 * n),
    ]  # fmt: skip


def test_of_impostors_each_one_that_matched_is_told() -> None:
    """Five of 600, not the four or so beyond one in a thousand: each of them is somebody else."""
    (event,) = Tenant().evaluate({counted("fmr", 0): (5, 600)})
    assert event.affected == 5


@pytest.mark.parametrize("metric", BROKEN)
def test_a_week_after_the_last_label_its_counts_are_settled(metric: str) -> None:
    """One revision more, with the same counts, known a week later; and no other one until it ends."""
    tenant, (k, n) = Tenant(), BROKEN[metric]
    told = tenant.day_by_day({counted(metric, 0): (k, n), counted(metric, 2): (3, 50)}, 20)
    assert [(each.revision, each.state, each.k) for each in told] == [
        (1, "firing", k), (2, "firing", k + 3), (3, "firing", k + 3),
    ]  # fmt: skip
    assert told[2].known_at is not None
    assert told[1].known_at is not None
    assert told[2].known_at - told[1].known_at == timedelta(days=7)


def test_it_is_due_when_it_settles_and_not_again() -> None:
    """Or nobody would look at the tenant then; and it would be looked at with every step after it."""
    tenant = Tenant()
    tenant.evaluate({counted("fmr", 0): (5, 600)})
    assert quiet_from(tenant.cohorts[WHOLE]) == MONDAY + 7
    tenant.evaluate({}, 7)
    assert quiet_from(tenant.cohorts[WHOLE]) == MONDAY + 28


def test_it_is_the_same_whether_days_are_judged_one_by_one_or_at_once() -> None:
    """Also where the newest days do not prove it any more."""
    counts = {counted("bpcer", 0): (40, 1_000), counted("bpcer", 3): (0, 40_000), counted("bpcer", 30): (1, 100)}
    one_by_one, at_once = Tenant(), Tenant()
    one_by_one.day_by_day(counts, 60)
    at_once.evaluate(counts, 60)
    assert one_by_one.told == at_once.told


@pytest.mark.parametrize(("day", "begins"), [(0, 0), (12, 0), (27, 0), (40, 13)])
def test_a_window_begins_with_the_first_labelled_transaction_at_the_earliest(day: int, begins: int) -> None:
    """28 days up to the last, or as many as there are: no label tells of the days before, nor does the log."""
    (event,) = Tenant().evaluate({counted("fnmr", 0): (0, 10), counted("bpcer", day): (40, 1_000)})
    assert (event.window_start, event.window_end) == (START + timedelta(begins), START + timedelta(day + 1))
