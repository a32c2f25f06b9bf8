"""Stages that the bus tests drive."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from proofwatch.bus.dead_letters.letter import with_letters
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.records import Batch, Outgoing, Output, Rejection, TopicPartition
from proofwatch.bus.stage import History


async def until(true: Callable[[], bool]) -> None:
    """Let the other tasks run until `true`; the test's time limit is the only one."""
    while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0)


def written(outputs: Iterable[Output], source: TopicPartition, group: str) -> list[Outgoing]:
    """Return what a fence of `group` publishes of a step's outputs: a letter for every rejection."""
    return [*chain.from_iterable(with_letters(outputs, source, group))]


class Recording:
    """Copies every record to a topic, and remembers what it was told."""

    def __init__(self, out: str = "out", fail: Callable[[Batch], Exception | None] = lambda batch: None) -> None:
        self.out = out
        self.fail = fail
        self.batches: list[Batch] = []
        self.told: list[tuple[str, TopicPartition, int | None]] = []

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        self.told.append(("opened", source, position))

    async def closed(self, source: TopicPartition) -> None:
        self.told.append(("closed", source, None))

    async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
        self.batches.append(batch)
        if error := self.fail(batch):
            raise error
        return [
            Outgoing(self.out, r.key, r.value, batch.source.partition, r.timestamp_ms, r.headers) for r in batch.records
        ]


class Picky(Recording):
    """Refuses what is not `good`."""

    async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
        copies = await super().step(batch, tx)
        return [
            out if record.value == b"good" else Rejection(record, "malformed", "$: is not JSON")
            for record, out in zip(batch.records, copies, strict=True)
        ]


class Unreliable(LocalBus):
    """Fails to append when told to: a transaction that is aborted after its step."""

    fails = 0

    def append(self, placed: Sequence[tuple[PartitionLog, Outgoing]]) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("away")
        super().append(placed)
