"""How often the detectors of minutes are wrong: traffic in which nothing happens.

One tenant of 1,000 an hour was run for a year by hand, and told nothing; that is thin evidence for a budget.
Here the same traffic runs for as long as a unit test may.
"""

import pytest

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.unit.aggregator.real_time.traffic import Told, year_of

WATCH = MinuteWatch(RealTimeRule())


@pytest.mark.parametrize(("seed", "per_hour", "days"), [(11, 1_000.0, 12), (12, 200.0, 12), (13, 20.0, 15)])
def test_where_nothing_happens_nothing_is_told(seed: int, per_hour: float, days: int) -> None:
    """Hours, weekends and retries that cluster: the first weekend too, which no earlier date explains."""
    assert Told(WATCH).feed(year_of(days, seed, per_hour)).said() == []
