"""Simulated traffic of a tenant, day by day, as the counts that closed windows would have.

Every transaction is drawn: when it came, the attributes of its subject (`arrivals`), and which of its checks failed
(`tries`). Who fails tries again after 30 to 180 seconds, up to four times in all, and fails again with the probability
`again`, so that failures cluster by subject as they do in life. The rate of failures differs by hour, and at night
(`tenants`). From the transactions all windows are counted (`windows`), so that slices add up to the whole and no
failure lacks its trial.

One seed, one sequence of days: nothing but numpy's generator decides.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tests.scenarios.arrivals import Attempts, arrivals
from tests.scenarios.effects import DAY_S, Effect
from tests.scenarios.tenants import Tenant, worse
from tests.scenarios.tries import Tried, again, part, tried
from tests.scenarios.windows import Day, counted


def days(
    random: np.random.Generator, tenant: Tenant, number: int, effects: Sequence[Effect] = (), first: int = 0
) -> Iterator[Day]:
    """Yield so many days, from day `first` of the run on (Monday, 2026-01-05, is day 0)."""
    left: list[Attempts] = []
    for day in range(first, first + number):
        active = [each for each in effects if each.touches(day * DAY_S, (day + 1) * DAY_S)]
        done, left = _day_of(random, tenant, day, active, left)
        yield counted(random, day, done, active, tenant.scores)


def _day_of(
    random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect], left: Sequence[Attempts]
) -> tuple[list[Tried], list[Attempts]]:
    """Return what was tried on a day, and the attempts that are left for the next."""
    by_hour = worse(random, tenant, day)
    attempts = [arrivals(random, tenant, day, effects), *left]
    done: list[Tried] = []
    later: list[Attempts] = []
    while attempts:
        done.append(tried(random, tenant, day, effects, attempts.pop(), by_hour))
        further = again(random, done[-1])
        today = further.at < DAY_S
        if today.any():
            attempts.append(part(further, today))
        if not today.all():
            later.append(part(further, ~today, DAY_S))
    return done, later
