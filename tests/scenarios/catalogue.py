"""The scenarios: what is planted in what traffic, how often, and what is to come of it."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np

from tests.scenarios.effects import WHOLE, Effect, Plant
from tests.scenarios.traffic import Tenant

HOUR_S: Final = 3_600
LIVENESS: Final = frozenset({"liveness_fail_rate", "rejection_rate", "retry_rate", "refer_rate"})
FLAT: Final = Tenant(daily=False, weekend=())
"""1,000 an hour, day and night, as the figures of the specification have it."""


class Target(NamedTuple):
    """A figure of a scenario's result and its limit; `known`: why it is accepted that it is not met."""

    figure: str
    at: Literal["most", "least"]
    limit: float
    known: str = ""


class Scenario(NamedTuple):
    """`runs` runs of `days` days, after `warm_days` days in which nothing happens; every `of_one` runs share those.

    `plant` returns what is planted in one run (None: nothing). `quick`: runs and days of `--quick`.
    """

    name: str
    what: str
    plant: Callable[[np.random.Generator, float], Plant] | None
    targets: tuple[Target, ...]
    tenant: Tenant = Tenant()
    warm_days: int = 28
    days: int = 1
    runs: int = 20
    of_one: int = 25
    quick: tuple[int, int, int] = (1, 8, 1)
    """Runs, warm days and days of `--quick`."""


def doubled(random: np.random.Generator, begin_s: float) -> Plant:
    """Return twice the liveness failures of the whole tenant, from some time of the first six hours on."""
    from_s = begin_s + random.uniform(0, 6 * HOUR_S)
    until_s = from_s + 12 * HOUR_S
    return Plant(from_s, until_s, WHOLE, LIVENESS, (Effect(from_s, until_s, factor=2.0),))


def fail_open(random: np.random.Generator, begin_s: float) -> Plant:
    """Return a liveness service that answers 1.0 to everything, for four hours of the day."""
    from_s = begin_s + random.uniform(8 * HOUR_S, 18 * HOUR_S)
    until_s = from_s + 4 * HOUR_S
    return Plant(from_s, until_s, WHOLE, LIVENESS, (Effect(from_s, until_s, fixed=0.0, scores="all_one"),))


SCENARIOS: Final = (
    Scenario(
        "null",
        "Nothing happens for a year: ten tenants of 1,000 an hour, 20 segment values each, six metrics.",
        None,
        (Target("false_highs_fleet_year", "most", 7.0),),
        warm_days=28,
        days=365,
        runs=10,
        of_one=1,
        quick=(1, 8, 1),
    ),
    Scenario(
        "doubled",
        "Liveness failures double from 1 %, at 1,000 an hour.",
        doubled,
        (Target("within_3h", "least", 0.9), Target("incidents", "most", 1.2), Target("right", "least", 0.95)),
        tenant=FLAT,
        runs=200,
    ),
    Scenario(
        "fail_open",
        "The liveness service answers 1.0 to everything for four hours of the day.",
        fail_open,
        (Target("high_90_s", "most", 300.0), Target("incidents", "most", 1.2), Target("right", "least", 0.95)),
    ),
)
YEAR_DAYS: Final = 365.0
FLEET: Final = 10
