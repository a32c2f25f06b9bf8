"""Which findings of a tenant come of one cause. Pure, and a function of the set of findings: their order is nothing.

1. In every window that was judged the counts of its slices name the roots (`detection.root_slice`). A slice that began
   to fire earlier and still does is a candidate too; where none fires, those that stand out by their counts are.
   What a comparison of versions found names its root itself: the version.
2. Where they do not, a finding belongs to a root that was found elsewhere, if that fires at the same time, in a related
   metric, and its excess there is as large, or nothing to speak of remains of a tenant without it; or the counts cannot
   tell it from the tenant. A limit that labels prove broken is a slice's only if the slice's labels hold it: errors are
   few, and what a slice does in another figure is no proof. What had stood for long explains none that says to the
   minute when it began (`detection.runs`). Else the tenant is the root if it fires itself; else that of the whole
   tenant's finding at that time, from which the slice's counts are not distinct; else the slice with the most evidence.
3. Findings of one root that overlap, or follow within a gap, are of one cause, at whatever length of window.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf, sqrt
from typing import Final, NamedTuple

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Panel, Slice, Tables, excess, panel_of
from proofwatch.detection.harm import shuts
from proofwatch.detection.panel_counts import counts_all, is_distinct, may_hold, partly_known, standing_out, table_of
from proofwatch.detection.root_slice import SHARE, Counts, Root, as_much, holders, roots, single, takes_away, whole_root
from proofwatch.detection.runs import BY_LABELS, GAP_MS, Cause, Placed, joined, may_explain, order, related
from proofwatch.detection.same_failures import Named, same_root
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.versions import fewer_fail, jumped_with, version_explains
from proofwatch.detection.waves import shut_by

_APART: Final = 3.0


class _Span(NamedTuple):
    where: Slice
    metric: str
    since_ms: int
    until_ms: float
    finding: FindingHistory
    alone: bool = False
    """Whether no window's counts single it out: then it explains only what counts say of it."""


class _Left(NamedTuple):
    """Findings of a panel whose counts name no root, those counts, and the slices that are raised in it."""

    group: list[FindingHistory]
    table: dict[Slice, Counts]
    raised: frozenset[Slice]
    partly: frozenset[Slice]
    """Slices of whose trials windows know too few."""


_Anchors = Sequence[tuple[_Span, Root]]


def causes(findings: Iterable[FindingHistory], tables: Tables) -> list[Cause]:
    """Return the causes of the findings of one tenant, in order of their begin. What never fired is left out."""
    ordered = sorted((each for each in findings if each.worst), key=order)
    panels: dict[tuple[Panel, bool], list[FindingHistory]] = {}
    for each in ordered:
        if each.latest.rule == VERSION_CHANGE:
            continue
        panels.setdefault((panel_of(each), fewer_fail(each)), []).append(each)
    spans = {down: [_span(each) for each in ordered if fewer_fail(each) == down] for down in (False, True)}
    unseen = _standing_out(ordered, tables, spans)
    spans = {down: [*each, *unseen[down]] for down, each in spans.items()}
    placed = [Placed(each, _own(each)) for each in ordered if each.latest.rule == VERSION_CHANGE]
    partly = partly_known(ordered, tables)
    left: list[_Left] = []
    named: list[Named] = []
    for (panel, down), group in sorted(panels.items()):
        raised, here = _raised(panel, group, spans[down]), tables.get(panel, {})
        table = table_of(group, raised, here, down=down)
        unsure = frozenset(each for each in partly if not counts_all(here, each[0]))
        unseen_here = (raised & unsure) - {each.where for each in group}
        unknown = {each.where[0] for each in spans[down] if each.where in unseen_here and _may_be(each, panel, table)}
        found = roots(table, raised)
        if found and not unknown - {found[0].where[0]}:
            if len(found) == 1:
                of_all = table_of(group, {*raised, *here}, here, down=down)
                named.append(Named(panel, group, of_all, found[0], holders(of_all)))
            else:
                placed += [Placed(each, _nearest(each, found)) for each in group]
        else:
            left.append(_Left(group, table, raised, unsure))
    placed += [Placed(each, same_root(panel, named)) for panel in named for each in panel.group]
    anchors = [(_span(each.finding), each.root) for each in placed if _anchors(each)]
    counted = {(each.where, each.finding.latest.anomaly_id) for both in unseen.values() for each in both}
    anchors += [
        (_span(each.finding)._replace(where=each.root.where), each.root)
        for each in placed
        if (each.root.where, each.finding.latest.anomaly_id) in counted
    ]
    anchors += [(_span(each.finding)._replace(alone=True), each.root) for each in _by_themselves(left, anchors)]
    for of_tenant in (True, False):  # what the whole tenant comes to is known before its slices look for a root
        wholes = [(_span(each.finding), each.root) for each in placed if _anchors(each) and each.root.where == WHOLE]
        for one in left:
            if (WHOLE in {each.where for each in one.group}) == of_tenant:
                placed += _remaining(one, anchors, wholes)
    return joined(placed)


def _by_themselves(left: Iterable[_Left], anchors: _Anchors) -> list[Placed]:
    """Return the slices that stand out from their tenant, and are sure, though the counts of no window single them out.

    A tenant's rate that differs from what is usual holds excess of its own, beside that of the slice.
    """
    return [
        each
        for one in left
        if WHOLE not in {finding.where for finding in one.group}
        for each in _remaining(one, anchors, ())
        if _anchors(each) and each.finding.sure and is_distinct(one.table, each.finding.where)
    ]


def _standing_out(
    ordered: Iterable[FindingHistory], tables: Tables, spans: Mapping[bool, Sequence[_Span]]
) -> dict[bool, list[_Span]]:
    """Return the slices that only counts tell: of a tenant that is sure of itself, while none of its slices fires."""
    found: dict[bool, list[_Span]] = {False: [], True: []}
    for each in ordered:
        down = fewer_fail(each)
        told = each.where == WHOLE and each.sure and each.kind == RATES and each.latest.rule != VERSION_CHANGE
        if told and _raised(panel_of(each), [each], spans[down]) == {WHOLE}:
            of_counts = standing_out(each, tables, down=down)
            found[down] += [_span(each)._replace(where=where) for where in sorted(of_counts, key=str)]
    return found


def _own(finding: FindingHistory) -> Root:
    """Return the version that a comparison of versions names: nothing else is the cause of it."""
    return single(table_of([finding], (), {}, down=fewer_fail(finding)), finding.where)


def _span(finding: FindingHistory) -> _Span:
    until = inf if finding.until_ms is None else max(finding.until_ms, finding.since_ms + 1)
    return _Span(finding.where, finding.latest.metric, finding.since_ms, until, finding)


def _raised(panel: Panel, group: Sequence[FindingHistory], spans: Iterable[_Span]) -> frozenset[Slice]:
    """Return the slices of a panel's findings, and those that fire meanwhile in a related metric."""
    end_ms = panel.start_ms + panel.length_s * 1000
    held = {
        each.where
        for each in spans
        if each.since_ms < end_ms and panel.start_ms < each.until_ms and related(each.metric, panel.metric)
    }
    return frozenset({each.where for each in group} | held)


def _may_be(anchor: _Span, panel: Panel, table: Mapping[Slice, Counts]) -> bool:
    """Return whether a slice that a panel does not count may hold as much of the tenant's excess as a root does."""
    whole = table.get(WHOLE)
    return whole is None or may_hold(anchor.finding, panel, SHARE * whole.excess)


def _nearest(finding: FindingHistory, found: Sequence[Root]) -> Root:
    """Return the root that is the finding's own slice, else the largest."""
    return next((root for root in found if root.where == finding.where), found[0])


def _remaining(left: _Left, anchors: _Anchors, wholes: _Anchors) -> list[Placed]:
    table, alike = left.table, as_much(left.table, left.raised)
    placed, homeless = [], []
    for each in left.group:
        if root := _elsewhere(each, left, alike, anchors) or _of_tenant(each, table, wholes):
            placed.append(Placed(each, root))
        else:
            homeless.append(each)
    if not homeless:
        return placed
    slices = {each.where for each in homeless}
    largest = whole_root(table) if WHOLE in slices else single(table, _most(slices, table))
    for each in homeless:
        other_value = each.where[0] == largest.where[0] and each.where != largest.where
        placed.append(Placed(each, single(table, each.where) if other_value else largest))
    return placed


def _most(slices: Collection[Slice], table: Mapping[Slice, Counts]) -> Slice:
    return max(sorted(slices, key=str), key=lambda each: table[each].score)


def _elsewhere(finding: FindingHistory, left: _Left, alike: Collection[Slice], anchors: _Anchors) -> Root | None:
    panel = panel_of(finding)
    own = left.table[finding.where]
    found = []
    for anchor, root in anchors if finding.kind == RATES else ():
        disjoint = root.where[0] == finding.where[0] and root.where != finding.where
        there = left.table.get(root.where)
        version = anchor.finding.latest.rule == VERSION_CHANGE
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


def _excess_there(anchor: _Span, there: Counts, partly: Collection[Slice]) -> float:
    """Return the excess of a slice in a panel: where that knows too few of its windows, what is said of the slice."""
    return max(there.excess, excess(worst_of(anchor.finding))) if anchor.where in partly else there.excess


def _of_tenant(finding: FindingHistory, table: Mapping[Slice, Counts], wholes: _Anchors) -> Root | None:
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


def _meanwhile(anchor: _Span, panel: Panel) -> bool:
    end_ms = panel.start_ms + panel.length_s * 1000
    return anchor.since_ms < end_ms and panel.start_ms < anchor.until_ms + GAP_MS


def _anchors(placed: Placed) -> bool:
    return placed.finding.where == placed.root.where and placed.finding.kind == RATES
