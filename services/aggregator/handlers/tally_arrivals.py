"""Which tallies of a batch are merged: each once, whatever is repeated, and those that cannot be read never."""

from collections.abc import Callable
from typing import Final

import structlog

from proofwatch.bus.records import Batch, Rejection
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Tally
from proofwatch.runtime.conditions import Condition
from services.aggregator.core.lateness import Arrivals
from services.aggregator.core.progress import SourceId, admit
from services.aggregator.handlers.open_windows import OpenWindows

SCHEMA: Final = "windows"
_log = structlog.get_logger(__name__)
_skipped = Condition(_log, "tally_skipped")


def admitted(
    batch: Batch, lane: OpenWindows, decode: Callable[[bytes | None], Tally], horizon_ms: int
) -> tuple[Arrivals, list[Rejection]]:
    """Return the cells that are not merged yet, and rejections; move the sources on."""
    arrivals = Arrivals([], [])
    rejections = []
    for record in batch.records:
        try:
            tally = decode(record.value)
        except Rejected as rejected:
            rejections.append(Rejection.of(record, rejected))
            continue
        source = SourceId(tally.source_topic, tally.source_partition)
        before = lane.sources.get(source)
        lane.sources[source], fresh = admit(tally, before)
        if not fresh:
            _skipped.holds(
                group=SCHEMA,
                topic=source.topic,
                partition=source.partition,
                tally=f"{tally.position_before} to {tally.position_after}",
                merged_to=lane.sources[source].position,
                reason="it is merged already: combine repeats what it has published; were its group's offsets reset, "
                "or the verdicts topic made anew before this release?",
            )
        else:
            arrivals.add(tally.cells, before.progress_ms if before else None, horizon_ms)
    return arrivals, rejections
