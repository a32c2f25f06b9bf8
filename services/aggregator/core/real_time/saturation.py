"""Scores at a bound of their scale: a service that answers 1.0 (or 0.0) to everything.

Minutes are taken together until they have 20 scores. More than half of them at one bound is a finding where the
reference has at most a tenth there. It is over when scores are at the bound as usual, and not in half of the cases.

It began where a chart of the scores was last at zero (Page 1954; half at the bound against as many as usual), which
goes on from block to block: a service may begin to answer so in the middle of one that shows nothing by itself.

False findings: 11 of 20 at a true share of a tenth has p = 7e-7, and the test asks for p < 1e-9 beside it, so that at
1,000/h (260,000 blocks a year) less than 0.001 is to be expected of a tenant and year and bound.
"""

from functools import partial
from typing import Final

from msgspec.structs import replace

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
from services.aggregator.core.real_time.hours import Rate
from services.aggregator.core.real_time.minute import Check, Minute, Scores
from services.aggregator.core.real_time.tails import at_least
from services.aggregator.core.real_time.view import View

_USUAL: Final = 0.1
_LEAST: Final = 0.01
"""A reference that has none at the bound may have some all the same."""
_KNOWN: Final = 200
_P: Final = 1e-9
_HALF: Final = 0.5


def step(
    chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check, direction: Direction
) -> tuple[Chart, Reading]:
    """Return the block after the minute: k of n scores at the bound, since `since_ms`.

    `statistic` and `seen` are those of the chart that says since when, and the minute in which it left zero; `level` of
    `longest` scores are at the bound since then.
    """
    scores = minute.match if check == "match" else minute.liveness
    if not scores.judged:
        return chart, NO_TRIALS
    at = _at_bound(scores, direction)
    known = view.scores(check)
    usual = _at_bound(known, direction), known.judged
    begun = _begun(chart, minute.start_ms, at, scores.judged, usual)
    block = replace(begun, k=chart.k + at, n=chart.n + scores.judged, since_ms=chart.since_ms or minute.start_ms)
    if block.n < rule.expected_count:
        return block, UNCLEAR
    if usual[1] < _KNOWN or usual[0] > _USUAL * usual[1]:
        return Chart(), UNCLEAR
    share, rate = block.k / block.n, usual[0] / usual[1]
    p = at_least(block.k, block.n, max(rate, _LEAST))
    observation = _observed(share, p, rule.saturated_share)
    since_ms, k, n = block.since_ms, block.k, block.n
    if observation == "beyond" and begun.longest:  # else the last minute of the block outweighs it
        since_ms, k, n = begun.seen, round(begun.level), round(begun.longest)
    refused = view.rate(f"{check}_fail_rate") if direction == "up" else Rate()
    reading = Reading(
        observation,
        since_ms,
        k,
        n,
        *usual,
        rate,
        p,
        share,
        rule.saturated_share,
        max(0.0, k - n * rate),
        refused=refused.k / refused.n if refused.n else None,
    )
    return replace(begun, k=0, n=0), reading


def _begun(chart: Chart, start_ms: int, at: int, n: int, usual: tuple[int, int]) -> Chart:
    """Return the chart that says since when, after a minute with so many of n scores at the bound."""
    rate = max(_LEAST, usual[0] / usual[1] if usual[1] else 0.0)
    weight = max(0.0, chart.statistic) + bernoulli(at, n, _HALF, min(rate, _USUAL))
    if weight <= 0.0:
        return Chart()
    return Chart(min(weight, LIMIT), seen=chart.seen or start_ms, level=chart.level + at, longest=chart.longest + n)


def weigh(
    _chart: Chart, minute: Minute, view: View, rule: RealTimeRule, found: Reading, *, check: Check, direction: Direction
) -> Weighed:
    """Weigh the scores of a minute: k of n at the bound."""
    scores = minute.match if check == "match" else minute.liveness
    known = view.scores(check)
    k, n = _at_bound(scores, direction), scores.judged
    rate = _at_bound(known, direction) / known.judged if known.judged else 0.0
    usual = max(rate, _LEAST)
    alarmed = max(rule.saturated_share, (usual + found.k / found.n) / 2)
    return Weighed(bernoulli(k, n, usual, alarmed), k, n, k - n * rate)


def _at_bound(scores: Scores, direction: Direction) -> int:
    return scores.at_one if direction == "up" else scores.at_zero


def _observed(share: float, p: float, limit: float) -> MinuteObservation:
    if share > limit and p < _P:
        return "beyond"
    return "within" if share <= limit / 2 else "unclear"


def saturation(check: Check, direction: Direction) -> Detector:
    """Return the detector of scores of a check at 1 (up) or at 0 (down)."""
    return Detector(
        "saturation",
        f"{check}_score",
        direction,
        frozenset((check,)),
        partial(step, check=check, direction=direction),
        partial(weigh, check=check, direction=direction),
    )
