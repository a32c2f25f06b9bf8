"""A release that begins with unusual people is not told high, as far as people may explain it; a bad one is."""

from collections.abc import Iterator

import numpy as np
import pytest

from proofwatch.detection.version_words import version_words
from services.aggregator.core.versions.memory import Memory
from services.aggregator.core.versions.part import Five, Part
from services.aggregator.core.versions.people import Mixed, factor, plus
from services.aggregator.core.versions.tenant import TenantVersions
from services.aggregator.core.versions.told import publish
from tests.unit.aggregator.versions.traffic import FIVE_MS, watched

DAY = 288
FIRST = 5_900_256
IN, OTHERS = 0.09, 0.02
"""Of 100 transactions in five minutes 30 are of IN."""


def part(random: np.random.Generator, people: int, fails: float) -> Part:
    failed = int(random.binomial(people, fails))
    return Part(people, (failed, people, 0, people, 0, 2 * people, failed, people, failed, people))


def plus_parts(*parts: Part) -> Part:
    rates = tuple(map(sum, zip(*(each.rates for each in parts), strict=True)))
    return Part(sum(each.n for each in parts), rates)


def traffic(
    seed: int, days: float, begin: int, share_in: float, share_others: float, times: float = 1.0
) -> Iterator[Five]:
    """Yield five minutes; from `begin` on the new version has these shares in IN and elsewhere, failing so often."""
    random = np.random.default_rng(seed)
    for number in range(int(days * DAY)):
        here, there = int(random.poisson(30)), int(random.poisson(70))
        in_new = int(random.binomial(here, share_in)) if number >= begin else 0
        others_new = int(random.binomial(there, share_others)) if number >= begin else 0
        new_in, new_others = part(random, in_new, times * IN), part(random, others_new, times * OTHERS)
        old_in, old_others = part(random, here - in_new, IN), part(random, there - others_new, OTHERS)
        new = plus_parts(new_in, new_others)
        slices = {"country": {"IN": plus_parts(new_in, old_in).rates, "DE": plus_parts(new_others, old_others).rates}}
        total = plus_parts(new_in, new_others, old_in, old_others)
        versions: dict[str, Part | None] = {"1": plus_parts(old_in, old_others), "2": new}
        yield Five(
            (FIRST + number) * FIVE_MS,
            Part(total.n, total.rates, {}, slices),
            {"sdk_version": {version: each for version, each in versions.items() if each and each.n}},
        )


def severities(memories: list[Memory]) -> set[str]:
    """Return how the rate of liveness failures was ever told of the release."""
    found = set()
    for memory in memories:
        each = memory.open.get("sdk_version", {}).get("2")
        told = each.standing.get("liveness_fail_rate") if each else None
        if told:
            found.add("low" if told.reading.explained else "high")
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_release_that_begins_in_a_country_that_fails_more_often_is_not_told_high(seed: int) -> None:
    """It fails as often as the country always did: 9 %, where all others are at 2 %."""
    assert "high" not in severities(list(watched(traffic(seed, 3.5, 2 * DAY, 0.5, 0.0))))


def test_what_people_may_explain_is_of_low_evidence_with_the_effect_that_they_do_not_explain() -> None:
    """And a finding that was sure stays so."""
    memories = list(watched(traffic(0, 2.6, 2 * DAY, 0.5, 0.0)))
    found = [publish("bank", TenantVersions(after=each)).events for each in memories]
    of_fails = [each for events in found for each in events if each.metric == "liveness_fail_rate"]
    assert {each.severity for each in of_fails} == {"low_evidence"}
    last = of_fails[-1]
    assert last.statistic is not None
    assert last.threshold is not None
    assert 1.5 < last.statistic < last.threshold
    words = version_words(last)
    assert words is not None
    assert "its people may be others than those of the version before" in words.sentence


def test_without_counts_of_countries_it_would_be_told_high() -> None:
    """So the test above can fail."""
    blind = [Five(f.start_ms, Part(f.whole.n, f.whole.rates), f.versions) for f in traffic(0, 3.5, 2 * DAY, 0.5, 0.0)]
    assert severities(list(watched(iter(blind)))) == {"high"}


def test_a_release_that_is_bad_is_told_high_wherever_it_begins() -> None:
    """Three times as many fail as did in that country; or as in all, once it is everywhere."""
    assert "high" in severities(list(watched(traffic(1, 3.5, 2 * DAY, 0.5, 0.0, 3.0))))
    assert "high" in severities(list(watched(traffic(1, 3.5, 2 * DAY, 0.7, 0.7, 3.0))))


def test_the_bound_is_that_of_the_worst_people_the_counts_allow() -> None:
    """Ten of a hundred may all be of IN, forty not."""
    nothing = (0,) * 10
    usual = {"country": {"IN": (900, 10_000, *nothing[2:]), "DE": (1_400, 70_000, *nothing[2:])}}
    five = Part(
        100, (0, 100, *nothing[2:]), {}, {"country": {"IN": (0, 30, *nothing[2:]), "DE": (0, 70, *nothing[2:])}}
    )
    rate = 2_300 / 80_000
    worst, best = 0.09 / rate, 0.02 / rate
    ten = plus({}, five, Part(10, (0, 10, *nothing[2:])), usual)
    assert factor(ten, "liveness_fail_rate", up=True, beside=False) == pytest.approx(worst, rel=0.03)
    assert factor(ten, "liveness_fail_rate", up=False, beside=False) == pytest.approx(best, rel=0.03)
    beside = (30 * worst + 70 * best - 10 * worst) / 90
    assert factor(ten, "liveness_fail_rate", up=True, beside=True) == pytest.approx(worst / beside, rel=0.03)
    forty = plus({}, five, Part(40, (0, 40, *nothing[2:])), usual)
    mixed = (30 * worst + 10 * best) / 40
    assert factor(forty, "liveness_fail_rate", up=True, beside=False) == pytest.approx(mixed, rel=0.03)
    everybody = plus({}, five, Part(100, five.rates), usual)
    assert factor(everybody, "liveness_fail_rate", up=True, beside=False) == pytest.approx(
        0.3 * worst + 0.7 * best, rel=0.03
    )
    assert factor({}, "liveness_fail_rate", up=True, beside=True) == 1.0
    assert factor({"os": Mixed()}, "fta_rate", up=False, beside=True) == 1.0
