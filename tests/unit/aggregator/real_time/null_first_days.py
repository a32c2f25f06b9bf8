"""First fortnights of tenants whose traffic comes as it always does: how often it is said to have stopped.

`python -m tests.unit.aggregator.real_time.null_first_days TENANTS` prints, for each habit, how many of so many tenants
are told of a stop of high evidence in their first 14 days, and how many of low evidence; each is connected at another
minute of its first week. The last rows stop at a random minute of these days for two hours: so many are found, and how
soon.
"""

import sys
from collections.abc import Iterator
from statistics import median
from typing import Final, NamedTuple

import numpy as np

from proofwatch.governance.calendar import WEEKDAYS, Calendar
from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.tenant import MinuteWatch
from services.aggregator.core.real_time.volume import STOPS
from tests.scenarios.quiet import GULF, INDIA
from tests.scenarios.quiet_minutes import BERLIN
from tests.scenarios.scores import Counts
from tests.scenarios.tenants import Tenant, per_minute
from tests.scenarios.windows import MONDAY_MS
from tests.unit.aggregator.real_time.traffic import DAY, MINUTE, Told

_DAYS: Final = 14
_FIRST_S: Final = 7
_DAY_MINUTES: Final = 1_440
_DOWN_MINUTES: Final = 120


class Habit(NamedTuple):
    """A tenant; `told`: whether the services know its calendar; `hours`: SD of the logarithm of an hour's volume.

    `batch`: all of so many minutes come in the first of them.
    """

    name: str
    tenant: Tenant
    told: bool = True
    hours: float = 0.1
    batch: int = 1


HABITS: Final = (
    *(Habit(f"{rate:,} an hour", BERLIN._replace(per_hour=float(rate))) for rate in (1_000, 300, 100, 10)),
    Habit("hours differ by 30 %", BERLIN, hours=0.3),
    Habit("nobody at night", BERLIN._replace(swing=1.4)),
    Habit("nobody at night, 100 an hour", BERLIN._replace(swing=1.4, per_hour=100.0)),
    Habit("office, 8 to 18", BERLIN._replace(open_hours=(8, 18), weekend_volume=0.0)),
    Habit("office, 9 to 15 in the Gulf", GULF._replace(open_hours=(9, 15), weekend_volume=0.0)),
    Habit("office in India, calendar not told", INDIA._replace(open_hours=(9, 18), weekend_volume=0.0), told=False),
    Habit("open until midnight", BERLIN._replace(open_hours=(7, 24), weekend_volume=0.0)),
    Habit("holidays not named", BERLIN._replace(named=False, holidays=tuple(BERLIN.holidays), weekend_volume=0.3)),
    Habit("a batch every ten minutes", BERLIN, batch=10),
    Habit("a batch every half hour", BERLIN, batch=30),
)


def fortnight(habit: Habit, seed: int, down_at: int | None = None) -> Told:
    """Return what is told of a tenant in its first 14 days; `down_at`: the minute in which two hours without begin."""
    tenant = habit.tenant
    random = np.random.default_rng([seed, len(habit.name), *map(ord, habit.name)])
    first = int(random.integers(_FIRST_S * _DAY_MINUTES))
    counts = _counts(random, habit)[first : first + _DAYS * _DAY_MINUTES]
    if down_at is not None:
        counts[down_at : down_at + _DOWN_MINUTES] = 0
    weekend = tuple(WEEKDAYS[each] for each in tenant.weekend)
    known = TenantDays([(0, Calendar(tenant.zone or "UTC", weekend, tenant.holidays if tenant.named else ()))])
    told = Told(MinuteWatch(RealTimeRule(), [STOPS]), known if habit.told else UTC_DAYS)
    told.feed(_minutes(counts, MONDAY_MS + first * MINUTE))
    return told.pass_until(MONDAY_MS + first * MINUTE + _DAYS * DAY)


def _counts(random: np.random.Generator, habit: Habit) -> Counts:
    expected = np.concatenate([per_minute(habit.tenant, day) for day in range(_FIRST_S + _DAYS)])
    hours = np.exp(random.normal(0.0, habit.hours, len(expected) // 60))
    first = random.poisson(expected * np.repeat(hours, 60))
    again = random.binomial(first, 0.025)  # further attempts of who failed come a minute or two later
    counts: Counts = first + np.roll(again, 1) + np.roll(random.binomial(again, 0.28), 2)
    if habit.batch == 1:
        return counts
    batches: Counts = np.zeros_like(counts)
    batches[:: habit.batch] = counts.reshape(-1, habit.batch).sum(axis=1)
    return batches


def _minutes(counts: Counts, start_ms: int) -> Iterator[Minute]:
    for at in np.flatnonzero(counts).tolist():
        yield Minute(start_ms + at * MINUTE, int(counts[at]), 0)


def _of(told: Told, severity: str) -> int:
    return sum(each.event.severity == severity and each.event.state == "firing" for each in told.published)


def main(tenants: int) -> None:
    """Print the tables."""
    for habit in HABITS:
        quiet = [fortnight(habit, seed) for seed in range(tenants)]
        high, low = (sum(_of(each, severity) for each in quiet) for severity in ("high", "low_evidence"))
        sys.stdout.write(f"{habit.name}: {high} high, {low} of low evidence, {tenants} tenants\n")
    for habit in HABITS[:3]:
        delays = [delay for seed in range(tenants) if (delay := _delay(habit, seed)) is not None]
        minutes = f"after {median(delays):.0f} minutes" if delays else ""
        sys.stdout.write(f"{habit.name}, down for two hours: {len(delays)} of {tenants} found {minutes}\n")


def _delay(habit: Habit, seed: int) -> float | None:
    """Return after how many minutes of two hours without traffic it is told, of high evidence; None: it is not."""
    down_at = int(np.random.default_rng(seed).integers(180, _DAYS * _DAY_MINUTES - _DOWN_MINUTES))
    for event in (each.event for each in fortnight(habit, seed, down_at).published):
        if event.severity == "high" and event.state == "firing" and event.since is not None:
            return (event.window_end - event.since).total_seconds() / 60
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]))
