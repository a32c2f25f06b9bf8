"""Plays a scenario: warms a tenant's watch, branches it, plants a cause in each branch, and measures."""

import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tests.scenarios.effects import DAY_S
from tests.scenarios.gathering import Found, incidents
from tests.scenarios.measure import Outcome, outcome
from tests.scenarios.scenario import Scenario
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch, days_of
from tests.scenarios.windows import Day

Tick = Callable[[int], None]
"""Told how many days were watched."""
_RUN, _WARM = 0, 1


class Warm(NamedTuple):
    """A watch, and the days that it has seen."""

    watch: TenantWatch
    days: list[Day]


class Bench:
    """Plays scenarios; those of one kind of tenant share their warm watches."""

    def __init__(self, seed: int, tick: Tick, *, quick: bool = False, part: float = 1.0, days: int = 0) -> None:
        """`part`: of the runs, so many are played, one at least; `days`: of each run so many at most (0: all)."""
        self._part, self._days = part, days
        self._seed = seed
        self._tick = tick
        self._quick = quick
        self._warm: dict[tuple[Tenant, int, int, int, bool], Warm] = {}

    def size(self, scenario: Scenario) -> tuple[int, int, int]:
        """Return runs, warm days and days of each run."""
        size = scenario.size
        runs, number = max(1, round(size.runs * self._part)), min(size.days, self._days or size.days)
        return size.quick if self._quick else (runs, size.warm_days, number)

    def watched_days(self, scenario: Scenario) -> int:
        """Return how many days are watched in the runs."""
        runs, _, number = self.size(scenario)
        return runs * number

    def play(self, scenario: Scenario) -> Iterator[Outcome]:
        """Yield the outcome of each run; what is drawn depends on the seed, the scenario's name and the run alone."""
        runs, warm_days, number = self.size(scenario)
        for run in range(runs):
            minutes = scenario.size.minutes_in is None or run < scenario.size.minutes_in
            warm = self._warmed(scenario, warm_days, run // scenario.size.of_one, minutes=minutes)
            random = np.random.default_rng([self._seed, _RUN, zlib.crc32(scenario.name.encode()), run])
            yield self._run(scenario, random, warm, number)

    def _warmed(self, scenario: Scenario, number: int, which: int, *, minutes: bool) -> Warm:
        tenant = scenario.tenant
        key = (tenant, scenario.size.attributes, number, which, minutes)
        if key not in self._warm:
            watch, seen = TenantWatch(minutes=minutes, days=days_of(tenant.zone, tenant.weekend)), list[Day]()
            for each in days(np.random.default_rng([self._seed, _WARM, which]), tenant, number):
                day = each.of(scenario.size.attributes)
                watch.day(day)
                seen.append(day)
            self._warm[key] = Warm(watch, seen)
        return self._warm[key]

    def _run(self, scenario: Scenario, random: np.random.Generator, warm: Warm, number: int) -> Outcome:
        watch, before = warm.watch.branch(), warm.days
        plant = scenario.plant(random, len(before) * DAY_S) if scenario.plant else None
        found, seen = list[Found](), list[Day]()
        for each in days(random, scenario.tenant, number, plant.effects if plant else (), first=len(before)):
            day = each.of(scenario.size.attributes)
            found += watch.day(day)
            seen.append(day)
            self._tick(1)
        told = incidents(found, seen) if plant else []
        return outcome(plant, found, told, before, seen)
