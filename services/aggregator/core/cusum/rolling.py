"""Three and seven days of a whole tenant, rolling, against the days before them: what a single day does not prove.

They are told when a day closes, from the hours that charts remember (`core.cusum.profile`), so each window counts as it
closed. A day that alarmed counts in the days that are judged, and not in those that they are compared with.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from proofwatch.biometrics.baseline import Baseline
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.cusum.hours import joined
from services.aggregator.core.cusum.profile import NO_HOURS, Hours, counting, unpacked
from services.aggregator.core.cusum.state import HourRow, RateRow
from services.aggregator.core.times import HOUR_MS

DAYS: Final = (3, 7)


class Rolled(NamedTuple):
    """k failures in n trials of the last days, and the baseline of those before."""

    days: int
    k: int
    n: int
    before: Baseline


def rolled(hours: Hours, until_hour: int, first_of: Callable[[int], int] | None = None) -> Iterator[Rolled]:
    """Yield the sums up to `until_hour` (since 1970, exclusive), as far as the hours go back.

    `first_of`: the first hour of so many days, for clocks may have been changed; hours are of UTC, and have no minutes.
    """
    for days in DAYS:
        first = first_of(days) if first_of else until_hour - 24 * days
        if not len(hours) or int(hours[0, 0]) > first:
            continue
        now = hours[(hours[:, 0] >= first) & (hours[:, 0] < until_hour)]
        old = counting(hours[hours[:, 0] < first])
        before = Baseline(int(old[:, 1].sum()), int(old[:, 2].sum()), len(np.unique(old[:, 0] // 24)))
        yield Rolled(days, int(now[:, 1].sum()), int(now[:, 2].sum()), before)


def days_of_row(
    row: RateRow, history: HourRow, day_ms: int, calendar: TenantDays = UTC_DAYS
) -> Iterator[tuple[str, Rolled]]:
    """Yield three and seven days of a row, by metric, up to the end of the calendar's day that holds `day_ms`."""
    number = calendar.day(day_ms).number

    def first(days: int) -> int:
        return calendar.numbered(number + 1 - days).start_ms // HOUR_MS

    until_hour = calendar.numbered(number).end_ms // HOUR_MS
    for metric, state in row.rates.items():
        hours = unpacked(history.hours[metric]) if metric in history.hours else NO_HOURS
        for each in rolled(joined(hours, row.hour, state), until_hour, first):
            yield metric, each
