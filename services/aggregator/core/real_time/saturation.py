"""Scores at a bound of their scale: a service that answers 1.0 (or 0.0) to everything.

Minutes are taken together until they have 20 scores. More than half of them at one bound is a finding where the
reference has at most a tenth there. It is over when scores are at the bound as usual, and not in half of the cases.

False findings: 11 of 20 at a true share of a tenth has p = 7e-7, and the test asks for p < 1e-9 beside it, so that at
1,000/h (260,000 blocks a year) less than 0.001 is to be expected of a tenant and year and bound.
"""

from functools import partial
from typing import Final

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.life import MinuteObservation
from services.aggregator.core.real_time.course import bernoulli
from services.aggregator.core.real_time.detector import (
    NO_TRIALS,
    UNCLEAR,
    Chart,
    Detector,
    Direction,
    Reading,
    Weighed,
)
from services.aggregator.core.real_time.minute import Check, Minute, Scores
from services.aggregator.core.real_time.tails import at_least
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import MINUTE_MS

_USUAL: Final = 0.1
_LEAST: Final = 0.01
"""A reference that has none at the bound may have some all the same."""
_KNOWN: Final = 200
_P: Final = 1e-9


def step(
    chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check, direction: Direction
) -> tuple[Chart, Reading]:
    """Return the block after the minute: k of n scores at the bound, since `since_ms`."""
    scores = minute.match if check == "match" else minute.liveness
    if not scores.judged:
        return chart, NO_TRIALS
    at = _at_bound(scores, direction)
    known = view.scores(check)
    usual = _at_bound(known, direction), known.judged
    block = Chart(0.0, chart.k + at, chart.n + scores.judged, chart.since_ms or minute.start_ms)
    if block.n < rule.expected_count:
        return block, UNCLEAR
    if usual[1] < _KNOWN or usual[0] > _USUAL * usual[1]:
        return Chart(), UNCLEAR
    share, rate = block.k / block.n, usual[0] / usual[1]
    p = at_least(block.k, block.n, max(rate, _LEAST))
    observation = _observed(share, p, rule.saturated_share)
    affected = max(0.0, block.k - block.n * rate)
    reading = Reading(
        observation,
        _since(block, minute, share),
        block.k,
        block.n,
        *usual,
        rate,
        p,
        share,
        rule.saturated_share,
        affected,
    )
    return Chart(), reading


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


def _since(block: Chart, minute: Minute, share: float) -> int:
    """Return the minute in which it began, if all scores are at the bound since then."""
    end_ms = minute.start_ms + MINUTE_MS
    return end_ms - max(1, round(share * (end_ms - block.since_ms) / MINUTE_MS)) * MINUTE_MS


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
