"""Plays a scenario: warms a tenant's watch, branches it, plants a cause in each branch, and measures."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from tests.scenarios.effects import DAY_S
from tests.scenarios.gathering import Found, incidents
from tests.scenarios.measure import Outcome, outcome
from tests.scenarios.scenario import Scenario
from tests.scenarios.screen import named
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import TenantWatch, days_of
from tests.scenarios.windows import Day

Tick = Callable[[int], None]
"""Told how many days were watched."""
_RUN, _WARM = 0, 1


class Played(NamedTuple):
    """A run, by its number, and what came of it."""

    run: int
    outcome: Outcome


def drawn(seed: int, name: str, run: int) -> np.random.Generator:
    """Return the random numbers of a run of a scenario."""
    return np.random.default_rng([seed, _RUN, zlib.crc32(name.encode()), run])


class Warm(NamedTuple):
    """A watch, and the days that it has seen."""

    watch: TenantWatch
    days: list[Day]


class Bench:
    """Plays scenarios; those of one kind of tenant share their warm watches."""

    def __init__(self, seed: int, tick: Tick) -> None:
        self._seed = seed
        self._tick = tick
        self._warm: dict[tuple[Tenant, int, int, int, bool], Warm] = {}

    def play(self, scenario: Scenario, runs: Iterable[int], warm_days: int, number: int) -> Iterator[Played]:
        """Yield the outcome of each run; what is drawn depends on the seed, the scenario's name and the run alone."""
        for run in runs:
            minutes = scenario.size.minutes_in is None or run < scenario.size.minutes_in
            if scenario.plant is None:
                yield Played(run, self._quiet(scenario, run, warm_days, number, minutes=minutes))
                continue
            warm = self._warmed(scenario, warm_days, run // scenario.size.of_one, minutes=minutes)
            yield Played(run, self._run(scenario, drawn(self._seed, scenario.name, run), warm, number))

    def _quiet(self, scenario: Scenario, run: int, warm_days: int, number: int, *, minutes: bool) -> Outcome:
        """Return the outcome of a tenant of its own in which nothing happens.

        Only slices that come near a limit are watched by the services' code: the others have nothing to say (`screen`).
        """
        tenant, attributes = scenario.tenant, scenario.size.attributes
        warm = days(np.random.default_rng([self._seed, _WARM, run]), tenant, warm_days)
        further = days(drawn(self._seed, scenario.name, run), tenant, number, first=warm_days)
        every = [each.of(attributes) for each in chain(warm, further)]
        near = named(every, tenant)
        watch = TenantWatch(minutes=minutes, begins=False, days=days_of(tenant), slices=near)
        found = list[Found]()
        for at, day in enumerate(every):
            seen = watch.day(day)
            if at >= warm_days:
                found += seen
                self._tick(1)
        return outcome(None, found, [], every[:warm_days], every[warm_days:])

    def _warmed(self, scenario: Scenario, number: int, which: int, *, minutes: bool) -> Warm:
        tenant = scenario.tenant
        key = (tenant, scenario.size.attributes, number, which, minutes)
        if key not in self._warm:
            watch = TenantWatch(minutes=minutes, days=days_of(tenant))
            seen = list[Day]()
            for each in days(np.random.default_rng([self._seed, _WARM, which]), tenant, number):
                day = each.of(scenario.size.attributes)
                watch.day(day)
                seen.append(day)
            self._warm[key] = Warm(watch, seen)
        return self._warm[key]

    def _run(self, scenario: Scenario, random: np.random.Generator, warm: Warm, number: int) -> Outcome:
        watch, before = warm.watch.branch(), warm.days
        assert scenario.plant is not None, "what is quiet is played apart"
        plant = scenario.plant(random, len(before) * DAY_S)
        found, seen = list[Found](), list[Day]()
        for each in days(random, scenario.tenant, number, plant.effects, first=len(before)):
            day = each.of(scenario.size.attributes)
            found += watch.day(day)
            seen.append(day)
            self._tick(1)
        return outcome(plant, found, incidents(found, [*before, *seen]), before, seen)
