"""Which findings of a tenant come of one cause. Pure, and a function of the set of findings: their order is nothing.

1. In every window that was judged the counts of its slices name the roots (`detection.root_slice`). A slice that began
   to fire earlier and still does is a candidate too.
   What a comparison of versions found names its root itself: the version.
2. Where they do not, a finding belongs to a root that was found elsewhere, if that fires at the same time, in a related
   metric, and its excess there is as large; or the counts cannot tell it from the tenant. What begins within a minute
   is not explained by what had stood for longer than `GAP_MS`. Else the tenant is the root
   if it fires itself, else the slice with the most evidence.
3. Findings of one root that overlap, or follow within `GAP_MS`, are of one cause, at whatever length of window.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf, sqrt
from typing import Final, NamedTuple

from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Panel, Slice, Tables, excess, panel_of
from proofwatch.detection.root_slice import Counts, Root, as_much, roots, single, whole_root
from proofwatch.detection.version_words import VERSION_CHANGE

GAP_MS: Final = 3_600_000
"""A cause that comes back within an hour is the same."""
_APART: Final = 3.0
_OF_MINUTES: Final = frozenset({"collapse", "saturation", "few_values", "missing_scores", "score_shift"})
"""Rules of whole tenants that say to the minute when something began: what had stood for long does not explain it."""
_LIVENESS: Final = frozenset(
    {"liveness_fail_rate", "apcer", "bpcer", "apnrr", "bpnrr", "iapar", "liveness_score", "liveness_ms"}
)
_MATCH: Final = frozenset({"match_fail_rate", "fmr", "fnmr", "match_score", "match_ms"})


class Cause(NamedTuple):
    """Findings of one root, the first one first, from its begin to its end (None: some fire) in milliseconds."""

    root: Root
    findings: tuple[FindingHistory, ...]
    since_ms: int
    until_ms: int | None


class _Placed(NamedTuple):
    finding: FindingHistory
    root: Root


class _Span(NamedTuple):
    where: Slice
    metric: str
    since_ms: int
    until_ms: float


def causes(findings: Iterable[FindingHistory], tables: Tables) -> list[Cause]:
    """Return the causes of the findings of one tenant, in order of their begin. What never fired is left out."""
    ordered = sorted((each for each in findings if each.worst), key=_order)
    panels: dict[tuple[Panel, bool], list[FindingHistory]] = {}
    for each in ordered:
        if each.latest.rule == VERSION_CHANGE:
            continue
        panels.setdefault((panel_of(each), _down(each)), []).append(each)
    spans = {down: [_span(each) for each in ordered if _down(each) == down] for down in (False, True)}
    placed = [_Placed(each, _own(each)) for each in ordered if each.latest.rule == VERSION_CHANGE]
    left: list[tuple[list[FindingHistory], dict[Slice, Counts], frozenset[Slice]]] = []
    for (panel, down), group in sorted(panels.items()):
        raised = _raised(panel, group, spans[down])
        table = _table(group, raised, tables.get(panel, {}), down=down)
        if found := roots(table, raised):
            placed += [_Placed(each, _nearest(each, found)) for each in group]
        else:
            left.append((group, table, raised))
    anchors = [(_span(each.finding), each.root) for each in placed if _anchors(each)]
    for group, table, raised in left:
        placed += _remaining(group, table, as_much(table, raised), anchors)
    return _joined(placed)


@lru_cache(maxsize=1024)
def related(metric: str, other: str) -> bool:
    """Return whether one cause may move both: all but errors of one check and errors of the other."""
    pair = {metric.partition(":")[0], other.partition(":")[0]}
    return not (pair & _LIVENESS and pair & _MATCH)


def _own(finding: FindingHistory) -> Root:
    """Return the version that a comparison of versions names: nothing else is the cause of it."""
    return single(_table([finding], (), {}, down=_down(finding)), finding.where)


def _order(finding: FindingHistory) -> tuple[int, str]:
    return (finding.since_ms, finding.latest.anomaly_id)


def _down(finding: FindingHistory) -> bool:
    return finding.latest.direction == "down"


def _span(finding: FindingHistory) -> _Span:
    until = inf if finding.until_ms is None else max(finding.until_ms, finding.since_ms + 1)
    return _Span(finding.where, finding.latest.metric, finding.since_ms, until)


def _raised(panel: Panel, group: Sequence[FindingHistory], spans: Iterable[_Span]) -> frozenset[Slice]:
    """Return the slices of a panel's findings, and those that fire meanwhile in a related metric."""
    end_ms = panel.start_ms + panel.length_s * 1000
    held = {
        each.where
        for each in spans
        if each.since_ms < end_ms and panel.start_ms < each.until_ms and related(each.metric, panel.metric)
    }
    return frozenset({each.where for each in group} | held)


def _table(
    group: Sequence[FindingHistory], raised: Collection[Slice], known: Mapping[Slice, tuple[int, int]], *, down: bool
) -> dict[Slice, Counts]:
    own = {each.where: worst for each in group if (worst := each.worst)}
    usual = own[WHOLE if WHOLE in own else min(own, key=str)].baseline_rate
    table = {each: Counts(*known[each], usual, down) for each in {WHOLE, *raised} if each in known}
    for where, worst in own.items():
        stated = excess(worst) if worst.affected is not None else None
        table[where] = Counts(worst.k, worst.n, worst.baseline_rate, down, stated)
    return table


def _nearest(finding: FindingHistory, found: Sequence[Root]) -> Root:
    """Return the root that is the finding's own slice, else the largest."""
    return next((root for root in found if root.where == finding.where), found[0])


def _remaining(
    group: Sequence[FindingHistory],
    table: Mapping[Slice, Counts],
    alike: Collection[Slice],
    anchors: Sequence[tuple[_Span, Root]],
) -> list[_Placed]:
    placed, homeless = [], []
    for each in group:
        if root := _elsewhere(each, table, alike, anchors):
            placed.append(_Placed(each, root))
        else:
            homeless.append(each)
    if not homeless:
        return placed
    slices = {each.where for each in homeless}
    largest = whole_root(table) if WHOLE in slices else single(table, _most(slices, table))
    for each in homeless:
        other_value = each.where[0] == largest.where[0] and each.where != largest.where
        placed.append(_Placed(each, single(table, each.where) if other_value else largest))
    return placed


def _most(slices: Collection[Slice], table: Mapping[Slice, Counts]) -> Slice:
    return max(sorted(slices, key=str), key=lambda each: table[each].score)


def _elsewhere(
    finding: FindingHistory,
    table: Mapping[Slice, Counts],
    alike: Collection[Slice],
    anchors: Sequence[tuple[_Span, Root]],
) -> Root | None:
    panel = panel_of(finding)
    end_ms = panel.start_ms + panel.length_s * 1000
    own = table[finding.where]
    found = []
    for anchor, root in anchors if finding.kind == RATES else ():
        disjoint = root.where[0] == finding.where[0] and root.where != finding.where
        stood = finding.latest.rule in _OF_MINUTES and anchor.since_ms < finding.since_ms - GAP_MS
        if disjoint or stood or not (anchor.since_ms < end_ms and panel.start_ms < anchor.until_ms):
            continue
        there = table.get(root.where)
        if root.where in alike:
            found.append((True, root))
        elif related(anchor.metric, panel.metric) and (
            there is None or own.excess <= there.excess + _APART * sqrt(max(own.k, 1))
        ):
            found.append((False, root))
    best = max(found, key=lambda each: (each[0], each[1].counts.excess, str(each[1].where)), default=None)
    return best[1] if best else None


def _anchors(placed: _Placed) -> bool:
    return placed.finding.where == placed.root.where and placed.finding.kind == RATES


def _joined(placed: Iterable[_Placed]) -> list[Cause]:
    series: dict[tuple[str, Slice], list[_Placed]] = {}
    for each in placed:
        series.setdefault((each.finding.kind, each.root.where), []).append(each)
    found = []
    for members in series.values():
        run: list[_Placed] = []
        until: float = -inf
        for each in sorted(members, key=lambda one: _order(one.finding)):
            if run and each.finding.since_ms > until + GAP_MS:
                found.append(_cause(run))
                run, until = [], -inf
            run.append(each)
            until = max(until, inf if each.finding.until_ms is None else each.finding.until_ms)
        found.append(_cause(run))
    return sorted(found, key=lambda cause: (cause.since_ms, cause.findings[0].latest.anomaly_id))


def _cause(run: Sequence[_Placed]) -> Cause:
    ends = [each.finding.until_ms for each in run]
    known = [end for end in ends if end is not None]
    largest = max(
        run, key=lambda each: (each.root.share is not None, each.root.counts.excess, each.finding.latest.anomaly_id)
    )
    alike = tuple(sorted({one for each in run for one in each.root.confounded if each.root == largest.root}, key=str))
    root = largest.root._replace(confounded=alike)
    findings = tuple(each.finding for each in run)
    return Cause(root, findings, findings[0].since_ms, max(known) if len(known) == len(ends) else None)
