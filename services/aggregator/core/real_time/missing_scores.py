"""Requested scores that do not come: a Bernoulli CUSUM of the share that is missing, for four times the usual odds.

The usual share is the reference's, at its upper 95 % bound, and not below 0.2 %; before 100 of them were seen it is at
least what the policy expects of `fta_rate`. The chart alarms at the policy's `missing_limit` (40) and is capped there.

It began about where the chart was last at zero, within bounds (`real_time.since`): a tenant of few has hours in which
nothing tells. Where nearly half or more do not come, a chart of half against as many as usual says it to the minute.

False findings: a Bernoulli chart for the odds ratio 4 with the limit 40 alarms once in more than e^40 trials, where
they are independent; retries that cluster by twos halve its exponent, which still leaves one in 5e8 trials, sixty years
of a tenant of 1,000/h. A share that doubles at night moves it down, not up.
"""

from functools import partial
from math import log, log1p
from typing import Final

from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.course import LIMIT, bernoulli
from services.aggregator.core.real_time.detector import NO_TRIALS, UNCLEAR, Chart, Detector, Reading, Weighed
from services.aggregator.core.real_time.minute import Check, Minute
from services.aggregator.core.real_time.since import first_ms, last_ms, lowest
from services.aggregator.core.real_time.tails import at_least
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import MINUTE_MS

_LEAST: Final = 0.002
_KNOWN: Final = 100
_ODDS_RATIO: Final = 4.0
_HALF: Final = 0.5
_NEARLY_HALF: Final = 0.4
_MOST: Final = 0.8
"""Of what is missing since the chart was at zero: else it began slowly, and only now does nearly half not come."""


def step(chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check) -> tuple[Chart, Reading]:
    """Return the chart after the minute, with k of n missing since it was last at zero.

    `bins` and `seen` are bounds of when it began (`real_time.since`).
    """
    scores = minute.match if check == "match" else minute.liveness
    n = scores.judged + scores.missing
    if not n:
        return chart, NO_TRIALS
    usual, rate = _usual(view, rule, check)
    if rate >= 0.5:
        return Chart(), UNCLEAR
    moved = chart.statistic + scores.missing * log(_ODDS_RATIO) - n * log1p(rate * (_ODDS_RATIO - 1))
    chart = _half(chart, minute.start_ms, scores.missing, n, rate)
    if moved <= 0.0:
        lows = lowest(chart.bins, minute.start_ms + MINUTE_MS, -moved)
        return replace(chart, statistic=0.0, k=0, n=0, since_ms=0, seen=0, bins=lows), Reading(
            "within", 0, scores.missing, n, *usual, rate
        )
    since_ms = chart.since_ms or minute.start_ms
    seen = last_ms(chart.statistic, chart.seen, minute.start_ms)
    statistic = min(moved, rule.missing_limit)
    at = replace(chart, statistic=statistic, k=chart.k + scores.missing, n=chart.n + n, since_ms=since_ms, seen=seen)
    if at.statistic < rule.missing_limit:
        return at, UNCLEAR
    low_ms: int | None
    if at.level >= max(_NEARLY_HALF * at.longest, _MOST * at.k):
        k, n, since_ms = round(at.level), round(at.longest), round(at.spread)
        low_ms, high_ms = since_ms, since_ms + MINUTE_MS
    else:
        k, n, low_ms, high_ms = at.k, at.n, first_ms(at.bins), at.seen
    p, affected = at_least(k, n, rate), max(0.0, k - n * rate)
    found = Reading("beyond", since_ms, k, n, *usual, rate, p, at.statistic, rule.missing_limit, affected)
    return at, found._replace(low_ms=low_ms, high_ms=high_ms)


def _half(chart: Chart, start_ms: int, k: int, n: int, rate: float) -> Chart:
    """Return the chart with that of half against as many as usual (`fast`), and k of n and the minute since its zero.

    They are `level`, `longest` and `spread`.
    """
    weight = chart.fast - bernoulli(k, n, rate, _HALF)
    if weight <= 0.0:
        return replace(chart, fast=0.0, level=0.0, longest=0.0, spread=0.0)
    return replace(
        chart,
        fast=min(weight, LIMIT),
        level=chart.level + k,
        longest=chart.longest + n,
        spread=chart.spread or float(start_ms),
    )


def weigh(_chart: Chart, minute: Minute, view: View, rule: RealTimeRule, found: Reading, *, check: Check) -> Weighed:
    """Weigh the scores that a minute requested: k of n are missing."""
    scores = minute.match if check == "match" else minute.liveness
    k, n, (_, rate) = scores.missing, scores.judged + scores.missing, _usual(view, rule, check)
    alarmed = max(_ODDS_RATIO * rate / (1 + (_ODDS_RATIO - 1) * rate), (rate + found.k / found.n) / 2)
    return Weighed(bernoulli(k, n, rate, alarmed), k, n, k - n * rate)


def _usual(view: View, rule: RealTimeRule, check: Check) -> tuple[tuple[int, int], float]:
    """Return how many were missing of how many, and which share is usual."""
    known = view.asked(check)
    usual = known.missing, known.judged + known.missing
    rate = max(_LEAST, wilson(*usual)[1] if usual[1] else 0.0)
    if usual[0] < _KNOWN:
        rate = max(rate, rule.missing_expected) if usual[1] < _KNOWN / rule.missing_expected else rate
    return usual, rate


def missing_scores(check: Check) -> Detector:
    """Return the detector of scores of a check that do not come."""
    steps, weighs = partial(step, check=check), partial(weigh, check=check)
    return Detector("missing_scores", f"{check}_missing_rate", "up", frozenset((check,)), steps, weighs)
