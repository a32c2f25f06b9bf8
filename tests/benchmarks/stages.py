"""The scorer's stage without a broker: batches of records in, outputs out, processor time in between."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.topics import TRANSACTIONS
from tests.benchmarks.events import TENANTS, events, start_for
from tests.benchmarks.scorer import Profile, build_stage

SOURCE: Final = TopicPartition(TRANSACTIONS, 0)
BATCH: Final = 10_000


class NoHistory:
    """Nothing lies before the first record."""

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield nothing."""
        for _ in ():
            yield ()


def records_of(count: int, names: Sequence[str] = TENANTS) -> list[Record]:
    """Return the events 0 … `count` − 1 as records of one partition, appended now."""
    now_ms = time.time_ns() // 1_000_000
    made = enumerate(events(0, count, start_for(count), names))
    return [Record(offset, now_ms, event.key, event.value) for offset, event in made]


def stage_cost(profile: Profile, records: Sequence[Record]) -> tuple[float, list[Outgoing]]:
    """Return microseconds of processor time per event of a new stage, and its outputs."""
    return asyncio.run(_stage_cost(profile, records))


async def _stage_cost(profile: Profile, records: Sequence[Record]) -> tuple[float, list[Outgoing]]:
    stage = build_stage(profile)
    await stage.opened(SOURCE, 0, NoHistory())
    batches = [
        Batch(SOURCE, part, part[0].offset, part[-1].offset + 1, part[-1].timestamp_ms, part[-1].timestamp_ms)
        for part in (records[at : at + BATCH] for at in range(0, len(records), BATCH))
    ]
    outputs: list[Outgoing] = []
    gc.collect()
    gc.disable()  # what it costs is told by the run on Kafka; here it would hit whoever comes first
    try:
        spent = 0.0
        for batch in batches:
            began = time.process_time()
            made = [*await stage.step(batch, None)]
            spent += time.process_time() - began
            outputs += [each for each in made if isinstance(each, Outgoing)]
    finally:
        gc.enable()
    return spent / len(records) * 1e6, outputs
