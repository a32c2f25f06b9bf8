"""Which root that other windows name explains a finding whose own window names none. Pure."""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from types import MappingProxyType
from typing import Final, NamedTuple

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Panel, Slice, excess, panel_of
from proofwatch.detection.harm import shuts
from proofwatch.detection.panel_counts import is_distinct
from proofwatch.detection.root_slice import Counts, Root, takes_away
from proofwatch.detection.runs import BY_LABELS, GAP_MS, may_explain, related
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.versions import jumped_with, version_explains
from proofwatch.detection.waves import shut_by

_APART: Final = 3.0


class Span(NamedTuple):
    """A finding and its slice, or the one that only counts tell of it, from its begin to its end in milliseconds."""

    where: Slice
    metric: str
    since_ms: int
    until_ms: float
    finding: FindingHistory
    alone: bool = False
    """Whether no window's counts single it out: then it explains only what counts say of it."""


class Left(NamedTuple):
    """Findings of a panel whose counts name no root, those counts, and the slices that are raised in it."""

    group: list[FindingHistory]
    table: dict[Slice, Counts]
    raised: frozenset[Slice]
    partly: frozenset[Slice]
    """Slices of whose trials windows know too few."""
    counted: Mapping[str | None, float] = MappingProxyType({})
    """By attribute, of which share of the panel's trials its windows know the value."""


Anchors = Sequence[tuple[Span, Root]]


def elsewhere(finding: FindingHistory, left: Left, alike: Collection[Slice], anchors: Anchors) -> Root | None:
    """Return the root of what fires meanwhile that explains a finding; `alike`: slices not to be told from its tenant.

    None: there is none.
    """
    panel = panel_of(finding)
    own = left.table[finding.where]
    found = []
    for anchor, root in anchors if finding.kind == RATES else ():
        disjoint = root.where[0] == finding.where[0] and root.where != finding.where
        version = anchor.finding.latest.rule == VERSION_CHANGE
        there = _there(root.where, left, version=version)
        if finding.where == WHOLE != root.where and shuts(finding.latest) and not version:
            if shut_by(anchor.finding, panel, own, there):
                found.append((False, root))
            continue
        if disjoint or not _meanwhile(anchor, panel) or not _may_explain(anchor.finding, finding):
            continue
        if version and not version_explains(anchor.finding, finding, own, there):
            continue
        if root.where in alike:
            found.append((True, root))
        elif finding.latest.rule in BY_LABELS:
            if there is not None and takes_away(own, there):
                found.append((False, root))
        elif related(anchor.metric, panel.metric) and (
            not anchor.alone
            if there is None
            else own.excess <= _excess_there(anchor, there, left.partly) + _APART * sqrt(max(own.k, 1))
            or (finding.where == WHOLE and takes_away(own, there))
        ):
            found.append((False, root))
    best = max(
        found,
        key=lambda each: (each[0], each[1].where == finding.where, each[1].counts.excess, str(each[1].where)),
        default=None,
    )
    return best[1] if best else None


def _may_explain(anchor: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether what one finding says may be why another fires, by when both began."""
    of_version = anchor.latest.rule == VERSION_CHANGE and jumped_with(anchor, finding)
    return of_version or may_explain(anchor, finding)


def _there(where: Slice, left: Left, *, version: bool) -> Counts | None:
    """Return the counts of a root in a panel; of a version those of all trials, where windows know a share of them."""
    there, share = left.table.get(where), left.counted.get(where[0], 1.0)
    if there is None or not version or not 0 < share < 1:
        return there
    return there._replace(k=round(there.k / share), n=round(there.n / share))


def _excess_there(anchor: Span, there: Counts, partly: Collection[Slice]) -> float:
    """Return the excess of a slice in a panel: where that knows too few of its windows, what is said of the slice."""
    return max(there.excess, excess(worst_of(anchor.finding))) if anchor.where in partly else there.excess


def of_tenant(finding: FindingHistory, table: Mapping[Slice, Counts], wholes: Anchors) -> Root | None:
    """Return the whole tenant as the root of a slice that does no more than its tenant does meanwhile."""
    if finding.kind != RATES or finding.where == WHOLE or is_distinct(table, finding.where):
        return None
    panel = panel_of(finding)
    found = [
        root
        for anchor, root in wholes
        if _meanwhile(anchor, panel) and related(anchor.metric, panel.metric) and may_explain(anchor.finding, finding)
    ]
    return max(found, key=lambda root: root.counts.excess, default=None)


def _meanwhile(anchor: Span, panel: Panel) -> bool:
    end_ms = panel.start_ms + panel.length_s * 1000
    return anchor.since_ms < end_ms and panel.start_ms < anchor.until_ms + GAP_MS
