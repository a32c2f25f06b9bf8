"""Counts of published windows, as they are compared to find where an excess comes from. Pure.

A window is kept with when it came, so that what is found at a time depends on what had come by then, and not on how
far this process has read: of a window the last revision that had come counts.
"""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from proofwatch.detection.findings import PEOPLE_REFERRED, WHOLE, Panel, Slice, counted_as
from proofwatch.events.types import Window
from proofwatch.instants import ms_of
from services.aggregator.core.figures import counted_first, people_referred
from services.aggregator.core.times import SECOND_MS

Rates = dict[str, tuple[int, int]]
"""k and n by metric; those of first attempts under a name of their own (`findings.counted_as`)."""


Counted = Mapping[Slice, tuple[int, int]]
"""k and n of one rate by slice."""


class Place(NamedTuple):
    """Length in seconds and start, in milliseconds since the Unix epoch, of the windows of a tenant."""

    length_s: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        """Return the end, exclusive."""
        return self.start_ms + self.length_s * SECOND_MS


class Told(NamedTuple):
    """One revision of a window: of what, which, when it came (ms of log time), and its rates."""

    kind: str
    name: str | None
    value: str | None
    revision: int
    seen_ms: int
    rates: Rates


Row = Sequence[Told]
"""All that is known of the windows of one place."""


def place_of(window: Window) -> Place:
    """Return where a window lies."""
    return Place(window.length_s, ms_of(window.start))


def told_of(window: Window, seen_ms: int) -> Told:
    """Return what of a window is compared."""
    rates = {each.metric: (each.k, each.n) for each in window.figures if each.k is not None and each.n is not None}
    if window.kind == "decisions" and (first := counted_first(window.counts)):
        rates |= {counted_as(metric, "first_attempts"): kn for metric, kn in first.items()}
    if window.kind == "decisions" and (people := people_referred(window.counts)):
        rates[PEOPLE_REFERRED] = people
    return Told(window.kind, window.segment_name, window.segment_value, window.revision, seen_ms, rates)


def joined(known: Row, new: Iterable[Told], done_ms: int) -> list[Told]:
    """Return both together, each revision once; what a later one replaced by `done_ms` is dropped."""
    by_window: dict[tuple[str, str | None, str | None], dict[int, Told]] = {}
    for each in (*known, *new):
        by_window.setdefault((each.kind, each.name, each.value), {}).setdefault(each.revision, each)
    kept: list[Told] = []
    for revisions in by_window.values():
        first = max((r for r, each in revisions.items() if each.seen_ms < done_ms), default=0)
        kept += [revisions[r] for r in sorted(revisions) if r >= first]
    return kept


def rate_by(row: Row, metric: str, until_ms: int) -> Counted:
    """Return one rate of every slice of a place, by the last revisions that came before `until_ms`."""
    last: dict[tuple[str, str | None, str | None], Told] = {}
    for each in row:
        if each.seen_ms < until_ms:
            known = last.get((each.kind, each.name, each.value))
            if known is None or known.revision < each.revision:
                last[each.kind, each.name, each.value] = each
    found: dict[Slice, tuple[int, int] | None] = {}
    for each in last.values():  # slices are in the order in which any of their windows came
        found[each.name, each.value] = each.rates.get(metric) or found.get((each.name, each.value))
    return {where: counted for where, counted in found.items() if counted}


def table(panel: Panel, rows: Mapping[Place, Counted]) -> dict[Slice, tuple[int, int]]:
    """Return k and n of every slice in the panel's span: summed over the longest windows that lie in it whole.

    `rows`: of the panel's metric.
    """
    found: dict[Slice, tuple[int, int]] = {}
    for place in cover(panel, rows):
        for where, counted in rows[place].items():
            k, n = found.get(where, (0, 0))
            found[where] = (k + counted[0], n + counted[1])
    return found


def cover(panel: Panel, rows: Mapping[Place, Counted]) -> list[Place]:
    """Return windows in the panel's span that do not overlap, the longest first, as far as the tenant's are known."""
    end_ms = panel.start_ms + panel.length_s * SECOND_MS
    inside = [
        each for each in rows if panel.start_ms <= each.start_ms and each.end_ms <= end_ms and WHOLE in rows[each]
    ]
    taken: list[Place] = []
    chosen: list[Place] = []
    for each in sorted(inside, key=lambda one: (-one.length_s, one.start_ms)):
        at = bisect(taken, each.start_ms, key=_start_ms)  # what is taken does not overlap: its neighbours decide
        before, behind = taken[at - 1 : at], taken[at : at + 1]
        if not (any(each.start_ms < one.end_ms for one in before) or any(one.start_ms < each.end_ms for one in behind)):
            taken.insert(at, each)
            chosen.append(each)
    return chosen


def _start_ms(place: Place) -> int:
    return place.start_ms
