"""Limits of genuine people that labels prove broken, and what showed the same cause in real time. Pure.

A limit is broken over 28 days, and often no day of these stands out by itself. Where a finding of real time has the
same root, and the labelled days on which that fired hold nearly all of the errors beyond the limit, what labels prove
is of those days: it began with them, and is taken into their incident. A limit that is broken as much on other days is
a cause of its own.
"""

from collections.abc import Iterable
from math import inf

from proofwatch.detection.begin import worst_of
from proofwatch.detection.checks import check_of, is_proven
from proofwatch.detection.findings import RATES, FindingHistory, Tables
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.detection.panel_days import days_of
from proofwatch.detection.root_slice import SHARE
from proofwatch.detection.runs import BY_LABELS, Placed, related
from proofwatch.instants import instant_of


def dated(placed: Iterable[Placed], tables: Tables) -> list[Placed]:
    """Return the findings; limits that no day dates are dated by the finding of real time that shows the same."""
    everything = list(placed)
    live = [each for each in everything if _is_live(each.finding)]
    return [_dated(each, live, tables) if _is_undated(each.finding) else each for each in everything]


def proves_genuine(finding: FindingHistory) -> bool:
    """Return whether labels prove by a finding that a limit of genuine people is broken."""
    return finding.latest.rule in BY_LABELS and is_proven(finding)


def _is_undated(finding: FindingHistory) -> bool:
    return proves_genuine(finding) and finding.since_high is None


def _is_live(finding: FindingHistory) -> bool:
    """Return whether a finding is sure that people are kept out, and knows it from what came and not from labels."""
    return (
        finding.kind == RATES
        and finding.sure is not None
        and finding.latest.rule not in BY_LABELS
        and harm_of(worst_of(finding)) in KEEPS_OUT
    )


def _dated(limit: Placed, live: Iterable[Placed], tables: Tables) -> Placed:
    metric = limit.finding.latest.metric
    here = [each for each in live if each.root.where == limit.root.where]
    same = [each for each in here if related(each.finding.latest.metric, metric)]
    if len(same) < len(here):  # rejections may be those of the other check
        same = [each for each in same if check_of(each.finding.latest.metric)]
    found = [(held, each.finding.latest.anomaly_id, each) for each in same if (held := _held(limit, each, tables))]
    if not found:
        return limit
    (first_ms, last_ms), _, one = max(found)
    since = max(one.finding.since, instant_of(first_ms))
    finding = limit.finding._replace(since=since, since_low=instant_of(first_ms), since_high=instant_of(last_ms))
    return limit._replace(finding=finding)


def _held(limit: Placed, live: Placed, tables: Tables) -> tuple[int, int] | None:
    """Return when the first and the last of the days begin and end that hold the errors; None: they do not."""
    worst, where, finding = worst_of(limit.finding), limit.root.where, live.finding
    until_ms = inf if finding.until_ms is None else finding.until_ms
    total, held, days = 0.0, 0.0, []
    for day in days_of(worst):
        known = tables.get(day, {}).get(where)
        if known is None:
            continue
        beyond = known[0] - known[1] * worst.baseline_rate
        total += beyond
        end_ms = day.start_ms + day.length_s * 1000
        if day.start_ms < until_ms and finding.since_ms < end_ms:
            held += beyond
            days.append((day.start_ms, end_ms))
    if not days or held <= 0 or held < SHARE * total:
        return None
    return min(days)[0], max(days)[1]
