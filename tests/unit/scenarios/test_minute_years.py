"""Years of minutes are watched by the functions of the services, in one pass."""

import numpy as np

from tests.scenarios.effects import DAY_S, Effect
from tests.scenarios.minute_years import MinutePass
from tests.scenarios.minutes import minutes_of
from tests.scenarios.quiet_minutes import BERLIN
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch, days_of

HOUR_S = 3_600
EFFECTS = (
    Effect(2 * DAY_S + 10 * HOUR_S, 2 * DAY_S + 11 * HOUR_S, fixed=0.0, scores="all_one"),
    Effect(3 * DAY_S + 12 * HOUR_S, 3 * DAY_S + 13 * HOUR_S, volume=0.0),
    Effect(4 * DAY_S + 10 * HOUR_S, 4 * DAY_S + 11 * HOUR_S, fixed=1.0, again=1.0, scores="all_zero"),
)


def test_one_pass_finds_what_the_services_find() -> None:
    """Event for event: what fires, and what ends."""
    tenant = BERLIN._replace(per_hour=300.0)
    drawn = list(days(np.random.default_rng(5), tenant, 5, EFFECTS))
    one, services = MinutePass(days_of(tenant)), TenantWatch(days=days_of(tenant))
    found = [each for day in drawn for minute in minutes_of(day) for each in one.closed(minute)]
    assert found == [each for day in drawn for each in services.minutes(day)]
    assert {each.event.rule for each in found} >= {"saturation", "volume"}
    assert len(found) >= 6
