"""First attempts are judged, and yet retries that fail more often are seen."""

import numpy as np
import pytest

from proofwatch.governance.tenant_days import UTC_DAYS
from tests.scenarios.effects import DAY_S, Effect
from tests.scenarios.planted import FLAT
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch


@pytest.fixture(scope="module")
def warm() -> TenantWatch:
    """A watch of a tenant of whose retries 28 % fail again, ten days old."""
    watch = TenantWatch(minutes=False, days=UTC_DAYS)
    for day in days(np.random.default_rng(3), FLAT, 10):
        watch.day(day.of(0))
    return watch


@pytest.mark.parametrize(("again", "found"), [(0.28, set[str]()), (0.8, {"refer_rate"})])
def test_retries_that_fail_more_often_are_found_by_what_becomes_of_them(
    warm: TenantWatch, again: float, found: set[str]
) -> None:
    """No first attempt fails more often, and no chart of them says so: more people are referred."""
    watch = warm.branch()
    effect = Effect(10 * DAY_S, 11 * DAY_S, again=again)
    told = [
        each.event
        for day in days(np.random.default_rng(4), FLAT, 1, [effect], first=10)
        for each in watch.day(day.of(0))
        if each.event.severity == "high" and each.event.rule == "cusum"
    ]
    assert {event.metric for event in told} == found
    assert {event.counted for event in told} <= {None}
