"""What was usual before a new version: remembered as it was, also of a tenant with few transactions an hour."""

import pytest

from services.aggregator.core.versions.part import RATES, Part
from services.aggregator.core.versions.sums import Usual

_DAYS = 21
_HOURS = 24
_OF = 25


def test_the_rate_of_a_small_tenant_is_what_it_was() -> None:
    """One failure in some hours, 1 % of all: no hour ever has enough to survive being rounded down each night."""
    usual = Usual()
    for day in range(_DAYS):
        for hour in range(_HOURS):
            k = int((day * _HOURS + hour) % 4 == 0)
            rates = (k, _OF) + (0, _OF) * (len(RATES) - 1)
            scores = {800: 23, 10 + (day * 7 + hour) % 5: 2}
            part = Part(_OF, rates, {"liveness": scores}, {"os": {"ios": rates}})
            usual = usual.plus(day, hour, part)
    k, n = usual.sums.rate(RATES[0])
    assert k / n == pytest.approx(0.01, rel=0.1)
    bins = usual.sums.bins["liveness"]
    assert sum(many for place, many in bins.items() if place < 20) / sum(bins.values()) == pytest.approx(0.08, rel=0.1)
    slices = usual.slices["os"]["ios"]
    assert slices[0] / slices[1] == pytest.approx(0.01, rel=0.1)


def test_it_is_forgotten_in_a_week_or_two() -> None:
    """What was before fades by a seventh each day, to nothing in the end."""
    usual = Usual().plus(0, 9, Part(7, (3, 7) + (0, 7) * (len(RATES) - 1), {"match": {5: 1}}))
    for day in range(1, 60):
        usual = usual.plus(day, 9, Part(1, (0, 1) + (0, 1) * (len(RATES) - 1)))
    assert usual.sums.rate(RATES[0])[0] == 0
    assert not usual.sums.bins.get("match")
