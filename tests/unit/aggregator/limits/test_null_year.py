"""How often a sound tenant is accused: the budget of the detectors, on some simulated years."""

from collections import Counter

import pytest

from tests.unit.aggregator.limits.null_year import LARGE, SMALL, Volume, year


@pytest.mark.parametrize("volume", [SMALL, LARGE], ids=["small", "large"])
def test_half_of_every_limit_is_never_accused(volume: Volume) -> None:
    """Five rates at half of their limits, three seeds: nothing in three years."""
    assert sum((year(seed, 0.5, volume) for seed in range(3)), Counter()) == Counter()


def test_close_to_every_limit_accusations_stay_rare() -> None:
    """At nine tenths, few labels a day: the worst of the table in docs; at the limit itself they would not be rare."""
    found = sum((year(seed, 0.9, SMALL) for seed in range(4)), Counter())
    assert found.total() <= 3
    beyond = sum((year(seed, 3.0, SMALL) for seed in range(2)), Counter())
    assert {name.partition("/")[2] for name in beyond} == {"fnmr", "bpcer", "fmr", "apcer", "iapar"}
