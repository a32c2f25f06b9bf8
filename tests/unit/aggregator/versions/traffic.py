"""Traffic of a tenant as five-minute counts: a new version beside the old ones, with retries and days that differ."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.edges import GRIDS, SCORE_GRID, TIME_GRID
from proofwatch.governance.policy import VersionRule
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.versions.memory import Memory, next_memory
from services.aggregator.core.versions.part import Five, Part, difference
from services.aggregator.core.versions.sums import Usual

FIVE_MS = 300_000
DAY = 288
RULE = VersionRule()
_SCORES, _TIMES = np.array(GRIDS[SCORE_GRID]), np.array(GRIDS[TIME_GRID])
_RETRIES_FAIL = 0.28
_HOURLY = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 12, 12, 13, 14, 13, 11, 8, 5, 3)


class Behaviour(NamedTuple):
    """Of a version: rate of liveness failures, shift of match scores in their SD, factor of the time to capture."""

    fails: float = 0.03
    shift: float = 0.0
    slower: float = 1.0


USUAL = Behaviour()


def part(random: np.random.Generator, people: int, behaviour: Behaviour, day: float) -> Part:
    """Return what so many people leave behind: who fails comes again, and fails more often than others."""
    tries, failed = people, int(random.binomial(people, min(0.9, max(0.0, behaviour.fails * (1 + day)))))
    fails, again = failed, failed
    for _ in range(3):
        again_failed = int(random.binomial(again, max(_RETRIES_FAIL, behaviour.fails)))
        tries, fails, again = tries + again, fails + again_failed, again_failed
    missing = int(random.binomial(tries, 0.005))
    scores = np.clip(random.normal(0.955 + 0.025 * (behaviour.shift + day / 2), 0.025, tries), 0, 1)
    live = np.clip(1 - random.exponential(0.0009, tries), 0, 1)
    taken = {
        "capture_ms": 1_800 * behaviour.slower * np.exp(random.normal(0, 0.35, tries) + day / 4),
        "match_ms": 95 * np.exp(random.normal(0, 0.35, tries)),
    }
    bins = {"match": _binned(scores, _SCORES), "liveness": _binned(live, _SCORES)}
    bins |= {name: _binned(each, _TIMES) for name, each in taken.items()}
    rates = (fails, tries, 0, tries, missing, 2 * tries, min(tries, fails + missing), tries, fails, tries)
    return Part(tries, rates, {name: each for name, each in bins.items() if each})


def fives(
    seed: int,
    days: float,
    per_hour: float,
    new: Behaviour,
    share: Mapping[int, float],
    *,
    name: str = "sdk_version",
    spread: float = 0.15,
    first: int = 5_900_256,
) -> Iterator[Five]:
    """Yield five minutes after five minutes; `share` of the new version from each of these on (0: the first).

    `spread`: standard deviation by which days differ, as a share of the rate, and half of it in SD of scores.
    """
    random = np.random.default_rng(seed)
    at_share, day = 0.0, 0.0
    for number in range(int(days * DAY)):
        if number % DAY == 0:
            day = float(random.normal(0, spread))
        at_share = share.get(number, at_share)
        people = int(random.poisson(per_hour / 12 * _HOURLY[number % DAY // 12] * 24 / sum(_HOURLY)))
        mine = int(random.binomial(people, at_share))
        old, fresh = part(random, people - mine, USUAL, day), part(random, mine, new, day)
        whole = difference(old, Part(-fresh.n, tuple(-each for each in fresh.rates), _negative(fresh)))
        versions = {"1": old, "2": fresh}
        yield Five(
            (first + number) * FIVE_MS, whole, {name: {version: each for version, each in versions.items() if each.n}}
        )


def watched(traffic: Iterator[Five], rule: VersionRule = RULE) -> Iterator[Memory]:
    """Yield what is known after each five minutes; what is usual lags by two hours."""
    memory, usual, waiting = Memory(), Usual(), list[Five]()
    for five in traffic:
        memory = next_memory(memory, five, usual, rule)
        yield memory
        waiting.append(five)
        if len(waiting) > 24:
            usual = joined(usual, waiting.pop(0))


def joined(usual: Usual, five: Five) -> Usual:
    """Return what is usual with five minutes, by the days of UTC."""
    return usual.plus(UTC_DAYS.day(five.start_ms).start_ms, five.hour_of_day, five.whole)


def found_in(memory: Memory, name: str = "sdk_version", version: str = "2") -> set[str]:
    """Return the metrics that are told of a version."""
    comparison = memory.open.get(name, {}).get(version)
    return set(comparison.standing) if comparison else set()


def binned_times(values: NDArray[np.float64]) -> dict[int, int]:
    """Return how many durations fall into each bin."""
    return _binned(values, _TIMES)


def _negative(each: Part) -> dict[str, dict[int, int]]:
    return {name: {place: -n for place, n in bins.items()} for name, bins in each.bins.items()}


def _binned(values: NDArray[np.float64], edges: NDArray[np.float64]) -> dict[int, int]:
    places, counts = np.unique(np.searchsorted(edges, values, side="right") - 1, return_counts=True)
    return {int(place): int(n) for place, n in zip(places, counts, strict=True)}
