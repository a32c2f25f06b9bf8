"""Three and seven days of a whole tenant, rolling, against the days before them: what a single day does not prove.

They are told when a day closes, from the hours that charts remember (`core.cusum.profile`), so each window counts as it
closed, and of the attempts that the charts count. A day that alarmed counts in the days that are judged, and not in
those that they are compared with.

Three days may be a weekend and a Monday, seven may hold a holiday: what was usual is taken class of day by class of day
(working or free), in the shares that the judged days have (direct standardisation), so that other days are no news.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from proofwatch.biometrics.baseline import Baseline
from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.cusum.hours import joined, known_hours
from services.aggregator.core.cusum.kinds import series_of
from services.aggregator.core.cusum.local_hours import SLOTS, dates_in, slots_of
from services.aggregator.core.cusum.profile import Hours, counting
from services.aggregator.core.cusum.state import HourRow, RateRow
from services.aggregator.core.times import HOUR_MS

DAYS: Final = (3, 7)
_FREE: Final = SLOTS // 2
_PRIOR: Final = 200
_HALF: Final = 0.5


class Rolled(NamedTuple):
    """k failures in n trials of the last days, and the baseline of those before. `firsts`: of first attempts.

    `began_anew`: all of it since a governed marker, or a person's word, before which nothing counts.
    """

    days: int
    k: int
    n: int
    before: Baseline
    firsts: bool = False
    began_anew: bool = False


def rolled(hours: Hours, number: int, days: TenantDays) -> Iterator[Rolled]:
    """Yield the sums up to the end of the tenant's day of that number, as far as the hours go back.

    Hours are of UTC: of a day that begins at half past, the hour in which it does belongs to the day before.
    """
    last = days.numbered(number)
    until, calendar = _first_hour(last.end_ms), days.calendar(last.start_ms)
    for many in DAYS:
        first = _first_hour(days.numbered(number + 1 - many).start_ms)
        if not len(hours) or int(hours[0, 0]) > first:
            continue
        now = hours[(hours[:, 0] >= first) & (hours[:, 0] < until)]
        old = counting(hours[hours[:, 0] < first])
        before = _usual(now, old, calendar)
        yield Rolled(many, int(now[:, 1].sum()), int(now[:, 2].sum()), before)


def days_of_row(row: RateRow, history: HourRow, day_ms: int, days: TenantDays) -> Iterator[tuple[str, Rolled]]:
    """Yield three and seven days of a row, by metric, up to the end of the tenant's day that holds `day_ms`."""
    number = days.day(day_ms).number
    for metric, state in row.rates.items():
        if metric == PEOPLE_REFERRED:
            continue  # days have `refer_rate`
        name = series_of(metric, firsts=state.firsts)
        hours, began_anew = known_hours(history, name), name in history.rebased
        for each in rolled(joined(hours, row.hour, state, firsts=state.firsts), number, days):
            yield metric, each._replace(firsts=state.firsts, began_anew=began_anew)


def _usual(now: Hours, old: Hours, calendar: Calendar) -> Baseline:
    """Return what was usual of days of the classes that are judged, as counts that are known as surely.

    A class has its own rate, with as many trials at the rate of all as tell one. With E expected of the n that are
    judged and variance V, these are E² / V failures at the rate E / n; of the same shares of classes those that were.
    """
    k, n, dates = int(old[:, 1].sum()), int(old[:, 2].sum()), dates_in(calendar, old[:, 0])
    if not len(now) or not n:
        return Baseline(k, n, dates)
    free_now, free_old = (slots_of(calendar, each[:, 0]) >= _FREE for each in (now, old))
    if len({*free_now.tolist(), *free_old.tolist()}) == 1:
        return Baseline(k, n, dates)
    pooled, prior = (k + _HALF) / (n + 1), min(_PRIOR, n)
    expected = variance = 0.0
    for free in (False, True):
        trials = int(now[free_now == free, 2].sum())
        mine_k, mine_n = (int(old[free_old == free, at].sum()) for at in (1, 2))
        rate = (mine_k + prior * pooled) / (mine_n + prior)
        expected += trials * rate
        variance += trials * trials * rate / max(mine_n, prior)
    if not variance:
        return Baseline(k, n, dates)
    known = expected * expected / variance
    return Baseline(round(known), round(known * int(now[:, 2].sum()) / expected), dates)


def _first_hour(at_ms: int) -> int:
    return -(-at_ms // HOUR_MS)
