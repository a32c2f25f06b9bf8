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
from math import inf

from proofwatch.detection.elsewhere import Anchors, Left, Span, elsewhere, of_tenant
from proofwatch.detection.ever_so import was_ever_so
from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Panel, Slice, Tables, panel_of
from proofwatch.detection.narrower import narrowed
from proofwatch.detection.panel_counts import (
    counted,
    counts_all,
    is_distinct,
    may_hold,
    partly_known,
    standing_out,
    table_of,
)
from proofwatch.detection.root_slice import SHARE, Counts, Root, as_much, holders, roots, single, whole_root
from proofwatch.detection.runs import Cause, Placed, joined, order, related
from proofwatch.detection.same_failures import Named, same_root
from proofwatch.detection.senders import placed_by_senders
from proofwatch.detection.taken_in import dated
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.versions import fewer_fail
from proofwatch.detection.wide import of_smaller


def causes(findings: Iterable[FindingHistory], tables: Tables) -> list[Cause]:
    """Return the causes of the findings of one tenant, in order of their begin. What never fired is left out."""
    ordered = sorted((each for each in findings if each.worst), key=order)
    panels: dict[tuple[Panel, bool], list[FindingHistory]] = {}
    for each in ordered:
        if each.latest.rule != VERSION_CHANGE:
            panels.setdefault((panel_of(each), fewer_fail(each)), []).append(each)
    sent = placed_by_senders(((panel, group) for (panel, down), group in sorted(panels.items()) if not down), tables)
    known = {each.finding.latest.anomaly_id for each in sent}
    panels = {at: group for at, group in panels.items() if group[0].latest.anomaly_id not in known}
    spans = {down: [_span(each) for each in ordered if fewer_fail(each) == down] for down in (False, True)}
    unseen = _standing_out(ordered, tables, spans)
    spans = {down: [*each, *unseen[down]] for down, each in spans.items()}
    placed = [*sent, *(Placed(each, _own(each)) for each in ordered if each.latest.rule == VERSION_CHANGE)]
    partly = partly_known(ordered, tables)
    left: list[Left] = []
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
            names = {name for name, _ in raised}
            left.append(Left(group, table, raised, unsure, {name: counted(here, name) for name in names}))
    placed += [Placed(each, same_root(panel, named)) for panel in named for each in panel.group]
    anchors = [(_span(each.finding), each.root) for each in placed if _anchors(each)]
    of_counts = {(each.where, each.finding.latest.anomaly_id) for both in unseen.values() for each in both}
    anchors += [
        (_span(each.finding)._replace(where=each.root.where), each.root)
        for each in placed
        if (each.root.where, each.finding.latest.anomaly_id) in of_counts
    ]
    anchors += [(_span(each.finding)._replace(alone=True), each.root) for each in _by_themselves(left, anchors)]
    for whole in (True, False):  # what the whole tenant comes to is known before its slices look for a root
        wholes = [(_span(each.finding), each.root) for each in placed if _anchors(each) and each.root.where == WHOLE]
        for one in left:
            if (WHOLE in {each.where for each in one.group}) == whole:
                placed += _remaining(one, anchors, wholes)
    when = dated(narrowed(of_smaller(placed, tables), tables), tables)
    return joined(each._replace(ever_so=was_ever_so(each.finding, tables)) for each in when)


def _by_themselves(left: Iterable[Left], anchors: Anchors) -> list[Placed]:
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
    ordered: Iterable[FindingHistory], tables: Tables, spans: Mapping[bool, Sequence[Span]]
) -> dict[bool, list[Span]]:
    """Return the slices that only counts tell: of a tenant that is sure of itself, while none of its slices fires."""
    found: dict[bool, list[Span]] = {False: [], True: []}
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


def _span(finding: FindingHistory) -> Span:
    until = inf if finding.until_ms is None else max(finding.until_ms, finding.since_ms + 1)
    return Span(finding.where, finding.latest.metric, finding.since_ms, until, finding)


def _raised(panel: Panel, group: Sequence[FindingHistory], spans: Iterable[Span]) -> frozenset[Slice]:
    """Return the slices of a panel's findings, and those that fire meanwhile in a related metric."""
    end_ms = panel.start_ms + panel.length_s * 1000
    held = {
        each.where
        for each in spans
        if each.since_ms < end_ms and panel.start_ms < each.until_ms and related(each.metric, panel.metric)
    }
    return frozenset({each.where for each in group} | held)


def _may_be(anchor: Span, panel: Panel, table: Mapping[Slice, Counts]) -> bool:
    """Return whether a slice that a panel does not count may hold as much of the tenant's excess as a root does."""
    whole = table.get(WHOLE)
    return whole is None or may_hold(anchor.finding, panel, SHARE * whole.excess)


def _nearest(finding: FindingHistory, found: Sequence[Root]) -> Root:
    """Return the root that is the finding's own slice, else the largest."""
    return next((root for root in found if root.where == finding.where), found[0])


def _remaining(left: Left, anchors: Anchors, wholes: Anchors) -> list[Placed]:
    table, alike = left.table, as_much(left.table, left.raised)
    placed, homeless = [], []
    for each in left.group:
        if root := elsewhere(each, left, alike, anchors) or of_tenant(each, table, wholes):
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


def _anchors(placed: Placed) -> bool:
    return placed.finding.where == placed.root.where and placed.finding.kind == RATES
