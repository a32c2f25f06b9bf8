"""How much of what was fetched becomes one batch, where the number of records does not tell what a batch costs.

The records of a quiet day are few, but each opens and closes windows of its own: what a stage makes of them may take
longer than a transaction may. So a batch can be held to a span of time, or to a size, too.
"""

from collections.abc import Sequence

from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.records import Record


def portion(records: Sequence[Record], settings: LaneSettings) -> int:
    """Return how many records, from the first on, are one batch: at least one, where there are any."""
    return min(_in_span(records, settings.span_ms, settings.span_least), _in_size(records, settings.max_bytes))


def _in_span(records: Sequence[Record], span_ms: int, least: int) -> int:
    if not span_ms or len(records) <= least:
        return len(records)
    until_ms = records[0].timestamp_ms + span_ms
    later = (at for at in range(max(1, least), len(records)) if records[at].timestamp_ms >= until_ms)
    return next(later, len(records))


def _in_size(records: Sequence[Record], max_bytes: int) -> int:
    if not max_bytes:
        return len(records)
    size = 0
    for at, record in enumerate(records):
        size += len(record.value or b"")
        if size > max_bytes and at:
            return at
    return len(records)
