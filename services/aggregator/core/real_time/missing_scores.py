"""Requested scores that do not come: a Bernoulli CUSUM of the share that is missing, for four times the usual odds.

The usual share is the reference's, at its upper 95 % bound, and not below 0.2 %; before 100 of them were seen it is at
least what the policy expects of `fta_rate`. The chart alarms at the policy's `missing_limit` (40) and is capped there.

False findings: a Bernoulli chart for the odds ratio 4 with the limit 40 alarms once in more than e^40 trials, where
they are independent; retries that cluster by twos halve its exponent, which still leaves one in 5e8 trials, sixty years
of a tenant of 1,000/h. A share that doubles at night moves it down, not up.
"""

from functools import partial
from math import log, log1p
from typing import Final

from proofwatch.biometrics.intervals import wilson
from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.course import bernoulli
from services.aggregator.core.real_time.detector import NO_TRIALS, UNCLEAR, Chart, Detector, Reading, Weighed
from services.aggregator.core.real_time.minute import Check, Minute
from services.aggregator.core.real_time.tails import at_least
from services.aggregator.core.real_time.view import View

_LEAST: Final = 0.002
_KNOWN: Final = 100
_ODDS_RATIO: Final = 4.0


def step(chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check) -> tuple[Chart, Reading]:
    """Return the chart after the minute, with k of n missing since it was last at zero."""
    scores = minute.match if check == "match" else minute.liveness
    n = scores.judged + scores.missing
    if not n:
        return chart, NO_TRIALS
    usual, rate = _usual(view, rule, check)
    if rate >= 0.5:
        return Chart(), UNCLEAR
    moved = chart.statistic + scores.missing * log(_ODDS_RATIO) - n * log1p(rate * (_ODDS_RATIO - 1))
    if moved <= 0.0:
        return Chart(), Reading("within", 0, scores.missing, n, *usual, rate)
    since_ms = chart.since_ms or minute.start_ms
    at = Chart(min(moved, rule.missing_limit), chart.k + scores.missing, chart.n + n, since_ms)
    if at.statistic < rule.missing_limit:
        return at, UNCLEAR
    p, affected = at_least(at.k, at.n, rate), max(0.0, at.k - at.n * rate)
    return at, Reading("beyond", since_ms, at.k, at.n, *usual, rate, p, at.statistic, rule.missing_limit, affected)


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
