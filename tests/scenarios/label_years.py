"""Years of labels that come as they always do, holidays included: whether a tenant is accused of their silence."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np

from proofwatch.governance.calendar import WEEKDAYS, Calendar
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.limits.judging import TenantLimits
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_MS
from tests.scenarios.gathering import Found
from tests.scenarios.measure import quiet
from tests.scenarios.play import Played, Tick, drawn
from tests.scenarios.targets import HALF, Target
from tests.scenarios.tenants import FIRST_DATE
from tests.scenarios.watchers import PROMISED
from tests.scenarios.windows import MONDAY_MS

_FIRST: Final = MONDAY_MS // DAY_MS


def span(first: date, days: int) -> tuple[date, ...]:
    """Return so many days."""
    return tuple(first + timedelta(days=day) for day in range(days))


GERMAN: Final = (
    *span(date(2026, 4, 3), 4),
    date(2026, 5, 1),
    date(2026, 5, 14),
    date(2026, 5, 25),
    *span(date(2026, 12, 24), 11),
)
"""Easter, single days, and everybody away from Christmas until the third of January."""
CHINESE: Final = (*span(date(2026, 2, 15), 9), *span(date(2026, 4, 4), 3), *span(date(2026, 10, 1), 8))
GULF: Final = (*span(date(2026, 3, 18), 6), *span(date(2026, 5, 26), 6), *span(date(2026, 12, 1), 3))


class LabelYears(NamedTuple):
    """`per_day` labels on the days on which they come: weekdays `on` (Monday 0), but not on holidays.

    `late`: what falls upon a holiday comes on the next day that is none. `named`: the services know the holidays.
    """

    name: str
    what: str
    per_day: float
    on: tuple[int, ...]
    holidays: tuple[date, ...] = ()
    late: bool = False
    named: bool = False
    targets: tuple[Target, ...] = (HALF,)
    runs: int = 20
    days: int = 365
    quick: tuple[int, int] = (1, 120)


def play(years: LabelYears, seed: int, runs: Iterable[int], number: int, tick: Tick) -> Iterator[Played]:
    """Yield the outcome of so many days of each tenant."""
    weekend = [WEEKDAYS[each] for each in range(7) if each not in years.on]
    days = TenantDays([(0, Calendar("UTC", weekend, years.holidays))]) if years.named else UTC_DAYS
    for run in runs:
        found, cohorts = list[Found](), dict[Segment, CohortState]()
        arrivals = _arrivals(years, drawn(seed, years.name, run))
        for day in range(number):
            labels = next(arrivals)
            known = {Counted("bank", "", "", "labels", "", _FIRST + day, _FIRST + day): (0, labels)} if labels else {}
            limits = TenantLimits("bank", cohorts, PROMISED, DAY_MS, days)
            events = list(limits.judge(known, _FIRST + day))
            found += [Found(ms_of(event.known_at or event.window_end), event) for event in events]
            tick(1)
        yield Played(run, quiet(found, number))


def _arrivals(years: LabelYears, random: np.random.Generator) -> Iterator[int]:
    day, held = FIRST_DATE, 0
    while True:
        holiday = day in years.holidays
        labels = int(random.poisson(years.per_day)) if day.weekday() in years.on else 0
        held += labels if holiday and years.late else 0
        yield 0 if holiday else labels + held
        held = held if holiday else 0
        day += timedelta(days=1)


_WORKING: Final = (0, 1, 2, 3, 4)
_ALL: Final = tuple(range(7))

LABEL_YEARS: Final = (
    LabelYears("labels_nightly", "Labels of each night, some 40.", 40.0, _ALL),
    LabelYears("labels_few", "Labels of working days, some three, and German holidays.", 3.0, _WORKING, GERMAN),
    LabelYears(
        "labels_german",
        "Some 25 labels on working days; nobody labels from Christmas until the third of January.",
        25.0,
        _WORKING,
        GERMAN,
    ),
    LabelYears("labels_chinese", "The same with nine days in February and eight in October.", 25.0, _WORKING, CHINESE),
    LabelYears("labels_chinese_named", "The same, and the calendar names them.", 25.0, _WORKING, CHINESE, named=True),
    LabelYears("labels_gulf", "The same from Sunday to Thursday, with six days twice.", 25.0, (6, 0, 1, 2, 3), GULF),
    LabelYears(
        "labels_weekly",
        "A file of some 300 each Monday, or on the next day that is no holiday.",
        300.0,
        (0,),
        GERMAN,
        late=True,
    ),
    LabelYears("labels_files", "A file of some 30 on Tuesday and Friday.", 30.0, (1, 4), GERMAN),
)
