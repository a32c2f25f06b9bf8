"""Whether a chart climbed to its limit by two levels, one after the other: a drift of days, and a wave upon it.

One change point fitted to both is the drift's. So while a chart climbs a further one watches the rate against the
run-up's own level so far, as a multiple of what is usual (as `cusum.again` does from the alarm on). When the chart
alarms, two levels are what is told if their likelihood is exp(6 φ) times that of one, or more: twice of that is 12,
where a split that is known beforehand would take 6.6 at 1 %, and the best of all splits some more (Andrews 1993,
Econometrica 61:821-856). Then the alarm counts from the second begin on: since, counts, people and the level that a
further rise is held against.
"""

from math import log
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from services.aggregator.core.cusum.again import NOTHING, Level, Step
from services.aggregator.core.cusum.change_point import EMPTY, Posterior, begin, seen
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved
from services.aggregator.core.cusum.wave import Bin, followed

_LIMIT: Final = 6.0
_ESTIMATED: Final = 5
"""Failures from which on a level is known well enough to hold a window against it."""
_HIGHEST: Final = 0.9


class RunUp(Struct, frozen=True, array_like=True):
    """The level of a climbing chart so far, and a chart for what leaves it.

    `waiting`: what that chart climbs on, which joins the level once it is back at zero; `changed`: when it was left.
    `bins`: its counts since the chart left zero, of one upwards.
    """

    level: Level
    chart: Chart = ZERO
    waiting: Level = NOTHING
    changed: Posterior = EMPTY
    bins: tuple[Bin, ...] = ()


class Split(NamedTuple):
    """The chart from the second begin on, when that was, and what had been so before; None: nothing to speak of."""

    chart: Chart
    changed: Posterior
    before: Step | None


def climbed(run_up: RunUp | None, chart: Chart, counts: Counts, p0: float, ratio: float, phi: float) -> RunUp | None:
    """Return the run-up after a window that moved its chart to this; None: the chart is at zero."""
    if not chart.statistic:
        return None
    now = Level(counts.start_ms, counts.k, counts.n, counts.n * p0)
    if run_up is None or run_up.level.since_ms != chart.since_ms:
        return RunUp(now, bins=followed((), counts, p0) if ratio > 1 else ())
    level, bins = run_up.level, followed(run_up.bins, counts, p0) if ratio > 1 else ()
    own = p0 * level.k / level.expected
    if level.k < _ESTIMATED or not 0.0 < own < _HIGHEST:
        return RunUp(_with(level, now), bins=bins)
    further = moved(run_up.chart, counts, own, ratio, float("inf"))
    changed = seen(run_up.changed, counts, own, ratio, phi)
    waiting = _with(run_up.waiting, now)
    if not further.statistic:
        return RunUp(_with(level, waiting), changed=changed, bins=bins)
    return RunUp(level, further, waiting, changed, bins)


def split(run_up: RunUp | None, changed: Posterior, phi: float, least: float) -> Split | None:
    """Return the second of two levels of a chart that alarms; None: one explains it as well.

    `changed`: when the first was come to; `least`: the evidence of it that is told (log likelihood, of its own level).
    """
    if run_up is None or not run_up.chart.n:
        return None
    first, second, chart = run_up.level, run_up.waiting, run_up.chart
    one = (first.k + second.k) / (first.expected + second.expected)
    gain = _gain(first, one) + _gain(second, one)
    if gain < _LIMIT * phi:
        return None
    before = None
    began = begin(changed)
    usual = first.expected / first.n
    if began is not None and first.k / first.n > usual and _gain(first, 1.0) >= least * phi:
        before = Step(began.since_ms, first.k, first.n, usual, up=True, told=False)
    return Split(replace(chart, expected=second.expected), run_up.changed, before)


def _gain(level: Level, multiple: float) -> float:
    """Return the log likelihood ratio of a level's own rate against a multiple of what is usual."""
    rate, other = level.k / level.n, min(0.999, multiple * level.expected / level.n)
    failures = level.k * log(rate / other) if level.k else 0.0
    passed = level.n - level.k
    return failures + (passed * log((1 - rate) / (1 - other)) if passed else 0.0)


def _with(level: Level, more: Level) -> Level:
    return Level(level.since_ms, level.k + more.k, level.n + more.n, level.expected + more.expected)
