"""When a batch continues where the last one ended: between positions, never between offsets, which have holes."""

from proofwatch.bus.records import Batch


def begins_at(batch: Batch, committed: int, *, begun: bool) -> bool:
    """Tell whether `batch` continues at `committed`; an owner's first batch may also begin beyond it.

    That happens when the source itself knows better: an outbox whose group offsets have expired.
    """
    return batch.position_before == committed or (not begun and batch.position_before > committed)
