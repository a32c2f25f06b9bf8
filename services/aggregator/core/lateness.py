"""What came too late to act upon: a property of a record, not of how far time has moved by the time a window closes.

A record is late by how far its partition had come in time with it, less its `occurred_at`. So a log that is published
at once says the same as one that came a day at a time: its windows close together, but in order, and each as it would
have closed then. Only what its partition was past by more than the alert horizon, after the window's end, is backfill.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from proofwatch.events.types import Cell
from services.aggregator.core import lengths
from services.aggregator.core.calendars import DaysOf, start_ms
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.times import MINUTE_MS


class Arrivals(NamedTuple):
    """Cells of a batch: those in time for their minute, and those that were not, each with when it was seen."""

    in_time: list[Cell]
    late: list[tuple[Cell, int]]

    def add(self, cells: Iterable[Cell], before_ms: int | None, horizon_ms: int) -> None:
        """Add the cells of one tally, whose source had come to `before_ms` in time before it (None: nowhere)."""
        before = before_ms or 0
        last_ms = before - horizon_ms - MINUTE_MS  # a minute that began earlier had ended longer ago than the horizon
        for cell in cells:
            if cell.seen_at is None and cell.start >= last_ms:
                self.in_time.append(cell)
                continue
            seen_ms = max(before, cell.seen_at or 0)
            if seen_ms - cell.start - MINUTE_MS > horizon_ms:
                self.late.append((cell, seen_ms))
            else:
                self.in_time.append(cell)


def too_late(late: Sequence[tuple[Cell, int]], horizon_ms: int, days_of: DaysOf) -> set[BucketKey]:
    """Return the buckets for all of whose cells it was too late: a day may still be in time where its minutes are not.

    Not asked about cells that were in time for their minute, hence for everything longer.
    """
    least: dict[BucketKey, int] = {}
    for cell, seen_ms in late:
        for length_s in lengths.LENGTHS_S:
            key = BucketKey(cell.tenant, length_s, start_ms(days_of(cell.tenant), length_s, cell.start))
            least[key] = min(seen_ms, least.get(key, seen_ms))
    return {key for key, seen_ms in least.items() if seen_ms - key.end_by(days_of) > horizon_ms}
