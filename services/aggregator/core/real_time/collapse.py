"""Failures that were expected and did not come (fail-open), and nothing but failures (fail-closed).

A run is the time in which nobody failed, or nobody passed. It is a finding once so many failures (passes) were expected
in it as the policy says: 20, at the rate that is usual at least (`View.least_rate`). A tenant without twenty failures
behind it raises none: whether it is better than the policy expects, or open from its first day, no count can tell.

False findings: after every failure a run begins, and exp(-20) = 2e-9 of them last; a tenant of 1,000/h at 1 % has
87,600 a year, so 0.0002 a tenant and year and metric; less, for the rate used is a lower bound. The other way 20 and
more failures in a row at a rate of 5 % are beyond chance.
"""

from functools import partial
from typing import Final

from proofwatch.governance.policy import RealTimeRule
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
from services.aggregator.core.real_time.hours import Rate
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.view import View

_PART: Final = 0.1
_LEAST_KNOWN: Final = 100
"""Trials of the reference without which "nobody passes" means nothing."""


def step(
    chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, metric: str, direction: Direction
) -> tuple[Chart, Reading]:
    """Return the run after the minute: `statistic` expected in it, of n trials, since `since_ms`."""
    trials = _trials(minute, metric)
    if not trials.n:
        return chart, NO_TRIALS
    missed = trials.k if direction == "down" else trials.n - trials.k
    usual = view.rate(metric)
    if missed:
        return Chart(), _ended(trials, usual)
    rate = view.least_rate(metric) if direction == "down" else _passes(usual, halved=view.stands_in(metric))
    if rate is None:
        return chart, UNCLEAR
    run = Chart(chart.statistic + trials.n * rate, 0, chart.n + trials.n, chart.since_ms or minute.start_ms)
    if run.statistic < rule.expected_count:
        return run, UNCLEAR
    k = 0 if direction == "down" else run.n
    found = Reading(
        "beyond",
        run.since_ms,
        k,
        run.n,
        usual.k,
        usual.n,
        usual.k / usual.n,
        (1.0 - rate) ** run.n,
        run.statistic,
        rule.expected_count,
        abs(k - run.n * usual.k / usual.n),
    )
    return run, found


def weigh(
    _chart: Chart,
    minute: Minute,
    view: View,
    _rule: RealTimeRule,
    _alarm: Reading,
    *,
    metric: str,
    direction: Direction,
) -> Weighed:
    """Weigh the trials of a minute, of which k failed; over is that a tenth of what is usual fails, or passes."""
    trials, usual = _trials(minute, metric), view.rate(metric)
    if not trials.n or not usual.n:
        return Weighed()
    rate = usual.k / usual.n
    alarmed = _PART * rate if direction == "down" else 1 - _PART * (1 - rate)
    beyond = trials.n * rate - trials.k if direction == "down" else trials.k - trials.n * rate
    return Weighed(bernoulli(trials.k, trials.n, rate, alarmed), trials.k, trials.n, beyond)


def _ended(trials: Rate, usual: Rate) -> Reading:
    rate = usual.k / usual.n if usual.n else 0.0
    return Reading("within", 0, trials.k, trials.n, usual.k, usual.n, rate)


def _trials(minute: Minute, metric: str) -> Rate:
    if metric == "rejection_rate":
        return Rate(minute.rejected, minute.transactions)
    scores = minute.match if metric == "match_fail_rate" else minute.liveness
    return Rate(scores.failed, scores.judged)


def _passes(usual: Rate, *, halved: bool) -> float | None:
    """Return how many pass, None: it is not known; half of it in the week after a governed marker."""
    if usual.n < _LEAST_KNOWN or usual.k == usual.n:
        return None
    return (usual.n - usual.k) / usual.n / (2 if halved else 1)


def collapse(metric: str, direction: Direction, *causes: str) -> Detector:
    """Return the detector of a rate that collapses to nothing (down) or to everything (up)."""
    steps, weighs = (
        partial(step, metric=metric, direction=direction),
        partial(weigh, metric=metric, direction=direction),
    )
    return Detector("collapse", metric, direction, frozenset(causes), steps, weighs)
