"""How many people and attempts an incident concerns, each count with the windows that it is of. Pure.

Findings of one cause count it in several ways: attempts of all, or each person once; of days, or since a chart left
zero; and each says it anew at other times. Two of these numbers are told as of the same people only where both are of
the same windows of the same slice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from proofwatch.detection.checks import Check, check_of
from proofwatch.detection.findings import FindingHistory, counts_once, excess
from proofwatch.detection.harm import KEEPS_OUT, LETS_IN, Harm, harm_of, harmed, unchecked
from proofwatch.events.types import Anomaly

OF_ONE_WINDOW: Final = frozenset({"version_change", "twice_baseline"})
"""Rules that count what they were judged by, and no more while it goes on."""


class PeopleCounts(NamedTuple):
    """How many were wrongly rejected or accepted beyond what was to be expected, by the finding that counts most.

    `..._by`: until when, of what goes on and is counted while it does; None: all of it, or of one window.
    `people`: how many people the rejected are, each counted once; None: no finding counts so. `people_by`: until when,
    where that is of other windows than the rejected. `unchecked`: attempts that passed a check that refused nobody.
    `rejected_at`: the check by which the rejected are; None: by any, or none are.
    """

    rejected: float
    accepted: float
    rejected_by: datetime | None = None
    accepted_by: datetime | None = None
    people: float | None = None
    people_by: datetime | None = None
    unchecked: float = 0.0
    rejected_at: Check | None = None


def people_counts(own: Sequence[FindingHistory]) -> PeopleCounts:
    """Return whom an incident concerns, by the findings of its root."""
    out, into = _largest(own, KEEPS_OUT, affected), _largest(own, LETS_IN, affected)
    passed = _largest(own, LETS_IN, _unchecked)
    once = [each for each in own if out and each.where == out.where and counts_once(each.newest)]
    people = out if out in once else _largest(once, KEEPS_OUT, affected)
    return PeopleCounts(
        rejected=affected(out) if out else 0.0,
        accepted=affected(into) if into else 0.0,
        rejected_by=_by(out),
        accepted_by=_by(passed or into),
        people=affected(people) if people else None,
        people_by=people.newest.window_end if people and out and _span(people) != _span(out) else None,
        unchecked=_unchecked(passed) if passed else 0.0,
        rejected_at=check_of(out.latest.metric) if out else None,
    )


def affected(finding: FindingHistory) -> float:
    """Return about how many people or attempts a finding harmed by now, or in the end."""
    return finding.affected * _share(finding.newest)


def _share(anomaly: Anomaly) -> float:
    """Return which part of what went otherwise than expected is harm."""
    beyond = excess(anomaly)
    return harmed(anomaly) / beyond if beyond else 0.0


def _unchecked(finding: FindingHistory) -> float:
    return unchecked(finding.newest)


def _largest(
    own: Sequence[FindingHistory], harms: frozenset[Harm], number: Callable[[FindingHistory], float]
) -> FindingHistory | None:
    """Return the finding that counts most: those of several metrics overlap, and so do windows of several lengths."""
    found = [each for each in own if harm_of(each.newest) in harms and number(each) > 0]
    return max(found, key=lambda each: (number(each), counts_once(each.newest), each.latest.anomaly_id), default=None)


def _by(finding: FindingHistory | None) -> datetime | None:
    """Return until when a finding counts that goes on; charts and minutes tell it anew with each doubling."""
    if finding is None or not finding.firing:
        return None
    newest = finding.newest
    grows = newest.cadence == "real_time" and newest.rule not in OF_ONE_WINDOW
    return newest.window_end if grows else None


def _span(finding: FindingHistory) -> tuple[datetime, datetime] | None:
    """Return the windows that a finding counts; None: all of what it told of, for it ended."""
    newest = finding.newest
    return (newest.window_start, newest.window_end) if finding.firing else None
