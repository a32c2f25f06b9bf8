"""A release that hurts one handset: which slice within a new version its changes come from. Pure.

Versions and handsets are not counted together, and need not be: where a handset holds four fifths of its tenant's
excess, and the version too, at least three fifths are of that handset with that version. So the handset is where people
are harmed, the version is since when and by what, and both are one cause. A slice that was so before the version began,
as far as it says since when, is a cause of its own. What a version takes away is explained likewise: whom the one check
refuses never reaches the other, so that fewer fail there, by no more than so many.
"""

from collections.abc import Iterable
from math import inf
from typing import Final

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import PROTECTED, RATES, WHOLE, FindingHistory, Slice, Tables, excess, panel_of
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.root_slice import SHARE
from proofwatch.detection.runs import GAP_MS, Placed
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.events.segments import VERSIONS
from proofwatch.instants import ms_of

_NO_SLICE_OF_ONE: Final = PROTECTED | {*VERSIONS, "sdk_version", "policy_version", "vendor", None}


def narrowed(placed: Iterable[Placed], tables: Tables) -> list[Placed]:
    """Return the findings, those of a version at the slice of it that holds nearly all of what it did, if one does."""
    everything = list(placed)
    slices = [each for each in everything if _may_be_within(each)]
    versions: dict[tuple[Slice, int], list[FindingHistory]] = {}
    for each in everything:
        if _is_of_version(each.finding):
            versions.setdefault(_of(each), []).append(each.finding)
    roots = {of: within.root for of, found in versions.items() if (within := _within(found, slices, tables))}
    return [
        each._replace(root=roots.get(_of(each), each.root)) if _is_of_version(each.finding) else each
        for each in everything
    ]


def _of(placed: Placed) -> tuple[Slice, int]:
    return placed.root.where, placed.finding.since_ms


def _is_of_version(finding: FindingHistory) -> bool:
    return finding.latest.rule == VERSION_CHANGE


def _keeps_out(finding: FindingHistory) -> bool:
    return harm_of(worst_of(finding)) in KEEPS_OUT


def _may_be_within(placed: Placed) -> bool:
    """Return whether a finding is sure of a slice that holds nearly all of its tenant's excess, and is no version."""
    finding, root = placed.finding, placed.root
    named = finding.where == root.where and root.where[0] not in _NO_SLICE_OF_ONE
    sure = finding.sure is not None and finding.kind == RATES and not _is_of_version(finding)
    return named and sure and _keeps_out(finding) and root.share is not None and root.share >= SHARE


def _within(version: list[FindingHistory], slices: Iterable[Placed], tables: Tables) -> Placed | None:
    """Return the finding of the slice that a version's findings come of, the one with most evidence."""
    out = {each.latest.metric: each for each in version if _keeps_out(each)}
    fewer = [each for each in version if not _keeps_out(each) and not each.latest.metric.endswith(("_ms", "_score"))]
    found = []
    for each in slices:
        same = out.get(each.finding.latest.metric)
        meant = [same] if same and _holds(same, tables) else [] if out else fewer
        if any(_meanwhile(one, each.finding) for one in meant) and (
            out or all(one.affected <= each.finding.affected for one in fewer)
        ):
            found.append(each)
    return max(found, key=lambda each: (each.root.counts.score, each.finding.latest.anomaly_id), default=None)


def _holds(version: FindingHistory, tables: Tables) -> bool:
    """Return whether a version holds nearly all of its tenant's excess since it began, as far as windows count it."""
    panel = panel_of(version)
    whole = table_of([version], {WHOLE}, tables.get(panel, {}), down=False).get(WHOLE)
    return whole is not None and excess(worst_of(version)) >= SHARE * whole.excess


def _meanwhile(version: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether a slice's finding began with a version, as far as either says, and not after that was gone."""
    until_ms = inf if version.until_ms is None else version.until_ms
    at_latest = finding.since_high or finding.latest.since or worst_of(finding).window_end  # a day's: on that day
    return finding.since_ms < until_ms and ms_of(at_latest) >= version.since_ms - GAP_MS
