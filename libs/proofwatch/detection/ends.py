"""When a cause is over: by evidence of the time after it, and not by a day that remembers it. Pure.

A day that holds a bad morning is above its limit until midnight, and three and seven days are for as long as they
hold it. So where shorter windows found a cause for sure, they say when it is over too: a chart that came back. Days
by themselves go on until one is within, for nothing else looks at what only they could prove; a chart of few that is
slow to come back is told by such a day too. What a release does is over when its traffic is, unless more came since.

Nor is a slice over because its tenant's days, of which it is a part, slid under their limit: its own days say that. And
of several days that are within, yet may be half as bad as those that fired, what is shorter says when it is over.
"""

from collections.abc import Sequence
from datetime import datetime
from math import log
from typing import Final

from proofwatch.detection.checks import is_proven
from proofwatch.detection.findings import WHOLE, FindingHistory, Slice, length_s
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of

_OF_DAYS: Final = "twice_baseline"
_CHART: Final = "cusum"
_LIKELIER: Final = log(3)
_LEAST: Final = 1e-6
_DAY_S: Final = 90_000
"""25 hours: the longest day."""
_LIMITS: Final = frozenset({"limit_breach", "sequential_limit"})
_BY_LABELS: Final = frozenset({"fmr", "fnmr", "apcer", "bpcer"})
"""What labels prove of a day is no memory of what was told already."""


def remembers(finding: FindingHistory) -> bool:
    """Return whether a finding is of days as a whole, which say nothing of what became of a part of them."""
    latest = finding.latest
    return latest.rule == _OF_DAYS and latest.cadence == "daily" and latest.metric.partition(":")[0] not in _BY_LABELS


def _of_weeks(finding: FindingHistory) -> bool:
    """Return whether labels prove by a finding that a limit of genuine people is broken by the last 28 days."""
    return finding.latest.rule in _LIMITS and is_proven(finding)


def deciding(findings: Sequence[FindingHistory], where: Slice) -> list[FindingHistory]:
    """Return the findings of a cause whose ends are its end: those that were sure, and no days if shorter ones were.

    Nor does a limit of genuine people that labels prove broken, which stands for four weeks after what broke it, nor
    what labels prove of a day on which it was over. What nobody was told of holds nothing open, but where days of
    others, or several together, were all that was sure; where nothing was sure all of them decide. Of a release that
    was rolled back its comparison decides alone. `where`: the root.
    """
    if gone := _rolled_back(findings):
        return gone
    known = [each for each in findings if each.sure] or list(findings)
    shorter = [each for each in known if not remembers(each)] or known
    shorter = [each for each in shorter if not _of_weeks(each)] or shorter
    ends = [each.until_ms for each in shorter if not _of_genuine_day(each)]
    ended = [end for end in ends if end is not None]
    over_ms = max(ended) if ended and len(ended) == len(ends) else 0
    told = [each for each in shorter if not _of_genuine_day(each) or _fired(each) >= over_ms] or shorter
    return [*told, *_closer(told, findings, where)]


def _closer(told: Sequence[FindingHistory], findings: Sequence[FindingHistory], where: Slice) -> list[FindingHistory]:
    """Return what nobody was told of that says more of the root than the days that people were told of."""
    if not all(remembers(each) for each in told) or any(_of_one_day(each) and each.where == where for each in told):
        return []
    metrics = {each.latest.metric for each in told}
    rest = [each for each in findings if each.worst and not each.sure and each.latest.metric in metrics]
    if where != WHOLE and (own := [each for each in rest if each.where == where and _of_one_day(each)]):
        return own
    doubtful = {each.where for each in told if not _of_one_day(each) and not _is_usual_again(each)}
    return [each for each in rest if each.where in doubtful and (_of_one_day(each) or not remembers(each))]


def _of_one_day(finding: FindingHistory) -> bool:
    """Return whether a finding is of single days."""
    return remembers(finding) and length_s(finding.latest) <= _DAY_S


def _is_usual_again(finding: FindingHistory) -> bool:
    """Return whether the days that ended a finding are likelier with what is usual than with half of what fired."""
    worst, end = finding.worst, finding.latest
    return worst is not None and _usual(end.k, end.n, end.baseline_rate, worst.rate)


def _of_genuine_day(finding: FindingHistory) -> bool:
    """Return whether labels prove by a finding that genuine people were rejected on a day."""
    latest = finding.latest
    return latest.rule == _OF_DAYS and latest.cadence == "daily" and is_proven(finding)


def _fired(finding: FindingHistory) -> int:
    """Return when the last window began that a finding fired by, in ms since 1970."""
    return ms_of((finding.latest if finding.firing else finding.newest).window_start)


def _rolled_back(findings: Sequence[FindingHistory]) -> list[FindingHistory]:
    """Return what compared a version, if its traffic ended and nothing was found since; or none."""
    compared = [each for each in findings if each.latest.rule == VERSION_CHANGE and each.sure]
    if not compared or any(each.latest.resolution != "no_traffic" for each in compared):
        return []
    end_ms = max(each.until_ms or 0 for each in compared)
    known_ms = max(ms_of(each.latest.window_end) for each in compared)
    rest = [each for each in findings if each.sure and each.latest.rule != VERSION_CHANGE and not _of_weeks(each)]
    return [] if any(_since(each, end_ms, known_ms) for each in rest) else compared


def _since(finding: FindingHistory, end_ms: int, known_ms: int) -> bool:
    """Return whether a finding fired by what came after an end, which was known later; days remember."""
    fired = finding.latest if finding.firing else finding.newest
    if remembers(finding) or _of_genuine_day(finding):
        return _fired(finding) >= end_ms
    return finding.since_ms > end_ms or ms_of(fired.window_end) > known_ms


def until_of(findings: Sequence[FindingHistory], where: Slice) -> int | None:
    """Return when a cause was over, in ms since 1970; None: it goes on. `where`: its root."""
    ends = [end_of(each, findings) for each in deciding(findings, where)]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def end_of(finding: FindingHistory, findings: Sequence[FindingHistory]) -> int | None:
    """Return when a finding of a cause was over, in ms since 1970; None: it goes on."""
    day = _day_within(finding, findings)
    return finding.until_ms if day is None else ms_of(day.window_start)


def known_of(findings: Sequence[FindingHistory], where: Slice) -> datetime:
    """Return when it became known that a cause is over, if it is. `where`: its root."""
    ends = [_day_within(each, findings) or each.latest for each in deciding(findings, where)]
    return max((each.known_at or each.window_end for each in ends), key=ms_of)


def _day_within(finding: FindingHistory, findings: Sequence[FindingHistory]) -> Anomaly | None:
    """Return the end of a day's finding that shows that what a chart fires for was over; None: none does so earlier.

    A chart takes hundreds of attempts to say that a rate is not doubled any more, and more where what is usual is a
    little above what the policy expects. A whole day of the same rate that is within, after the chart was sure, and
    likelier with what is usual than with half of the alarm, says it before; but not while a later day fires, nor if
    what the chart counted since then was no better, or it rose again.
    """
    worst, newest = finding.worst, finding.newest
    if worst is None or newest.rule != _CHART or newest.direction == "down":
        return None
    days = [each for each in findings if _same_day_rate(each, finding)]
    if any(each.firing for each in days):
        return None
    fired_ms = max((_fired(each) for each in days if each.worst), default=0)
    ends = [
        each.latest
        for each in days
        if each.latest.resolution is None
        and each.latest.window_start >= worst.window_end
        and ms_of(each.latest.window_start) > fired_ms
        and _usual(each.latest.k, each.latest.n, each.latest.baseline_rate, worst.rate)
    ]
    day = min(ends, key=lambda each: (each.window_start, each.anomaly_id), default=None)
    if day is None or any(each.told and each.since >= day.window_start for each in finding.steps):
        return None
    later = newest.window_end <= day.window_start or (
        newest.window_start == worst.window_start
        and _usual(newest.k - worst.k, newest.n - worst.n, day.baseline_rate, worst.rate)
    )
    over_ms = finding.until_ms
    return day if later and (over_ms is None or over_ms > ms_of(day.window_start)) else None


def _same_day_rate(day: FindingHistory, chart: FindingHistory) -> bool:
    """Return whether a finding is of single days of what a chart counts."""
    return _of_one_day(day) and (day.where, day.latest.metric) == (chart.where, chart.latest.metric)


def _usual(k: int, n: int, rate: float, alarm: float) -> bool:
    """Return whether k of n are likelier with the usual rate than with one half as bad as the alarm's."""
    usual = min(max(rate, _LEAST), 1 - _LEAST)
    half = (usual + alarm) / 2
    if not (usual < half < 1.0 and 0 <= k <= n):
        return False
    return k * log(usual / half) + (n - k) * log((1 - usual) / (1 - half)) >= _LIKELIER
