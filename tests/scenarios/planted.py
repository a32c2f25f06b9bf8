"""Scenarios with a planted cause, which is to be found, told as one incident, and named."""

from typing import Final

from tests.scenarios import plants
from tests.scenarios.plants import RELEASE
from tests.scenarios.scenario import Scenario
from tests.scenarios.sizes import RATES, SCORES, SLICES
from tests.scenarios.targets import AS_ONE, HELD, STANDS, Target
from tests.scenarios.tenants import Tenant

FLAT: Final = Tenant(daily=False, weekend=())
"""1,000 an hour, day and night, as the figures of the specification have it."""
FEWER: Final = "1 % of all attempts are 4.6 people an hour here and 7.3 at 28 %: twelve hours tell 85 % (ADR 0042)"
SLOW: Final = "charts are for twice as many and do not see half as many more; see poisoned_fast"
FREE: Final = "it may be the tenant's first free day, or its evening; of low evidence then: all are found (ADR 0031)"

PLANTED: Final = (
    Scenario(
        "doubled",
        "Liveness failures double from 1 %, at 1,000 an hour, for twelve hours.",
        plants.doubled,
        (Target("within_3h", "least", 0.9), *AS_ONE, HELD),
        RATES._replace(runs=200, of_one=100),
        tenant=FLAT,
    ),
    Scenario(
        "doubled_independent",
        "The same, where nobody who fails fails again but by chance, and hours do not differ.",
        plants.doubled,
        (Target("within_3h", "least", 0.9), *AS_ONE),
        RATES._replace(runs=200, of_one=100),
        tenant=FLAT._replace(again=0.01, hours_differ=0.0),
    ),
    Scenario(
        "doubled_retries_60",
        "The same, where retries fail again in 60 %.",
        plants.doubled,
        (AS_ONE[0]._replace(known=FEWER), *AS_ONE[1:]),
        RATES,
        tenant=FLAT._replace(again=0.6),
    ),
    Scenario(
        "standing",
        "Liveness failures are three times as many for a week: whatever is said to have risen again is wrong.",
        plants.standing,
        (*AS_ONE, STANDS),
        RATES._replace(days=8, of_one=20),
    ),
    Scenario(
        "creeping",
        "Liveness failures grow by 5 % a day for thirty days.",
        plants.creeping,
        AS_ONE,
        RATES._replace(runs=4, days=30),
    ),
    Scenario(
        "poisoned",
        "Liveness failures grow by 2 % a week for twenty weeks, to 1.49 times.",
        plants.poisoned,
        (Target("told", "least", 0.95, SLOW),),
        RATES._replace(runs=2, days=140),
    ),
    Scenario(
        "poisoned_fast",
        "The same with 6 % a week, to 3.2 times.",
        plants.poisoned_fast,
        (Target("high_found", "least", 1.0), *AS_ONE),
        RATES._replace(runs=2, days=140),
    ),
    Scenario(
        "fail_open",
        "The liveness service answers 1.0 to everything for four hours of the day.",
        plants.fail_open,
        (Target("high_90_s", "most", 300.0), *AS_ONE),
        SCORES._replace(runs=40),
    ),
    Scenario(
        "fail_closed",
        "The liveness service answers 0.0 to everything for two hours of the day.",
        plants.fail_closed,
        (Target("high_90_s", "most", 300.0), *AS_ONE),
        SCORES,
    ),
    Scenario(
        "wave",
        "For 90 minutes every eleventh proof of one handset model is an attack, and seven in ten of those are caught.",
        plants.wave,
        AS_ONE,
        SLICES._replace(runs=40),
    ),
    Scenario(
        "biased",
        "One country has three times the liveness failures for two days.",
        plants.biased,
        AS_ONE,
        SLICES._replace(days=3, of_one=1),
    ),
    Scenario(
        "release",
        "An SDK release, a quarter of the traffic, has four times the liveness failures; rolled back after six hours.",
        plants.release,
        AS_ONE,
        SLICES,
    ),
    Scenario(
        "version",
        "A version that all have at once doubles match failures, and stays.",
        plants.version,
        AS_ONE,
        SLICES._replace(days=3),
        tenant=Tenant(unused=(RELEASE, ("sdk_version", "c"))),
    ),
    Scenario(
        "scores_fall",
        "Match scores fall by half a standard deviation for a day, and no more of them fail.",
        plants.falling,
        (Target("high_found", "least", 0.95), *AS_ONE),
        SCORES._replace(days=2),
    ),
    Scenario(
        "outage",
        "No traffic for an hour of the day.",
        plants.outage,
        AS_ONE,
        SCORES,
    ),
    Scenario(
        "outage_young",
        "The same, of a tenant that is known for three days.",
        plants.outage,
        (Target("high_90_s", "most", 1_200.0, FREE), AS_ONE[0]._replace(known=FREE), *AS_ONE[1:]),
        SCORES._replace(warm_days=3),
    ),
    Scenario(
        "flapping",
        "Liveness failures are 1.9 times and 2.1 times as many by turns, half an hour each, for two days.",
        plants.flapping,
        AS_ONE,
        RATES._replace(runs=20, days=3, warm_days=14),
    ),
)
