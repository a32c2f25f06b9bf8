"""Owners on the in-process bus: an epoch per (group, partition) decides who may commit."""

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from proofwatch.bus.dead_letters.letter import with_letters
from proofwatch.bus.errors import Fenced, Gap
from proofwatch.bus.lanes.contiguity import begins_at
from proofwatch.bus.local.group import Group
from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.records import Batch, Outgoing, Topic, TopicPartition
from proofwatch.bus.stage import Owner, Stage
from proofwatch.bus.topics import require_same

_Placed = list[tuple[PartitionLog, Outgoing]]


class Appender(Protocol):
    """What the fence needs of the bus."""

    def place(self, records: Sequence[Outgoing], keyless: int | None = None) -> _Placed:
        """Choose every record's partition."""
        ...

    def append(self, placed: _Placed) -> None:
        """Append placed records."""
        ...

    async def topic(self, name: str) -> Topic:
        """Return what the topic was when it was first asked for."""
        ...


class LocalFence:
    """The fence of one group."""

    def __init__(self, bus: Appender, group: str, state: Group, *, of_topic: bool = True) -> None:
        self.group = group
        self._bus = bus
        self._state = state
        self._of_topic = of_topic

    async def check(self) -> None:
        """Nothing is needed."""

    async def acquire(self, source: TopicPartition) -> Owner[None]:
        """Become the only one who can commit for `source`."""
        topic = await self._bus.topic(source.topic) if self._of_topic else Topic(0)
        return LocalOwner(self, self._bus, self._state, source, self._state.bump_epoch(source), topic)


class LocalOwner:
    """The right to commit for one partition until the epoch moves on."""

    def __init__(
        self, fence: LocalFence, bus: Appender, group: Group, source: TopicPartition, epoch: int, topic: Topic
    ) -> None:
        self._fence = fence
        self._topic = topic
        self._bus = bus
        self._group = group
        self._source = source
        self._epoch = epoch
        self._begun = False

    async def position(self) -> int | None:
        """Return the committed position; where the group has lost it, the one that outputs were last published with.

        Raises `TopicReplaced`.
        """
        read = self._group.read_of.get(self._source)
        if not require_same(f"{self._source.topic}/{self._source.partition}", read, self._topic):
            self._group.forget(self._source)
        return self._position()

    async def commit(self, batch: Batch, stage: Stage[None]) -> None:
        """Run the step, then append its outputs and move the position without yielding in between."""
        self._check(batch)
        parts = with_letters(await stage.step(batch, None), batch.source, self._fence.group)
        placed = self._bus.place([*chain.from_iterable(parts)], batch.source.partition)
        self._check(batch)
        self._bus.append(placed)
        if batch.position_after > batch.position_before:
            self._group.committed[self._source] = self._group.written[self._source] = batch.position_after
            self._group.read_of[self._source] = self._topic.id
            self._begun = True

    def _check(self, batch: Batch) -> None:
        where = f"{self._source.topic}/{self._source.partition}"
        if self._group.epochs[self._source] != self._epoch:
            raise Fenced(f"{where}: another owner has acquired this partition")
        committed = self._position()
        if committed is not None and not begins_at(batch, committed, begun=self._begun):
            raise Gap(f"{where}: the batch begins at {batch.position_before}, but {committed} is committed")

    def _position(self) -> int | None:
        return self._group.committed.get(self._source, self._group.written.get(self._source))

    async def close(self) -> None:
        """Hold nothing, release nothing."""
