"""Reads what the services publish, as one more consumer group of the in-process bus."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition

_BATCH: Final = 10_000


class OutputReader:
    """Follows topics from their beginning; positions are kept in memory only."""

    def __init__(self, bus: Bus, topics: Sequence[str]) -> None:
        self._consumer = bus.consumer("results", topics)
        self._assigned: list[TopicPartition] = []

    async def start(self) -> None:
        """Join, and read from the first record on."""
        await self._consumer.start(self._take, self._leave)

    async def stop(self) -> None:
        """Leave."""
        await self._consumer.stop()

    async def drain(self) -> list[tuple[str, Sequence[Record]]]:
        """Return everything new, by topic and partition in fixed order."""
        found = []
        for at in self._assigned:
            while records := await self._consumer.fetch(at, _BATCH, 0):
                found.append((at.topic, records))
        return found

    async def _take(self, partitions: frozenset[TopicPartition]) -> None:
        self._assigned = sorted(partitions)
        for at in self._assigned:
            await self._consumer.seek(at, 0)

    async def _leave(self, _partitions: frozenset[TopicPartition]) -> None:
        self._assigned = []
