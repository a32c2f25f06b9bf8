"""The relays of a carrier's partitions: lanes that are made with an assignment, and closed when it is taken back."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from proofwatch.bus.lanes.lane import Lane
from proofwatch.bus.lanes.worker import Companion, observe_relays
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.wrappers.observed import Observer


class PartitionRelays:
    """What `bus.lanes.worker.Worker` does for its own lanes, for a carrier that has none."""

    def __init__(
        self, group: str, companions: Sequence[Companion], ended: Callable[["asyncio.Task[None]"], None]
    ) -> None:
        """`ended` is told of each lane's task that ends."""
        self._group = group
        self._companions = tuple(companions)
        self._ended = ended
        self._lanes: dict[TopicPartition, list[Lane[Any]]] = {}
        self.observer: Observer | None = None

    @property
    def partitions(self) -> list[TopicPartition]:
        """The partitions that are assigned, in order."""
        return sorted(self._lanes)

    def open(self, partitions: Iterable[TopicPartition]) -> None:
        """Start the lanes of partitions that have none yet."""
        for at in sorted(set(partitions) - self._lanes.keys()):
            self._lanes[at] = [companion(at) for companion in self._companions]
            if self.observer:
                observe_relays(self._lanes[at], self._group, self.observer)
            for lane in self._lanes[at]:
                lane.start().add_done_callback(self._ended)

    async def close(self, partitions: Iterable[TopicPartition]) -> None:
        """Drain and close the lanes of these partitions."""
        lanes = [lane for at in partitions for lane in self._lanes.pop(at, ())]
        await asyncio.gather(*(lane.close() for lane in lanes), return_exceptions=True)

    def unready(self) -> list[str]:
        """Return why a lane does not do its work; empty: all of them do."""
        return [reason for at in self.partitions for lane in self._lanes[at] for reason in lane.unready()]
