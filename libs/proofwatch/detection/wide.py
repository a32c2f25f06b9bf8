"""A slice that nearly everybody is in is no root where a smaller one did the same. Pure.

Windows of minutes in which a value has few trials are not published. So of an attack that goes on the counts know a
release that most people run, and not the country or the handset that it comes from; a chart of that slice, which counts
all of it, may name it in its own window. Where that holds nearly all of the tenant's excess there, with less than half
of the trials, and the wide slice shows no more than it, their failures are the same ones.
"""

from collections.abc import Iterable, Sequence
from math import inf, sqrt
from typing import Final, NamedTuple

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import PROTECTED, RATES, WHOLE, FindingHistory, Slice, Tables, excess, panel_of
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.root_slice import AS_FEW, SHARE, Root, is_wide, single, stands_out
from proofwatch.detection.runs import BY_LABELS, GAP_MS, Placed, related
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.versions import fewer_fail

_APART: Final = 3.0


class _Small(NamedTuple):
    """A finding that is sure of a slice which holds nearly all of its tenant's excess, and the slice as a root."""

    finding: FindingHistory
    root: Root


def of_smaller(placed: Iterable[Placed], tables: Tables) -> list[Placed]:
    """Return the findings, those of a wide slice at the smaller one that did the same meanwhile, if one did."""
    everything = list(placed)
    compared = {each.root.where for each in everything if each.finding.latest.rule == VERSION_CHANGE}
    wide = {each.root.where for each in everything if _is_wide(each.root)} - compared
    small = [one for each in everything if wide and (one := _small(each.finding, tables))]
    by_wide = {where: _smaller(where, everything, small) for where in wide}
    return [_moved(each, by_wide.get(each.root.where, ())) for each in everything]


def _is_wide(root: Root) -> bool:
    return root.where != WHOLE and root.rest is not None and is_wide(root.counts.n, root.counts.n + root.rest.n)


def _small(finding: FindingHistory, tables: Tables) -> _Small | None:
    """Return a finding of a slice that holds nearly all of its tenant's excess with less than half of the trials."""
    latest = finding.latest
    if finding.where == WHOLE or not finding.sure or finding.kind != RATES:
        return None
    if latest.rule in BY_LABELS or latest.rule == VERSION_CHANGE:
        return None
    table = table_of([finding], {WHOLE}, tables.get(panel_of(finding), {}), down=fewer_fail(finding))
    whole, part = table.get(WHOLE), table[finding.where]
    if whole is None or part.excess < SHARE * whole.excess or is_wide(part.n, whole.n) or not stands_out(part, whole):
        return None
    return _Small(finding, single(table, finding.where))


def _smaller(where: Slice, placed: Iterable[Placed], small: Iterable[_Small]) -> Sequence[_Small]:
    """Return the findings of the smaller slice that did what a wide one shows by itself; (): none did."""
    own = [each.finding for each in placed if each.finding.where == where == each.root.where]
    by_slice: dict[Slice, list[_Small]] = {}
    for one in small:
        if one.root.where[0] != where[0] and _explains(one, own):
            by_slice.setdefault(one.root.where, []).append(one)
    if not by_slice:
        return ()
    trials = {each: max(one.root.counts.n for one in found) for each, found in by_slice.items()}
    fewest = min(trials, key=lambda each: (trials[each], str(each)))
    others = [each for each in trials if each[0] not in PROTECTED and trials[each] <= AS_FEW * trials[fewest]]
    return by_slice[min(others, key=lambda each: (trials[each], str(each)), default=fewest)]


def _explains(small: _Small, wide: Iterable[FindingHistory]) -> bool:
    """Return whether a slice did as much as a wide one shows meanwhile of the same, with fewer than half as many."""
    told, n, at = small.finding.affected, small.root.counts.n, worst_of(small.finding)
    same = [
        worst
        for each in wide
        if related((worst := worst_of(each)).metric, at.metric)
        and fewer_fail(each) == fewer_fail(small.finding)
        and worst.window_start < at.window_end
        and at.window_start < worst.window_end
    ]
    return bool(same) and all(
        excess(each) <= told + _APART * sqrt(max(each.k, 1)) and each.n > AS_FEW * n for each in same
    )


def _moved(placed: Placed, small: Sequence[_Small]) -> Placed:
    found = [one for one in small if _meanwhile(one.finding, placed.finding)]
    if not found:
        return placed
    best = max(found, key=lambda one: (one.root.counts.excess, one.finding.latest.anomaly_id))
    return placed._replace(root=best.root)


def _meanwhile(one: FindingHistory, other: FindingHistory) -> bool:
    return one.since_ms <= _end(other) + GAP_MS and other.since_ms <= _end(one) + GAP_MS


def _end(finding: FindingHistory) -> float:
    return inf if finding.until_ms is None else finding.until_ms
