"""Series that are told side by side have the numbers that each has alone, to the last bit."""

import numpy as np
import pytest

from proofwatch.governance.calendar import UTC_CALENDAR, calendar_of
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.profile import Hours, packed, usual_of
from services.aggregator.core.cusum.together import Together
from tests.unit.aggregator.cusum.alone import written_dispersion, written_rate

RULE = CusumRule()
FIRST = 490_000
CALENDARS = {"UTC": UTC_CALENDAR, "Gulf": calendar_of("Asia/Riyadh", ("friday", "saturday"))}


def drawn(seed: int) -> list[Hours]:
    """Return series of none to 672 hours, some without failures, some with gaps, some of whose hours alarmed."""
    rng, series = np.random.default_rng(seed), []
    for many in (0, 1, 2, 30, 672, 400, 24, 0, 100):
        hours = FIRST + np.sort(rng.choice(672, many, replace=False))
        n = rng.integers(1, rng.choice([3, 40, 4_000]), many)
        k = rng.binomial(n, rng.choice([0.0, 0.01, 0.2, 0.9], many) * rng.integers(0, 2))
        series.append(np.stack([hours, k, n, rng.random(many) < 0.1], 1).astype(np.int64))
    return series


@pytest.mark.parametrize("zone", CALENDARS)
@pytest.mark.parametrize("seed", range(20))
def test_many_series_have_the_numbers_that_each_has_alone(seed: int, zone: str) -> None:
    """Rates and dispersions; whatever is left out of them."""
    calendar, series, hour = CALENDARS[zone], drawn(seed), FIRST + 680
    before = [FIRST + 300 if at % 3 == 1 else None for at in range(len(series))]
    together = Together([packed(each) for each in series], calendar, before)
    usual = usual_of(together, hour, [0.02] * 9, [RULE] * 9, calendar.slot(hour), [False] * 9)
    phi = together.dispersions([RULE.dispersion_floor] * 9, [RULE.dispersion_unknown] * 9)
    for at, hours in enumerate(series):
        good = hours[(hours[:, 3] == 0) & (hours[:, 0] < (before[at] or hour))]
        assert together.hours(at).tolist() == good.tolist()
        assert (together.k[at], together.n[at], together.rows[at]) == (*good[:, 1:3].sum(axis=0), len(good))
        assert phi[at] == written_dispersion(good, RULE, calendar)
        if usual[at].n:
            assert usual[at].p0 == written_rate(good, hour, 0.02, calendar)
        else:
            assert usual[at].p0 == 0.02
            assert not len(good) or together.k[at] < RULE.baseline_failures
