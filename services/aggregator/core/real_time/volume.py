"""Traffic that stops, or surges.

*Stops*: a Poisson CUSUM against a tenth of what is usual at least at this hour of this class of day
(`View.least_per_hour`: what happened twice is usual, so a tenant that is quiet by habit raises none). Nothing at all in
a time in which 20 were expected is a finding, and so is a trickle of less than two fifths that goes on. Where no
earlier date has the hour, as on a first day, half of the level of the last half hour is expected, after two hours of
traffic. Whatever was expected, a quiet time must last for longer than twice the longest that the last days had within
an hour: some tenants send in bursts.
On a holiday that the tenant's calendar names, and no earlier one tells of, how much comes is not known: a twentieth of
what free days have at least is expected, and a transaction says that the day goes on as it is. So it takes nothing at
all for as long as free days have 400. Minutes without traffic do not exist; so each minute tells by when the absence of
further ones is a finding (`absent`), and nobody need look at a tenant before. Absence is judged for twenty hours, then
it is known.

In a tenant's first two weeks a stop may be a habit that nobody knows (`habits`), and is of low evidence. It is of high
evidence if it may be none, and if, by the rate of the tenant's own last hour, 20 transactions were to be expected of
the silent minutes, of at most an hour (`recent_rate`). A trickle that goes on is of low evidence until then.

*Surges*: more than three times the second largest five minutes of the hour, of eight dates, and 60 at least.

False findings: with 20 expected none are seen with p = 2e-9, so at most 0.001 a tenant and year from chance. They come
from habits: a tenant that stops abruptly every evening is told of on its first evening, and once for the first holiday
in its hours, each until it has happened twice. The first two weeks: `null_first_days` counts them.
"""

from math import ceil, exp, log
from typing import Final

from msgspec.structs import replace

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.course import poisson
from services.aggregator.core.real_time.detector import UNCLEAR, Absence, Chart, Detector, Reading, Weighed
from services.aggregator.core.real_time.habits import known, may_close
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.recent_rate import counted, missed_after
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import HOUR_MS, MINUTE_MS

_TENTH: Final = 0.1
_HALF: Final = 0.5
"""Of what is usual: so much traffic is no end of a stop, which a trickle of two fifths is."""
_LEAST: Final = 0.1
"""Transactions a minute, of which none are usual, for the end of a silence."""
_NEW_MINUTES: Final = 120
_FORGETS: Final = 0.9995
"""Of the longest quiet time, a minute: half is left after a day."""
_HOURS: Final = 20
_BLOCK_MS: Final = 5 * MINUTE_MS
_MINUTES: Final = 60


def step_down(chart: Chart, minute: Minute, view: View, rule: RealTimeRule) -> tuple[Chart, Reading]:
    """Return the chart after the minute.

    `k` minutes with traffic so far, `n` the end of the last one; `since_ms`: since when the statistic is above zero;
    `longest` quiet time in minutes; `seen` transactions since `since_ms`; `level`, `fast`, `spread`: `recent_rate`.
    """
    end_ms = minute.start_ms + MINUTE_MS
    gap = (minute.start_ms - chart.n) // MINUTE_MS if chart.n else 0
    limit = _limit(rule)
    up = min(limit, chart.statistic + (1 - _TENTH) * _expected(chart, view, chart.n, minute.start_ms))
    per_minute = _per_minute(chart, view, minute.start_ms)
    now = min(limit, max(0.0, up + (1 - _TENTH) * per_minute - minute.transactions * -log(_TENTH)))
    if view.unlike(minute.start_ms // HOUR_MS):
        now = 0.0
    since_ms = chart.since_ms or (chart.n if gap else minute.start_ms)
    longest = chart.longest * _FORGETS ** (gap + 1)
    seen = chart.seen + minute.transactions
    if now == 0.0:
        lasted = (minute.start_ms - since_ms) / MINUTE_MS if chart.n else 0.0
        longest, since_ms, seen = max(longest, lasted if lasted < _MINUTES else 0.0), 0, 0
    level, fast, spread = counted(chart, gap, minute.transactions)
    moved = Chart(now, chart.k + 1, end_ms, since_ms, level, longest, seen, fast=fast, spread=spread)
    if now >= limit and since_ms and end_ms - since_ms > rule.quiet_factor * longest * MINUTE_MS:
        found = _reading(since_ms, end_ms, seen, per_minute, now, rule)
        return moved, found._replace(habit=not known(view, end_ms))
    return moved, Reading("within", 0, minute.transactions, 1, 0, 0, per_minute) if now < limit / 2 else UNCLEAR


def absent(chart: Chart, end_ms: int, view: View, rule: RealTimeRule) -> Absence | None:
    """Return by when it is a finding that no minute comes after the one that ended at `end_ms`; None: it never is."""
    statistic, limit, since_ms = chart.statistic, _limit(rule), chart.since_ms or end_ms
    not_before_ms = since_ms + int(rule.quiet_factor * chart.longest * MINUTE_MS)
    at_ms, last_ms = end_ms, end_ms + _HOURS * HOUR_MS
    while at_ms < last_ms:
        next_ms = min(at_ms - at_ms % HOUR_MS + HOUR_MS, last_ms)
        per_minute = _per_minute(chart, view, at_ms)
        if per_minute > 0.0:
            needed = ceil((limit - statistic) / ((1 - _TENTH) * per_minute))
            quiet = (not_before_ms - at_ms) // MINUTE_MS + 1
            found_ms = at_ms + max(needed, quiet, 1) * MINUTE_MS
            if found_ms <= next_ms:
                sure_ms = _sure_ms(chart, end_ms, found_ms, view, rule)
                told_ms = sure_ms or found_ms
                reading = _reading(since_ms, told_ms, chart.seen, per_minute, limit, rule)
                return Absence(told_ms, reading._replace(habit=sure_ms is None))
        statistic += (1 - _TENTH) * per_minute * ((next_ms - at_ms) // MINUTE_MS)
        at_ms = next_ms
    return None


def _sure_ms(chart: Chart, end_ms: int, found_ms: int, view: View, rule: RealTimeRule) -> int | None:
    """Return when silence since `end_ms`, found at `found_ms`, is no habit for certain; None: it may be one."""
    if known(view, found_ms):
        return found_ms
    minutes = missed_after(chart, rule.expected_count)
    if minutes is None or may_close(view, end_ms):
        return None
    return max(found_ms, end_ms + minutes * MINUTE_MS)


def step_up(chart: Chart, minute: Minute, view: View, rule: RealTimeRule) -> tuple[Chart, Reading]:
    """Return the chart after the minute: `k` transactions in the five minutes that began at `since_ms`."""
    start_ms = minute.start_ms - minute.start_ms % _BLOCK_MS
    same = start_ms == chart.since_ms
    block = Chart(k=minute.transactions + (chart.k if same else 0), since_ms=start_ms)
    most = view.most_in_block
    if most is None:
        return block, UNCLEAR
    limit = rule.surge_factor * max(most, rule.expected_count)
    before = Reading("within", 0, chart.k, 5, 0, 0, most / 5) if not same and chart.k <= 2 * limit / 3 else UNCLEAR
    if block.k <= limit:
        return block, before
    found = Reading("beyond", start_ms, block.k, 5, 0, 0, most / 5, 0.0, float(block.k), limit, float(block.k - most))
    return block, found


def weigh_down(chart: Chart, minute: Minute, view: View, _rule: RealTimeRule, found: Reading) -> Weighed:
    """Weigh the traffic of a minute, and the silence before it: k transactions in n minutes, against half of the usual.

    Minutes without traffic do not exist, and yet are no sign that it is back: a quiet day has its few in bursts.
    """
    per_minute, k = _per_minute(chart, view, minute.start_ms), minute.transactions
    from_ms = max(chart.n, found.since_ms + found.n * MINUTE_MS)  # absence was counted up to when it was told
    silent = max(0, minute.start_ms - from_ms) // MINUTE_MS
    lost = _expected(chart, view, from_ms, minute.start_ms) if silent else 0.0
    usual = max(per_minute, _LEAST)
    return Weighed(poisson(k, usual, _HALF * usual), k, 1, per_minute - k, silent, lost, -(1 - _HALF) * lost)


def weigh_up(_chart: Chart, minute: Minute, view: View, rule: RealTimeRule, _alarm: Reading) -> Weighed:
    """Weigh the traffic of a minute: k transactions against the usual most, and against the limit of a surge."""
    most = max(view.most_in_block or 0, rule.expected_count) / 5
    k = minute.transactions
    return Weighed(poisson(k, most, rule.surge_factor * most), k, 1, k - most)


def _as_usual(chart: Chart) -> Chart:
    return replace(chart, statistic=0.0, since_ms=0, seen=0)


def _limit(rule: RealTimeRule) -> float:
    return (1 - _TENTH) * rule.expected_count


def _per_minute(chart: Chart, view: View, at_ms: int) -> float:
    usual = view.least_per_hour(at_ms // HOUR_MS)
    if usual is not None:
        return usual / _MINUTES
    return chart.level / 2 if chart.k >= _NEW_MINUTES else 0.0


def _expected(chart: Chart, view: View, from_ms: int, to_ms: int) -> float:
    """Return how many transactions were to be expected at least, of at most twenty hours."""
    if not from_ms:
        return 0.0
    total, at_ms, to_ms = 0.0, from_ms, min(to_ms, from_ms + _HOURS * HOUR_MS)
    while at_ms < to_ms:
        next_ms = min(at_ms - at_ms % HOUR_MS + HOUR_MS, to_ms)
        total += _per_minute(chart, view, at_ms) * ((next_ms - at_ms) // MINUTE_MS)
        at_ms = next_ms
    return total


def _reading(since_ms: int, end_ms: int, k: int, per_minute: float, statistic: float, rule: RealTimeRule) -> Reading:
    minutes = max(1, (end_ms - since_ms) // MINUTE_MS)
    p, lost = exp(-rule.expected_count), max(0.0, per_minute * minutes - k)
    return Reading("beyond", since_ms, k, minutes, 0, 0, per_minute, p, statistic, _limit(rule), lost)


STOPS: Final = Detector(
    "volume", "transactions", "down", frozenset(("volume",)), step_down, weigh_down, absent, anew=_as_usual
)
SURGES: Final = Detector("volume", "transactions", "up", frozenset(("surge",)), step_up, weigh_up)
