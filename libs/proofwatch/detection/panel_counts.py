"""The counts that slices of a tenant are compared by in one window of a metric, and how far they are known. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import sqrt
from typing import Final

from proofwatch.detection.findings import WHOLE, FindingHistory, Panel, Slice, Tables, excess, length_s, panel_of
from proofwatch.detection.root_slice import Counts, stands_out
from proofwatch.instants import ms_of

_KNOWN: Final = 0.8
_CHANCE: Final = 3.0


def table_of(
    group: Sequence[FindingHistory], raised: Collection[Slice], known: Mapping[Slice, tuple[int, int]], *, down: bool
) -> dict[Slice, Counts]:
    """Return the counts of the findings' slices as they state them, and of those that are raised as far as known."""
    own = {each.where: worst for each in group if (worst := each.worst)}
    usual = own[WHOLE if WHOLE in own else min(own, key=str)].baseline_rate
    table = {each: Counts(*known[each], usual, down) for each in {WHOLE, *raised} if each in known}
    for where, worst in own.items():
        stated = excess(worst) if worst.affected is not None else None
        table[where] = Counts(worst.k, worst.n, worst.baseline_rate, down, stated)
    return table


def partly_known(findings: Iterable[FindingHistory], tables: Tables) -> frozenset[Slice]:
    """Return the slices of whose trials, as a finding of theirs states them, windows lack more than one in five.

    Windows in which a value has few trials are not published; its detectors know them.
    """
    found = set()
    for each in findings:
        table = tables.get(panel_of(each), {})
        if each.worst and WHOLE in table and table.get(each.where, (0, 0))[1] < _KNOWN * each.worst.n:
            found.add(each.where)
    return frozenset(found - {WHOLE})


def counted(known: Mapping[Slice, tuple[int, int]], name: str | None) -> float:
    """Return of which share of its trials a panel knows the value of an attribute."""
    whole = known.get(WHOLE, (0, 0))[1]
    return sum(n for where, (_, n) in known.items() if where[0] == name) / whole if whole > 0 else 0.0


def counts_all(known: Mapping[Slice, tuple[int, int]], name: str | None) -> bool:
    """Return whether a panel counts nearly all trials by the values of an attribute: none holds more than it says."""
    return counted(known, name) >= _KNOWN


def may_hold(finding: FindingHistory, panel: Panel, least: float) -> bool:
    """Return whether the slice of a finding may hold an excess of `least` in a panel that does not count it.

    It fails as often as in the window in which it was sure, with three standard deviations more: what was sure after
    ten hours has little of it within minutes. What rose again since may hold anything.
    """
    worst = finding.worst
    if worst is None:
        return False
    end_ms = panel.start_ms + panel.length_s * 1000
    rose = any(each.direction == "up" and ms_of(each.since) < end_ms for each in finding.steps)
    held = excess(worst) * panel.length_s / max(length_s(worst), 1)
    return rose or held + _CHANCE * sqrt(held + 1.0) >= least


def standing_out(finding: FindingHistory, tables: Tables, *, down: bool) -> frozenset[Slice]:
    """Return the slices that are distinct from the rest of their tenant in the window of a finding of the whole of it.

    A rule that needs weeks of a slice, or many failures, may be sure of a tenant long before it is of the slice. Both
    are counted in the same windows, which may be a part of those that the finding was judged by.
    """
    worst = finding.worst
    known = tables.get(panel_of(finding), {}) if worst else {}
    if worst is None or WHOLE not in known:
        return frozenset()
    table = {each: Counts(k, n, worst.baseline_rate, down) for each, (k, n) in known.items()}
    return frozenset(each for each in table if each != WHOLE and is_distinct(table, each))


def is_distinct(table: Mapping[Slice, Counts], where: Slice) -> bool:
    """Return whether a slice differs from the rest of its tenant by more than chance makes of the highest of many."""
    whole = table.get(WHOLE)
    return whole is not None and stands_out(table[where], whole)
