"""What came late in a step: had wait, and given to the charts with the closings that come next (`core.cusum.late`)."""

from collections.abc import Iterable, Mapping, Sequence

from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.late import LateCounts, alone, is_late, is_of_now, without_windows
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.rows import row_of
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.governed_markers import Governed
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import BucketKey, Counters


class LateInStep:
    """By bucket what its charts count besides, and the windows that it lacks for that; `alone`: it has no others."""

    def __init__(self, waiting: dict[str, LateCounts], past_ms: int | None, grace_ms: int) -> None:
        """`waiting`: by tenant, as stored; it is updated. `past_ms`: what ended by then has closed."""
        self._waiting = waiting
        self._past_ms = past_ms
        self._grace_ms = grace_ms
        self.counters: dict[BucketKey, Counters] = {}
        self.windows: dict[BucketKey, list[WindowRevision]] = {}
        self.alone: list[BucketKey] = []
        self.changed: dict[str, LateCounts] = {}

    @staticmethod
    def due(waiting: Mapping[str, LateCounts], past_ms: int | None) -> set[str]:
        """Return the tenants of which something has waited for long enough."""
        return {tenant for tenant, late in waiting.items() if past_ms is not None and 0 < late.due_ms <= past_ms}

    def plan(self, revised: Sequence[WindowRevision], rebases: Sequence[Rebase], governed: Governed) -> None:
        """Have what came late wait, and give what waits to the closings of its tenant, or to none that is due."""
        for each in filter(is_late, revised):
            if is_of_now(each, rebases, governed, self._now_ms):
                self._wait(row_of(each), each.added or {})
        for each in revised:
            if each.key.length_s == FIVE_MINUTES_S and each.due_ms is not None:
                self._give(each.key, each.due_ms, revised)
        for tenant in sorted(self.due(self._waiting, self._past_ms)):
            bucket = alone(tenant, self._waiting[tenant])
            self._give(bucket, bucket.end_ms + self._grace_ms, ())
            self.alone.append(bucket)

    def missed(self, of_rows: Iterable[tuple[RowKey, Mapping[str, int]]]) -> None:
        """Have wait what the charts could not count with its own window, for they have seen later ones."""
        for row, counts in of_rows:
            self._wait(row, counts)

    def _wait(self, row: RowKey, counts: Mapping[str, int]) -> None:
        late = self.changed[row.tenant] = self._waiting.setdefault(row.tenant, LateCounts())
        late.add((row.segment_name, row.segment_value), counts, self._now_ms)

    def of(self, bucket: BucketKey, windows: Iterable[WindowRevision] = ()) -> list[WindowRevision]:
        """Return a bucket's windows with those that it lacks, the whole tenant's first."""
        found = [*windows, *self.windows.get(bucket, ())]
        return sorted(found, key=lambda each: (each.window.name or "", each.window.value or ""))

    @property
    def _now_ms(self) -> int:
        return (self._past_ms or 0) + self._grace_ms

    def _give(self, bucket: BucketKey, due_ms: int, revised: Sequence[WindowRevision]) -> None:
        late = self._waiting.get(bucket.tenant)
        if late is None or not late.due_ms:
            return
        self.changed[bucket.tenant] = late
        self.counters[bucket] = taken = late.taken()
        own = (each for each in revised if each.key == bucket)
        self.windows[bucket] = without_windows(bucket, own, taken, due_ms)
