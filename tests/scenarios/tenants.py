"""What is usual for a simulated tenant: how much comes when by its local clock, and how often it fails."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tests.scenarios.effects import Slice
from tests.scenarios.scores import MINUTES, Floats, Habit

FIRST_DATE: Final = date(2026, 1, 5)
"""A Monday: day 0 of every run."""
HOURS: Final = 24


class Tenant(NamedTuple):
    """What is usual for a tenant.

    `per_hour`: arrivals, in the mean of a working day. `rates`: of match, liveness and missing liveness scores, as
    shares of all transactions, further attempts included. `again`: how often a further attempt fails as well. `daily`:
    whether volume follows a day, with a peak in its afternoon that is `swing` above the mean. `open_hours`: nobody
    comes before or after. `weekend`: weekdays (Monday 0) of `weekend_volume`. `zone`: whose clock people live by; None
    is UTC, and the services are told of nothing. `holidays`: dates like a weekend's day; `named`: whether the services
    are told of them. `hours_differ`: standard deviation of the rate's logarithm by hour; nights are `night` times as
    bad. `scores`: what is particular about them.
    `unused`: a slice that nobody is in, such as a version to come, whose share belongs to the slice after it.
    """

    per_hour: float = 1_000.0
    rates: tuple[float, float, float] = (0.01, 0.01, 0.005)
    again: float = 0.28
    daily: bool = True
    swing: float = 0.9
    open_hours: tuple[int, int] = (0, 24)
    weekend: tuple[int, ...] = (5, 6)
    weekend_volume: float = 0.4
    zone: str | None = None
    holidays: tuple[date, ...] = ()
    named: bool = True
    hours_differ: float = 0.1
    night: float = 1.3
    scores: Habit = Habit()
    unused: tuple[Slice, Slice] | None = None


def worse(random: np.random.Generator, tenant: Tenant, day: int) -> Floats:
    """Return how many times as often as usual checks fail, by hour of UTC of a day of the run."""
    drawn = np.exp(random.normal(0.0, tenant.hours_differ, HOURS)) if tenant.hours_differ else np.ones(HOURS)
    local = np.floor(_local(tenant.zone, day)[::60] % HOURS)
    return drawn * np.where(local < 6, tenant.night, 1.0) if tenant.daily else drawn


def per_minute(tenant: Tenant, day: int) -> Floats:
    """Return how many arrivals are to be expected in each minute of UTC of a day of the run."""
    local = _local(tenant.zone, day)
    dates = day + np.floor(local / HOURS).astype(int)
    free = np.isin(dates % 7, tenant.weekend) | np.isin(dates, _numbers(tenant.holidays))
    usual = np.where(free, tenant.weekend_volume, 1.0)
    if tenant.daily:
        usual = usual * np.maximum(0.0, 1.0 + tenant.swing * np.sin(2 * np.pi * (local - 8) / HOURS))
    opens, closes = tenant.open_hours
    hours = local % HOURS
    return np.where((hours >= opens) & (hours < closes), usual, 0.0) * tenant.per_hour / 60


def _numbers(dates: Iterable[date]) -> list[int]:
    return [(each - FIRST_DATE).days for each in dates]


@lru_cache(maxsize=1_000)
def _local(zone: str | None, day: int) -> Floats:
    """Return what the local clock shows in each minute of UTC, in hours since midnight of the date of UTC."""
    begin = datetime(FIRST_DATE.year, FIRST_DATE.month, FIRST_DATE.day, tzinfo=UTC) + timedelta(days=day)
    hours = [begin + timedelta(hours=hour) for hour in range(HOURS)]
    ahead = [each.astimezone(ZoneInfo(zone or "UTC")).utcoffset() or timedelta() for each in hours]
    found: Floats = np.arange(MINUTES) / 60 + np.repeat([each / timedelta(hours=1) for each in ahead], 60)
    return found
