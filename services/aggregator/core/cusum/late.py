"""What comes when its five minutes have closed: the charts count it with the five minutes in which it comes.

A source that is always some minutes late, or sends what it has every ten minutes, closes its windows with the first
that is seen of them; the rest restates them, and charts look at no window twice. So the rest waits for the next closing
of its tenant, or for the end of the five minutes in which it came, whichever is first. A step of its own would not do:
where failures take longer to come than successes, charts would climb on the failures alone.

What is about the time before a person's word or a governed marker is left to the days: the charts compare with what is
usual since then.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.rebase import Rebase, due
from services.aggregator.core.cusum.rows import due_markers, row_of
from services.aggregator.core.figures import knows_first
from services.aggregator.core.governed_markers import Governed
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.merge import BucketKey, Counters, PolicyCounts, SegmentWindow
from services.aggregator.core.segments import Segment

NOTHING_LATE: Final[Mapping[Segment, Mapping[str, int]]] = MappingProxyType({})


class LateCounts(Struct, array_like=True):
    """Counters of one tenant that wait, by segment value, and until when; 0: nothing does."""

    due_ms: int = 0
    counters: Counters = {}

    def add(self, segment: Segment, counts: Mapping[str, int], now_ms: int) -> None:
        """Have counts wait that came at `now_ms`."""
        mine = self.counters.setdefault(segment, {})
        for name, n in counts.items():
            mine[name] = mine.get(name, 0) + n
        self.due_ms = self.due_ms or (now_ms // FIVE_MS + 1) * FIVE_MS

    def taken(self) -> Counters:
        """Return what waits, and have nothing wait any more."""
        counters, self.counters, self.due_ms = self.counters, {}, 0
        return counters


def is_late(revised: WindowRevision) -> bool:
    """Return whether a window is restated by what charts are to count."""
    return revised.key.length_s == FIVE_MINUTES_S and revised.added is not None


def is_of_now(revised: WindowRevision, rebases: Sequence[Rebase], governed: Governed, now_ms: int) -> bool:
    """Return whether a restated window is of what its charts compare with now."""
    key, start_ms = row_of(revised), revised.key.start_ms
    return not due(rebases, key, start_ms, now_ms) and not due_markers(governed, key, start_ms, now_ms)


def alone(tenant: str, late: LateCounts) -> BucketKey:
    """Return the five minutes in which it came: nothing of them closes by which it could be counted."""
    return BucketKey(tenant, FIVE_MINUTES_S, late.due_ms - FIVE_MS)


def without_windows(
    bucket: BucketKey, windows: Iterable[WindowRevision], late: Mapping[Segment, Mapping[str, int]], due_ms: int
) -> list[WindowRevision]:
    """Return empty windows of the segment values that have none in a bucket, and of which something came late."""
    known = {(each.window.name, each.window.value) for each in windows}
    return [
        WindowRevision(bucket, SegmentWindow(*segment, 0, {"": PolicyCounts({}, {}, {})}), False, True, due_ms)
        for segment in late.keys() - known
    ]


def with_late(counts: Mapping[str, int], late: Mapping[str, int] | None) -> Mapping[str, int]:
    """Return the counters of a window with what came late; without, where only the window tells first attempts."""
    if late is None or (knows_first(counts) and not knows_first(late)):
        return counts
    return {name: counts.get(name, 0) + late.get(name, 0) for name in counts.keys() | late.keys()}
