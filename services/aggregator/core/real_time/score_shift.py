"""Scores that are distributed otherwise than on the tenant's usual days: a jump that no marker explains.

Minutes are taken together until they have 500 scores. The statistic is the distance of Kolmogorov and Smirnov: of the
shares below any score, the largest difference to what is usual, one-sided by direction. It is a finding at 0.15
(scores that are normal move by 0.4 of their standard deviation then) where chance does not explain it; within at half
of that, or where it may well be chance (p > 0.01). It is over when as many lie below the score in question as usual,
and not half as many more or fewer as when it fired. The usual shares are those
of the last weeks (`shape`), of seven days at least; other hours of the day count as the same.

Days differ and hours do, so chance is not that of 500 independent scores: at the bound in question the variance between
units of the reference is added to the binomial one, times the design effect of retries, and the difference must be
beyond a t distribution whose degrees of freedom are Welch and Satterthwaite's: days where days differ, none to speak of
where they do not. p < 10⁻⁶.

False findings: `python -m tests.unit.aggregator.real_time.null_shift` simulates tenants whose scores move by 0, 0.1 or
0.3 of their standard deviation from day to day, and from hour to hour (docs/detectors.md).
"""

from bisect import bisect_right
from functools import partial
from typing import Final

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.life import MinuteObservation
from services.aggregator.core.real_time.course import LIMIT, bernoulli
from services.aggregator.core.real_time.detector import (
    NO_TRIALS,
    UNCLEAR,
    Chart,
    Detector,
    Direction,
    Reading,
    Weighed,
)
from services.aggregator.core.real_time.minute import Check, Minute
from services.aggregator.core.real_time.shape import BOUNDS, UNIT, Shape, added, cumulated
from services.aggregator.core.real_time.view import View

_P: Final = 1e-6
_CHANCE: Final = 0.01
_DAYS: Final = 7
_CLUSTERED: Final = 1.28 / 0.72
"""Retries of a subject fail again in 28 % (Kish 1965): 500 scores count as 281."""
_WITHIN: Final = Reading("within")


def step(
    chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check, direction: Direction
) -> tuple[Chart, Reading]:
    """Return the block after the minute: its `bins`, n of them since `since_ms`; `seen`: the last one was within."""
    bins = minute.bins(check)
    if not bins:
        return chart, NO_TRIALS
    block = Chart(
        n=chart.n + sum(bins.values()),
        since_ms=chart.since_ms or minute.start_ms,
        seen=chart.seen,
        bins=added(chart.bins, bins),
    )
    if block.n < UNIT:
        return block, _WITHIN if block.seen else UNCLEAR
    usual = view.shape(check)
    if usual.days < _DAYS:
        return Chart(), UNCLEAR
    reading = read(block, usual, direction, rule.shift_distance)
    return Chart(seen=int(reading.observation == "within")), reading


def read(block: Chart, usual: Shape, direction: Direction, limit: float) -> Reading:
    """Return what the block says: k of n scores below `at_score`, where `baseline_rate` usually are."""
    sign = 1 if direction == "down" else -1
    below, shares = cumulated(block.bins), usual.shares()
    place = max(range(len(BOUNDS)), key=lambda each: sign * (below[each] / block.n - shares[each]))
    share, variance = usual.usual(place)
    distance = sign * (below[place] / block.n - share)
    observation: MinuteObservation = "within"
    p = 1.0
    if distance > limit / 2:
        p = _p_value(distance, share, variance, block.n, usual.days)
        if p <= _CHANCE:
            observation = "beyond" if distance >= limit and p < _P else "unclear"
    return Reading(
        observation,
        block.since_ms,
        below[place],
        block.n,
        round(share * usual.scores),
        usual.scores,
        share,
        p,
        distance,
        limit,
        at_score=BOUNDS[place],
    )


def weigh(
    _chart: Chart, minute: Minute, view: View, rule: RealTimeRule, found: Reading, *, check: Check, direction: Direction
) -> Weighed:
    """Weigh the scores of a minute: k of n below the score where the finding was furthest from what is usual.

    What lasts is over once the usual days hold so much of it that it may well be chance.
    """
    place, bins, known = _place(found), minute.bins(check), view.shape(check)
    if not bins or known.units < 2:
        return Weighed()
    k, n, (usual, variance) = cumulated(bins)[place], sum(bins.values()), known.usual(place)
    sign = 1 if direction == "down" else -1
    distance = sign * (found.k / found.n - usual)
    if _p_value(distance, usual, variance, UNIT, known.days) > _CHANCE:
        return Weighed(LIMIT, k, n)
    alarmed = usual + sign * max(rule.shift_distance, distance / 2)
    return Weighed(bernoulli(k, n, usual, alarmed) / _CLUSTERED, k, n)


def _place(alarm: Reading) -> int:
    """Return the bound of the score that a reading names."""
    return bisect_right(BOUNDS, alarm.at_score or 0.0) - 1


def _p_value(distance: float, share: float, variance: float, n: int, days: int) -> float:
    """Return the one-sided p of a difference in the share below a score, between n scores and the usual days."""
    # Imported on first use: it takes long, and most minutes need no test.
    from scipy.special import stdtr

    chance = _CLUSTERED * max(share * (1 - share), 1 / n) / n
    total = variance * (1 + 1 / days) + chance
    freedom = (days - 1) * (total / variance) ** 2 if variance > 0 else float("inf")
    return float(stdtr(min(freedom, 1e6), -distance / total**0.5))


def score_shift(check: Check, direction: Direction) -> Detector:
    """Return the detector of scores of a check that fall (down) or rise (up).

    It yields to what says more of the same scores, and holds none of that back.
    """
    name, causes = f"{check}_score", frozenset((f"{check}_shift",))
    steps, weighs = partial(step, check=check, direction=direction), partial(weigh, check=check, direction=direction)
    return Detector("score_shift", name, direction, causes, steps, weighs, yields_to=frozenset((check,)))
