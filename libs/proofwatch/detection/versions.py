"""What a new version explains of what else is found of a tenant: as much as it changed, from its begin on. Pure.

Its comparison says of how many of its transactions a rate, or the place of a score, is another one. So where all
traffic runs on it, or the counts tell how much does, that much more may fail of any rate of the same check; a few more
by chance, and somewhat more where who fails tries again. What is larger, goes the other way or was there before, is a
cause of its own. A version that takes longer explains what takes longer.
"""

from math import sqrt
from typing import Final

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import FindingHistory, excess, length_s
from proofwatch.detection.root_slice import Counts, takes_away
from proofwatch.detection.runs import EXACT, GAP_MS
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.instants import ms_of

_MUCH: Final = 1.5
"""Who fails tries again, and fails again: of all attempts more fail than of first ones."""
_APART: Final = 3.0
_OF_SCORES: Final = frozenset({"saturation", "score_shift"})


def fewer_fail(finding: FindingHistory) -> bool:
    """Return whether a finding says that fewer fail: a rate that is lower, or scores that are higher."""
    latest = finding.latest
    of_scores = latest.rule in _OF_SCORES or (latest.rule == VERSION_CHANGE and latest.metric.endswith("_score"))
    return latest.direction == ("up" if of_scores else "down")


def version_explains(version: FindingHistory, finding: FindingHistory, whole: Counts, part: Counts | None) -> bool:
    """Return whether what a version changed may be all that a finding tells of.

    `whole`: the counts of the finding, `part`: those of the version among them; None: nobody knows.
    """
    told, found = version.newest, worst_of(finding)
    if told.metric.endswith("_ms") or found.metric.endswith("_ms"):
        return told.metric == found.metric
    if fewer_fail(version) != fewer_fail(finding):
        return False
    if found.rule == "score_shift":
        return told.metric == found.metric and jumped_with(version, finding)
    if _was_before(version, finding):
        return part is not None and takes_away(whole, part)
    trials = whole.n if part is None else part.n
    return whole.excess <= _MUCH * excess(told) / max(told.n, 1) * trials + _APART * sqrt(max(whole.k, 1))


def jumped_with(version: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether scores jumped when a version began: since when is known to a block of scores, or to two."""
    block_ms = 1000 * length_s(worst_of(finding))
    since_then = finding.since_ms - version.since_ms
    return finding.latest.rule == "score_shift" and -GAP_MS <= since_then <= block_ms


def _was_before(version: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether a finding began before a version did, as far as it says since when: an interval is no bound."""
    at_latest_ms = finding.since_ms if finding.since_high is None else ms_of(finding.since_high)
    dated = finding.since_high is not None or finding.latest.rule in EXACT
    return dated and at_latest_ms < version.since_ms - GAP_MS
