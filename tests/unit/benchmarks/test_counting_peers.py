"""Counting beside others: who counted wrongly is no contender, and ratios are of one round."""

import pytest

from tests.benchmarks.contenders import Failed
from tests.benchmarks.counting_peers import CONTENDERS, Measured, Sums, check, ratio
from tests.benchmarks.counting_process import SEGMENTS
from tests.benchmarks.peers.counts import WHOLE, values_of

BY_NAME = {each.name: each for each in CONTENDERS}


def sums(whole: int, **others: int) -> Sums:
    return {WHOLE: whole, **dict.fromkeys(SEGMENTS, whole), **others}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("combine", sums(40_000)),
        ("combine", sums(41_000)),  # it reads whole batches
        ("quix", sums(30_000)),  # the last minute is open
        ("faust", sums(40_000)),
        ("aiokafka", {}),
    ],
)
def test_who_counted_every_verdict_for_its_tenant_and_each_segment_is_compared(name: str, found: Sums) -> None:
    """What a reader added up is what went in."""
    check(BY_NAME[name], found, 40_000)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("combine", sums(39_999)),
        ("faust", sums(40_000, os=39_999)),
        ("quix", sums(29_999)),
        ("quix", {}),
    ],
)
def test_who_counted_less_is_not(name: str, found: Sums) -> None:
    """A verdict that is missing for its tenant, or for one segment, is a failure; so is nothing at all."""
    with pytest.raises(Failed, match="counted"):
        check(BY_NAME[name], found, 40_000)


def test_a_ratio_is_within_a_round_and_only_of_whole_rounds() -> None:
    """A machine that slows down slows down both; who failed in one round has no ratio."""
    rounds = {
        "combine": [Measured(100, 1, 1), Measured(100, 4, 1)],
        "quix": [Measured(100, 6, 1), Measured(100, 24, 1)],
    }
    assert ratio(rounds, "combine", "quix", 5.0)["ratio"] == [6.0, 6.0, 6.0]
    assert ratio(rounds, "combine", "quix", 7.0)["met"] is False
    assert ratio({**rounds, "quix": rounds["quix"][:1]}, "combine", "quix", 5.0) == {
        "name": "combine",
        "against": "quix",
        "least": 5.0,
        "ratio": None,
        "met": False,
    }


def test_a_verdict_is_counted_for_its_tenant_and_the_values_of_all_segments() -> None:
    """The peers' work has the columns of the product's."""
    verdict = {
        "segments": {"sex": "female", "age_band": "25-34", "country": "IN"},
        "device": {"model": "Pixel 8a", "os": "android", "sdk_version": "4.2.0"},
    }
    assert {value.partition("=")[0] for value in values_of(verdict)} == {WHOLE, *SEGMENTS}
