"""A second cause in what alarms already: while a chart fires, a further one watches the rate against the alarm's own.

The alarm's own level is what the rate has come to since its change point, as a multiple of what is usual, so that
hours of day stay in it. It is estimated from the alarm on, for as long as the alarm is plain (at the low limit or
above); what a further chart climbs on joins it once that is back at zero. That chart has the odds ratio, the dispersion
and the limit of all high charts, times 1 + n / m for a level of m trials: a level from few trials is uncertain itself.
So it costs what one more chart would, for as long as something fires; nothing fires in a quiet tenant.

What began within a quarter of an hour of the alarm, or of the last rise, is the same: the window in which a check fails
closed holds that in part, people come again some minutes later, and a chart that wandered before has a level far below.
It has the new level from then on.

Any other rise begins a new level, and is told if its odds are 1.5 times the highest that were told; those count as
twice the ones before then, at least. So from odds x at the alarm on at most log2(9 / x) rises are told in its life,
eight from 2 %, however it flaps: above 90 % nothing is looked for. A further chart the other way round, for the odds of
the level before, tells that the rate fell back to it; that ends nothing, and nobody is paged for it.
"""

from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.own_effect import Compared, own_effect

_HIGHEST: Final = 0.9
_NEWS: Final = 1.5
_GROWS: Final = 2.0
_LEAST_APART: Final = 1.5
_SETTLES_MS: Final = 3 * FIVE_MS


class Level(Struct, frozen=True, array_like=True):
    """k failures in n trials since `since_ms`, where `expected` were usual."""

    since_ms: int
    k: int
    n: int
    expected: float


NOTHING: Final = Level(0, 0, 0, 0.0)


class Again(Struct, frozen=True, array_like=True):
    """The levels that the alarm has come to and not fallen back from, the highest last, and both further charts.

    `told`: the highest odds that people were told of. `by_reference`: what is usual is what the frozen reference says.
    `waiting`: what joins the highest level once both charts are at zero. `settles_ms`: what began before is the same.
    """

    levels: tuple[Level, ...]
    told: float
    up: Chart = ZERO
    down: Chart = ZERO
    by_reference: bool = False
    waiting: Level = NOTHING
    settles_ms: int = 0


class Step(NamedTuple):
    """The rate came to k / n in [since_ms, …); before, it was `from_rate`. `up`: it rose; `told`: people are told."""

    since_ms: int
    k: int
    n: int
    from_rate: float
    up: bool
    told: bool


class Stepped(NamedTuple):
    """What is watched after a window, and what the window says; None: nothing."""

    again: Again
    step: Step | None = None


def began(chart: Chart, start_ms: int, *, by_reference: bool) -> Again | None:
    """Return what is watched from the alarm of a chart, in the window of `start_ms`, on; None: it has no counts."""
    if not chart.n or chart.expected <= 0.0:
        return None
    level = Level(chart.since_ms, chart.k, chart.n, chart.expected)
    return Again((level,), _odds(chart.k / chart.n), by_reference=by_reference, settles_ms=start_ms + _SETTLES_MS)


def stepped(
    again: Again, counts: Counts, p0: float, phi: float, rule: CusumRule, *, whole: bool, plain: bool
) -> Stepped:
    """Move both charts by a window in which p0 is usual; `plain`: the alarm itself is."""
    level = again.levels[-1]
    own = min(_HIGHEST, p0 * level.k / level.expected)
    if not 0.0 < own < _HIGHEST:
        return Stepped(again)
    up, step = _risen(again, counts, own, phi, rule, whole=whole)
    if step is not None:
        new = Level(step.since_ms, step.k, step.n, up.expected * level.expected / level.k)
        if step.since_ms < again.settles_ms:
            return Stepped(_at(again, (*again.levels[:-1], new), max(_odds(step.k / step.n), again.told)))
        told = max(_odds(step.k / step.n), _GROWS * again.told) if step.told else again.told
        risen = _at(again, (*again.levels, new), told)
        return Stepped(replace(risen, settles_ms=counts.start_ms + _SETTLES_MS), step)
    down = ZERO
    if len(again.levels) > 1:
        down, fallen = _fallen(again, counts, own, p0, phi, rule)
        if fallen is not None:
            return Stepped(_at(again, again.levels[:-1], again.told), fallen)
    levels, waiting = again.levels, again.waiting
    if plain:
        waiting = _with(waiting, Level(0, counts.k, counts.n, counts.n * p0))
    if not up.statistic and not down.statistic:
        levels, waiting = (*levels[:-1], _with(level, waiting)), NOTHING
    return Stepped(replace(again, levels=levels, up=up, down=down, waiting=waiting))


def _at(again: Again, levels: tuple[Level, ...], told: float) -> Again:
    """Return what is watched from a level on: both charts begin at zero."""
    return replace(again, levels=levels, told=told, up=ZERO, down=ZERO, waiting=NOTHING)


def _risen(
    again: Again, counts: Counts, own: float, phi: float, rule: CusumRule, *, whole: bool
) -> tuple[Chart, Step | None]:
    limit = _limit(again.up.n + counts.n, again.levels[-1], phi, rule)
    up = moved(again.up, counts, own, rule.odds_ratio, limit)
    if up.statistic < limit:
        return up, None
    compared = Compared(up.k, up.expected, up.rest_k, up.rest_expected)
    if not whole and not own_effect(compared, "up", rule.segment_ratio, rule.segment_alpha, phi):
        return up, None
    told = _odds(up.k / up.n) >= _NEWS * again.told
    return up, Step(up.since_ms, up.k, up.n, up.expected / up.n, up=True, told=told)


def _fallen(
    again: Again, counts: Counts, own: float, p0: float, phi: float, rule: CusumRule
) -> tuple[Chart, Step | None]:
    before = again.levels[-2]
    ratio = _odds(min(_HIGHEST, p0 * before.k / before.expected)) / _odds(own)
    limit = _limit(again.down.n + counts.n, before, phi, rule)
    down = moved(again.down, counts, own, min(ratio, 1 / _LEAST_APART), limit)
    if down.statistic < limit:
        return down, None
    return down, Step(down.since_ms, down.k, down.n, down.expected / down.n, up=False, told=False)


def _with(level: Level, more: Level) -> Level:
    return Level(level.since_ms, level.k + more.k, level.n + more.n, level.expected + more.expected)


def _limit(n: int, level: Level, phi: float, rule: CusumRule) -> float:
    return rule.high_limit * phi * (1 + n / level.n)


def _odds(rate: float) -> float:
    return rate / (1 - rate) if rate < 1.0 else _HIGHEST / (1 - _HIGHEST) * 1e3
