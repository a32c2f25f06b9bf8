"""Scores that are all alike: a service that answers the same few values to everybody.

How many values there are is told by pairs: of two scores of one minute the share c falls into one bin of the sketch,
and 1 / c is the effective number of values (Simpson 1949; Hill's number of order 2). Unlike the number of bins that are
met it does not depend on how many scores there are. Minutes are taken together until they have 60 scores that are not
alone in their minute, and 570 (ordered) pairs. A finding is c of at least four times the reference's and at least 0.2,
within is below twice. A reference with fewer than four values cannot be told from a collapse, and raises none.

False findings: pairs of one minute depend on each other, so it is the scores that count. Of 20 scores of which 13 % lie
in one bin, as liveness scores near 1 do, ten share it with p = 5e-5, several times a year; of 60 scores 28 with 1e-10.
`tests/scenarios` simulates years: of 100,000 blocks the highest c was 0.17, where the limit is 0.26.
"""

from functools import partial
from typing import Final

from msgspec.structs import replace

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.life import MinuteObservation
from services.aggregator.core.real_time.course import LIMIT, bernoulli
from services.aggregator.core.real_time.detector import NO_TRIALS, UNCLEAR, Chart, Detector, Reading, Weighed
from services.aggregator.core.real_time.minute import Check, Minute, Scores
from services.aggregator.core.real_time.since import first_ms, last_ms, lowest
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import MINUTE_MS

_KNOWN: Final = 1_000
"""Pairs of the reference."""
_BLOCK: Final = 3
"""Times as many scores as the policy expects for other findings."""
_LEAST: Final = 0.2
_ENDS: Final = 2.0


def step(chart: Chart, minute: Minute, view: View, rule: RealTimeRule, *, check: Check) -> tuple[Chart, Reading]:
    """Return the block after the minute: k of n pairs alike, since `since_ms`; `level` scores not alone in a minute."""
    scores = minute.match if check == "match" else minute.liveness
    if not scores.judged:
        return chart, NO_TRIALS
    known, n = view.scores(check), rule.expected_count
    dated = _dated(chart, minute.start_ms, scores, known, rule)
    block = replace(
        dated,
        k=chart.k + scores.alike,
        n=chart.n + scores.pairs,
        since_ms=chart.since_ms or minute.start_ms,
        level=chart.level + (scores.judged if scores.pairs else 0),
    )
    empty = replace(dated, k=0, n=0, since_ms=0, level=0.0)
    if block.level < _BLOCK * n or block.n < _BLOCK * n * (n - 1) / 2:
        return block, UNCLEAR
    if known.pairs < _KNOWN:
        return empty, UNCLEAR
    share, usual = block.k / block.n, known.alike / known.pairs
    limit = max(_LEAST, rule.few_values_factor * usual)
    if limit > 1.0:
        return empty, UNCLEAR
    observation: MinuteObservation = (
        "beyond" if share >= limit else "within" if share < max(_ENDS * usual, _LEAST / 2) else "unclear"
    )
    reading = Reading(
        observation,
        round(dated.spread) or block.since_ms,
        block.k,
        block.n,
        known.alike,
        known.pairs,
        usual,
        0.0 if observation == "beyond" else 1.0,
        share,
        limit,
        block.level * max(0.0, share - usual) / (1 - usual) if usual < 1.0 else 0.0,
    )
    if dated.spread:
        reading = reading._replace(low_ms=first_ms(dated.bins), high_ms=dated.seen)
    return empty, reading


def _dated(chart: Chart, start_ms: int, scores: Scores, known: Scores, rule: RealTimeRule) -> Chart:
    """Return the chart that says since when (`real_time.since`), after a minute; it goes on from block to block.

    `statistic` is its sum, at zero last before `spread`.
    """
    if not scores.pairs or known.pairs < _KNOWN or not known.alike:
        return chart
    usual, share, n = known.alike / known.pairs, scores.alike / scores.pairs, scores.judged - 1
    alarmed = min(1.0, max(_LEAST, rule.few_values_factor * usual))
    moved = chart.statistic - bernoulli(share * n, n, usual, alarmed)
    if moved <= 0.0:
        lows = lowest(chart.bins, start_ms + MINUTE_MS, -moved)
        return replace(chart, statistic=0.0, spread=0.0, seen=0, bins=lows)
    seen = last_ms(chart.statistic, chart.seen, start_ms)
    return replace(chart, statistic=min(moved, LIMIT), spread=chart.spread or float(start_ms), seen=seen)


def weigh(_chart: Chart, minute: Minute, view: View, rule: RealTimeRule, found: Reading, *, check: Check) -> Weighed:
    """Weigh the pairs of a minute: k of n alike. They depend on each other: each score but one counts once."""
    scores, known = minute.match if check == "match" else minute.liveness, view.scores(check)
    if not scores.pairs or not known.pairs:
        return Weighed(affected=scores.judged)
    usual, share, n = known.alike / known.pairs, scores.alike / scores.pairs, scores.judged - 1
    alarmed = max(_LEAST, rule.few_values_factor * usual, (usual + found.k / found.n) / 2)
    return Weighed(bernoulli(share * n, n, usual, alarmed), scores.alike, scores.pairs, scores.judged)


def few_values(check: Check) -> Detector:
    """Return the detector of scores of a check that are all alike."""
    return Detector(
        "few_values",
        f"{check}_score",
        "down",
        frozenset((check,)),
        partial(step, check=check),
        partial(weigh, check=check),
    )
