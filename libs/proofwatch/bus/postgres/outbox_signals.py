"""Tells the relay of an outbox, in the same process, that rows were written: no polling delay, no idle queries."""

import asyncio
from collections import defaultdict

from proofwatch.bus.records import TopicPartition


class OutboxSignals:
    """One flag for each source partition, set by the fence's commits."""

    def __init__(self) -> None:
        self._flags: defaultdict[TopicPartition, asyncio.Event] = defaultdict(asyncio.Event)

    def set(self, source: TopicPartition) -> None:
        """Say that rows were written, or may have been."""
        self._flags[source].set()

    def take(self, source: TopicPartition) -> bool:
        """Return whether something was said since the last `take`."""
        flag = self._flags[source]
        said = flag.is_set()
        flag.clear()
        return said

    async def wait(self, source: TopicPartition, timeout_s: float) -> None:
        """Return when something is said, or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._flags[source].wait()
        except TimeoutError:
            return
