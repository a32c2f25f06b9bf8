"""The detection code is fed as the services feed it: days of a tenant are its own."""

import numpy as np
import pytest
from msgspec.structs import replace

from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.instants import ms_of
from tests.scenarios.effects import DAY_S, Effect
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch, days_of
from tests.scenarios.windows import MONDAY_MS


@pytest.mark.parametrize(("zone", "ahead_h"), [(None, 0.0), ("Asia/Dubai", 4.0), ("Asia/Kolkata", 5.5)])
def test_a_day_is_judged_at_its_end_by_the_clock_of_the_tenant(zone: str | None, ahead_h: float) -> None:
    """A bad day of the tenant's date is a finding of that date, and of no other."""
    tenant = Tenant(zone=zone, per_hour=400.0)
    from_s = 8 * DAY_S - ahead_h * 3_600
    watch = TenantWatch(minutes=False, days=days_of(tenant))
    effect = Effect(from_s, from_s + DAY_S, fixed=0.1, again=0.1)
    found = [each for day in days(np.random.default_rng(3), tenant, 10, [effect]) for each in watch.day(day.of(0))]
    daily = [
        event
        for _, event in found
        if (event.rule, event.metric, event.state) == ("twice_baseline", "liveness_fail_rate", "firing")
        and ms_of(event.window_end) - ms_of(event.window_start) == DAY_S * 1000
    ]
    begin_ms = MONDAY_MS + round(from_s * 1000)
    assert [(ms_of(each.window_start), each.severity) for each in daily] == [(begin_ms, "high")]


def test_a_watch_that_does_not_work_out_begins_says_the_same_of_all_else() -> None:
    """What nothing is planted for is played by it."""
    tenant = Tenant(per_hour=400.0)
    effect = Effect(3 * DAY_S, 5 * DAY_S, factor=4.0)
    drawn = [day.of(1) for day in days(np.random.default_rng(5), tenant, 6, [effect])]
    found = []
    for begins in (True, False):
        watch = TenantWatch(minutes=False, begins=begins)
        found.append([each for day in drawn for each in watch.day(day)])
    known, unknown = (
        [(at_ms, replace(event, since=None, since_low=None, since_high=None)) for at_ms, event in each]
        for each in found
    )
    assert known == unknown != found[0]


def test_charts_of_people_who_are_referred_are_fed() -> None:
    """A check that most fail for a day refers many people; days, which have no such figure, say nothing of it."""
    tenant = Tenant(per_hour=400.0)
    effect = Effect(DAY_S, 2 * DAY_S, fixed=0.3, again=0.8)
    watch = TenantWatch(minutes=False)
    found = [each for day in days(np.random.default_rng(3), tenant, 2, [effect]) for each in watch.day(day.of(0))]
    told = {event.rule for _, event in found if event.metric == PEOPLE_REFERRED and event.severity == "high"}
    assert told == {"cusum"}
