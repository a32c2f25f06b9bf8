"""Whether every consumed transaction became exactly one verdict, dead letter or deduplication."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from proofwatch.bus.records import TopicPartition


class BatchCounts(NamedTuple):
    """What became of the records of one batch: consumed = decided + deduplicated + dead_lettered.

    Positions are those of the batch. The same positions may be reported again, for a batch may be seen again.
    `mended`: fields of its records that were put right (`events.mending`), by name; repeats count too.
    """

    source: TopicPartition
    position_before: int
    position_after: int
    consumed: int
    decided: int
    deduplicated: int
    dead_lettered: int
    mended: Mapping[str, int] = MappingProxyType({})


class Totals(NamedTuple):
    """Transaction records and what became of them."""

    consumed: int = 0
    decided: int = 0
    deduplicated: int = 0
    dead_lettered: int = 0

    @property
    def holds(self) -> bool:
        """Return whether nothing was lost and nothing counted twice."""
        return self.consumed == self.decided + self.deduplicated + self.dead_lettered


class Conservation:
    """Observes batches: counts every position once, however often its batch was seen.

    A lane goes on only from a position that is committed. So a batch that begins where the last one ended confirms
    it, and one that begins earlier replaces it. The newest batch of a partition counts although it may not be
    committed yet.
    """

    def __init__(self) -> None:
        self._confirmed: dict[TopicPartition, Totals] = {}
        self._newest: dict[TopicPartition, BatchCounts] = {}
        self._mended: dict[TopicPartition, Counter[str]] = {}

    def __call__(self, counts: BatchCounts) -> None:
        """Take note of a batch."""
        newest = self._newest.get(counts.source)
        if newest and newest.position_after <= counts.position_before:
            confirmed = self._confirmed.get(counts.source, Totals())
            self._confirmed[counts.source] = _plus(confirmed, newest)
            self._mended.setdefault(counts.source, Counter()).update(newest.mended)
        self._newest[counts.source] = counts

    def by_partition(self) -> Mapping[TopicPartition, Totals]:
        """Return the totals of every partition."""
        return {
            source: _plus(self._confirmed.get(source, Totals()), newest)
            for source, newest in sorted(self._newest.items(), key=lambda item: item[0])
        }

    def totals(self) -> Totals:
        """Return the totals over all partitions."""
        return Totals(*map(sum, zip(*self.by_partition().values(), strict=True))) if self._newest else Totals()

    def mended(self) -> dict[str, int]:
        """Return how many values were put right, by field, over all partitions."""
        found = sum(self._mended.values(), Counter[str]())
        for newest in self._newest.values():
            found.update(newest.mended)
        return dict(sorted(found.items()))


def _plus(totals: Totals, counts: BatchCounts) -> Totals:
    return Totals(
        totals.consumed + counts.consumed,
        totals.decided + counts.decided,
        totals.deduplicated + counts.deduplicated,
        totals.dead_lettered + counts.dead_lettered,
    )
