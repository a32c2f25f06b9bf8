"""The scenarios: what is planted in what traffic, how often, and what is to come of it."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from tests.scenarios import plants
from tests.scenarios.effects import Plant
from tests.scenarios.plants import RELEASE
from tests.scenarios.targets import AS_ONE, Target
from tests.scenarios.traffic import Tenant

FLAT: Final = Tenant(daily=False, weekend=())
"""1,000 an hour, day and night, as the figures of the specification have it."""
GULF: Final = Tenant(weekend=(4, 5), ahead_h=4.0, zone="Asia/Dubai")
INDIA: Final = Tenant(weekend=(6,), ahead_h=5.5, zone="Asia/Kolkata")
YEAR_DAYS: Final = 365.0
FLEET: Final = 10


class Scenario(NamedTuple):
    """`runs` runs of `days` days, after `warm_days` days in which nothing happens; every `of_one` runs share those.

    `plant` returns what is planted in one run (None: nothing). `minutes_in`: in so many of the runs minutes are judged
    as well (None: in all). `attributes`: the values of so many, four each, are watched beside the tenant. `quick`:
    runs, warm days and days of `--quick`.
    """

    name: str
    what: str
    plant: Callable[[np.random.Generator, float], Plant] | None
    targets: tuple[Target, ...]
    tenant: Tenant = Tenant()
    warm_days: int = 14
    days: int = 1
    runs: int = 20
    of_one: int = 25
    minutes_in: int | None = None
    attributes: int = 5
    quick: tuple[int, int, int] = (1, 4, 1)


FEW: Final = Target("false_highs_fleet_year", "most", 7.0)

CLUSTERED: Final = "limits grow with the dispersion, 1.8 where retries fail again in 28 %; see doubled_independent"

SCENARIOS: Final = (
    Scenario(
        "null",
        "Nothing happens for a year: ten tenants of 1,000 an hour, 20 segment values each, six metrics.",
        None,
        (FEW,),
        days=365,
        runs=10,
        of_one=1,
        minutes_in=2,
        warm_days=28,
    ),
    Scenario(
        "retries_60",
        "Nothing happens for twelve weeks, but retries fail again in 60 % instead of 28 %.",
        None,
        (FEW,),
        tenant=Tenant(again=0.6),
        days=84,
        runs=4,
        of_one=1,
        minutes_in=1,
    ),
    Scenario(
        "gulf",
        "Nothing happens for eight weeks; Friday and Saturday are the weekend, at UTC + 4; 4 segment values.",
        None,
        (FEW,),
        tenant=GULF,
        days=56,
        runs=4,
        of_one=1,
        minutes_in=2,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "india",
        "Nothing happens for eight weeks; Sunday alone is the weekend, at UTC + 5:30; 4 segment values.",
        None,
        (FEW,),
        tenant=INDIA,
        days=56,
        runs=4,
        of_one=1,
        minutes_in=2,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "doubled",
        "Liveness failures double from 1 %, at 1,000 an hour, for twelve hours.",
        plants.doubled,
        (Target("within_3h", "least", 0.9, CLUSTERED), *AS_ONE),
        tenant=FLAT,
        runs=200,
        of_one=100,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "doubled_independent",
        "The same, where nobody who fails fails again but by chance, and hours do not differ.",
        plants.doubled,
        (Target("within_3h", "least", 0.9), *AS_ONE),
        tenant=FLAT._replace(again=0.01, hours_differ=0.0),
        runs=200,
        of_one=100,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "doubled_retries_60",
        "The same, where retries fail again in 60 %.",
        plants.doubled,
        AS_ONE,
        tenant=FLAT._replace(again=0.6),
        runs=40,
        of_one=40,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "creeping",
        "Liveness failures grow by 5 % a day for thirty days.",
        plants.creeping,
        AS_ONE,
        days=30,
        runs=4,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "poisoned",
        "Liveness failures grow by 2 % a week for twenty weeks, to 1.49 times.",
        plants.poisoned,
        (),
        days=140,
        runs=2,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "poisoned_fast",
        "The same with 6 % a week, to 3.2 times.",
        plants.poisoned_fast,
        (Target("high_found", "least", 1.0), *AS_ONE),
        days=140,
        runs=2,
        minutes_in=0,
        attributes=1,
        warm_days=28,
    ),
    Scenario(
        "fail_open",
        "The liveness service answers 1.0 to everything for four hours of the day.",
        plants.fail_open,
        (Target("high_90_s", "most", 300.0), *AS_ONE),
        runs=40,
        attributes=1,
    ),
    Scenario(
        "fail_closed",
        "The liveness service answers 0.0 to everything for two hours of the day.",
        plants.fail_closed,
        (Target("high_90_s", "most", 300.0), *AS_ONE),
        attributes=1,
    ),
    Scenario(
        "wave",
        "For 90 minutes every eleventh proof of one handset model is an attack, and seven in ten of those are caught.",
        plants.wave,
        AS_ONE,
        runs=40,
        minutes_in=0,
        attributes=3,
    ),
    Scenario(
        "biased",
        "One country has three times the liveness failures for two days.",
        plants.biased,
        AS_ONE,
        days=3,
        minutes_in=0,
        attributes=3,
    ),
    Scenario(
        "release",
        "An SDK release, a quarter of the traffic, has four times the liveness failures; rolled back after six hours.",
        plants.release,
        AS_ONE,
        minutes_in=0,
        attributes=3,
    ),
    Scenario(
        "version",
        "A version that all have at once doubles match failures, and stays.",
        plants.version,
        AS_ONE,
        tenant=Tenant(unused=(RELEASE, ("sdk_version", "c"))),
        days=3,
        minutes_in=0,
        attributes=3,
    ),
    Scenario(
        "scores_fall",
        "Match scores fall by half a standard deviation for a day, and no more of them fail.",
        plants.falling,
        (Target("high_found", "least", 0.95), *AS_ONE),
        days=2,
        attributes=1,
    ),
    Scenario(
        "outage",
        "No traffic for an hour of the day.",
        plants.outage,
        AS_ONE,
        attributes=1,
    ),
    Scenario(
        "flapping",
        "Liveness failures are 1.9 times and 2.1 times as many by turns, half an hour each, for two days.",
        plants.flapping,
        AS_ONE,
        days=3,
        minutes_in=0,
        attributes=1,
    ),
)
