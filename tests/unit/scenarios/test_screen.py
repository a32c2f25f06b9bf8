"""The charts of a tenant's slices as arrays: the same numbers as the services' own, for as long as nothing alarms."""

import numpy as np
import pytest

from services.aggregator.core.cusum import hours, profile
from services.aggregator.core.cusum.state import RowKey
from tests.scenarios.effects import SLICES, Effect
from tests.scenarios.screen import CHARTED, Screen, named
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch, days_of

DAYS = 3


@pytest.mark.parametrize("tenant", [Tenant(), Tenant(per_hour=500.0, again=0.6, zone="Asia/Kolkata")])
def test_arrays_say_what_the_charts_say(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics, what they are compared with and how far that varies, by hours that pass and with a reference."""
    for module in (profile, hours):
        monkeypatch.setattr(module, "KEPT_HOURS", 40)  # else the reference comes after 28 days
    monkeypatch.setattr(profile, "_REFERENCE_DATES", 2)
    watch = TenantWatch(minutes=False, begins=False, days=days_of(tenant))
    screen = Screen(5, DAYS * 24, days_of(tenant))
    references = 0
    for each in days(np.random.default_rng(3), tenant, DAYS):
        day = each.of(1)
        watch.day(day)
        screen.day(day)
        for place, where in enumerate(SLICES[:5]):
            for number, metric in enumerate(CHARTED):
                state, at = watch.rates(RowKey("bank", *where))[metric], place * len(CHARTED) + number
                sides = (state.up.baseline, state.up.reference, state.down.baseline, state.down.reference)
                assert screen.statistic[:, :, at].ravel().tolist() == pytest.approx([one.statistic for one in sides])
                assert screen.phi[at] == pytest.approx(state.phi)
                assert screen.usual.p0[0, at] == pytest.approx(state.usual.p0)
                assert screen.usual.n[0, at] == state.usual.n
                if state.reference is not None:
                    references += 1
                    assert screen.usual.p0[1, at] == pytest.approx(state.reference.p0)
                    assert screen.usual.n[1, at] == state.reference.n
    assert references > DAYS


def test_a_slice_that_rises_is_named() -> None:
    """Its charts are left to the services; those of slices that nothing happens to are not."""
    bad = Effect(86_400.0, 2 * 86_400.0, ("device_model", "b"), factor=5.0)
    found = named([each.of(1) for each in days(np.random.default_rng(3), Tenant(), 2, [bad])], Tenant())
    assert SLICES.index(("device_model", "b")) in found
    assert SLICES.index(("device_model", "c")) not in found
