"""What a new version explains of slices: what of its tenant's excess is both, and which slice it comes from. Pure.

Versions and slices are not counted together, and need not be: where a version holds the part v of its tenant's excess
and a slice the part s of it, at least v + s - 1 is of both. Where that is four fifths of the slice's, the slice goes
wrong by the version, and both are one cause, as far as the version did as much (`detection.versions`). A slice that was
so before the version began, as far as it says since when, is a cause of its own.

Where a handset holds four fifths of its tenant's excess, and the version too, the handset is where people are harmed,
the version is since when and by what. Of several slices that do, the root is the one that does in most of the windows,
and then the one with most evidence. What a version takes away is explained likewise: whom the one check refuses never
reaches the other, so that fewer fail there, by no more than so many.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import (
    PROTECTED,
    RATES,
    WHOLE,
    FindingHistory,
    Panel,
    Slice,
    Tables,
    excess,
    panel_of,
)
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.root_slice import SHARE, Counts, Root, holders
from proofwatch.detection.runs import GAP_MS, Placed, related
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.versions import version_explains
from proofwatch.events.segments import VERSIONS
from proofwatch.instants import ms_of

_NO_SLICE_OF_ONE: Final = PROTECTED | {*VERSIONS, "sdk_version", "policy_version", "vendor", None}
_BOTH: Final = 0.75
"""Of a slice that holds four fifths of an excess so much is a version's at least that holds as much."""
_Version = tuple[Slice, int]
"""A version, and since when it is compared."""


class _Seen(NamedTuple):
    """A finding that a version explains, and the slices that hold nearly all of the excess of its window."""

    placed: Placed
    panel: Panel
    holders: frozenset[Slice]


def narrowed(placed: Iterable[Placed], tables: Tables) -> list[Placed]:
    """Return the findings, those of a version and of the slices that it explains at one root: the slice that holds
    nearly all of what the version did, if one does, else the version."""
    everything = list(placed)
    versions: dict[_Version, list[FindingHistory]] = {}
    for each in everything:
        if _is_of_version(each.finding):
            versions.setdefault((each.root.where, each.finding.since_ms), []).append(each.finding)
    roots: dict[str, Root] = {}
    for (where, _), found in versions.items():
        own = next(each.root for each in everything if each.finding is found[0])
        seen = [one for each in everything if (one := _explained(found, each, tables))]
        root = _where_harmed(seen) or own
        mine = [*found, *(one.placed.finding for one in seen), *_along(where, found, everything)] if seen else []
        roots |= {each.latest.anomaly_id: root for each in mine}
    return [each._replace(root=roots.get(each.finding.latest.anomaly_id, each.root)) for each in everything]


def _is_of_version(finding: FindingHistory) -> bool:
    return finding.latest.rule == VERSION_CHANGE


def _keeps_out(finding: FindingHistory) -> bool:
    return harm_of(worst_of(finding)) in KEEPS_OUT


def _explained(version: Sequence[FindingHistory], placed: Placed, tables: Tables) -> _Seen | None:
    """Return what a version's findings explain of a slice's; None: they do not."""
    finding, name = placed.finding, placed.root.where[0]
    if name in {*VERSIONS, "sdk_version", "policy_version", None} or _is_of_version(finding):
        return None
    if finding.kind != RATES or not _keeps_out(finding) or not any(_meanwhile(each, finding) for each in version):
        return None
    panel = panel_of(finding)
    table = table_of([finding], tables.get(panel, {}), tables.get(panel, {}), down=False)
    out = [each for each in version if _keeps_out(each)]
    if out:
        held = any(related(each.latest.metric, panel.metric) and _holds(each, placed, table, tables) for each in out)
    else:
        fewer = [each for each in version if not each.latest.metric.endswith(("_ms", "_score"))]
        held = bool(fewer) and _may_be_all(placed) and all(each.affected <= finding.affected for each in fewer)
    return _Seen(placed, panel, holders(table)) if held else None


def _holds(version: FindingHistory, placed: Placed, table: dict[Slice, Counts], tables: Tables) -> bool:
    """Return whether a version did nearly all of what a slice shows, and as much as that.

    Where the slice's window does not count the version, its part is that of all the time since it began.
    """
    whole, part = table.get(WHOLE), table.get(version.where)
    of_slice = table.get(placed.root.where, placed.root.counts)
    if whole is None or whole.excess <= 0:
        return False
    held = _part(part.excess, whole) if part is not None else _held_since(version, tables)
    slices = _part(of_slice.excess, whole)
    if held is None or held + slices - 1 < _BOTH * slices:
        return False
    return version_explains(version, placed.finding, whole, part)


def _held_since(version: FindingHistory, tables: Tables) -> float | None:
    """Return the part of its tenant's excess that a version holds since it began, as far as windows count it."""
    panel = panel_of(version)
    whole = table_of([version], {WHOLE}, tables.get(panel, {}), down=False).get(WHOLE)
    return None if whole is None else _part(excess(worst_of(version)), whole)


def _part(beyond: float, whole: Counts) -> float:
    return 1.0 if beyond >= whole.excess else max(0.0, beyond / whole.excess)


def _may_be_all(placed: Placed) -> bool:
    """Return whether a finding's root holds nearly all of its tenant's excess, and may be where a version does harm."""
    root = placed.root
    return root.where[0] not in _NO_SLICE_OF_ONE and root.share is not None and root.share >= SHARE


def _where_harmed(seen: Sequence[_Seen]) -> Root | None:
    """Return the slice that holds nearly all of what a version did, and is sure; None: no single one."""
    sure = {one.placed.root.where for one in seen if one.placed.finding.sure is not None}
    able = [one for one in seen if one.placed.root.where in sure and _may_be_all(one.placed)]
    panels = {one.panel: one.holders for one in seen}

    def order(one: _Seen) -> tuple[int, float, str]:
        root = one.placed.root
        return (
            sum(root.where in each for each in panels.values()),
            root.counts.score,
            one.placed.finding.latest.anomaly_id,
        )

    return max(able, key=order).placed.root if able else None


def _along(where: Slice, version: Sequence[FindingHistory], everything: Iterable[Placed]) -> list[FindingHistory]:
    """Return what else was found to come of a version while that goes on."""
    return [
        each.finding
        for each in everything
        if each.root.where == where
        and not _is_of_version(each.finding)
        and any(_meanwhile(one, each.finding) for one in version)
    ]


def _meanwhile(version: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether a finding began with a version, as far as either says, and not after that was gone."""
    until_ms = inf if version.until_ms is None else version.until_ms
    at_latest = finding.since_high or finding.latest.since or worst_of(finding).window_end  # a day's: on that day
    return finding.since_ms < until_ms and ms_of(at_latest) >= version.since_ms - GAP_MS
