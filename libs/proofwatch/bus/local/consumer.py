"""A member of a consumer group on the in-process bus."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from proofwatch.bus.errors import NotAssigned
from proofwatch.bus.local.group import Assignment, Group
from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.port import Listener, Look
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.bus.stage import History

_HISTORY_BATCH = 5000


class Logs(Protocol):
    """What the consumer needs of the bus."""

    def log(self, source: TopicPartition) -> PartitionLog:
        """Return the partition's log."""
        ...

    def release(self, source: TopicPartition) -> None:
        """Drop what nobody needs any more."""
        ...


class LocalHistory:
    """What lies before a position of one partition."""

    def __init__(self, log: PartitionLog, position: int) -> None:
        self._log = log
        self._position = position

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield the records from the first at or after `timestamp_ms` up to the position."""
        log, begun, at = self._log, False, self._log.base
        while at < self._position:
            records = log.slice(at, min(_HISTORY_BATCH, self._position - at))
            at += len(records)
            if not begun:
                first = next((i for i, record in enumerate(records) if record.timestamp_ms >= timestamp_ms), None)
                if first is None:
                    continue
                begun, records = True, records[first:]
            yield records


class LocalConsumer:
    """One member; `fetch` slices the log at a cursor of its own."""

    def __init__(self, logs: Logs, group: Group, topics: Sequence[str]) -> None:
        self._logs = logs
        self._group = group
        self._topics = tuple(topics)
        self._assigned: Assignment = frozenset()
        self._cursors: dict[TopicPartition, int] = {}
        self._on_assigned: Listener | None = None
        self._on_revoked: Listener | None = None

    @property
    def topics(self) -> Sequence[str]:
        """Return the subscribed topics."""
        return self._topics

    async def start(self, on_assigned: Listener, on_revoked: Listener) -> None:
        """Join the group; returns after the rebalance."""
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        await self._group.join(self)

    async def stop(self) -> None:
        """Leave the group; idempotent."""
        await self._group.leave(self)

    async def revoke(self) -> None:
        """Give up everything, after `on_revoked` has drained it."""
        if self._assigned and self._on_revoked:
            await self._on_revoked(self._assigned)
        self._assigned = frozenset()
        self._cursors.clear()

    async def assign(self, partitions: Assignment) -> None:
        """Take these partitions."""
        self._assigned = partitions
        if self._on_assigned:
            await self._on_assigned(partitions)

    async def beginning(self, source: TopicPartition) -> int:
        """Return the earliest position that can still be read."""
        return self._logs.log(source).base

    async def seek(self, source: TopicPartition, position: int) -> None:
        """Read from `position` on. Raises `NotAssigned`."""
        self._require(source)
        self._cursors[source] = position

    async def fetch(self, source: TopicPartition, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next records, or none after `timeout_s`. Raises `NotAssigned`."""
        self._require(source)
        log = self._logs.log(source)
        position = self._cursors.setdefault(source, log.base)
        self._group.reached(source, position)
        self._logs.release(source)
        records = log.slice(position, max_records)
        if not records and timeout_s > 0:
            await log.wait(timeout_s)
            self._require(source)
            records = log.slice(position, max_records)
        if records:
            self._cursors[source] = records[-1].offset + 1
        return records

    def history(self, source: TopicPartition, position: int) -> History:
        """Return the view of what lies before `position`."""
        return LocalHistory(self._logs.log(source), position)

    def look(self, source: TopicPartition) -> Look | None:
        """Return what is there now: the log is in this process, and nothing in it is open."""
        end = self._logs.log(source).end
        return Look(0, end, end)

    def verify(self) -> None:
        """Do nothing: members here have no names."""

    def unready(self) -> Sequence[str]:
        """Return nothing: nobody is kept from joining."""
        return ()

    async def passed(self, source: TopicPartition) -> int | None:
        """Return None: there are no markers between records here."""
        return None

    async def announce(self, positions: Mapping[TopicPartition, int]) -> None:
        """Set the group's positions."""
        self._group.committed.update({at: to for at, to in positions.items() if at in self._assigned})

    def _require(self, source: TopicPartition) -> None:
        if source not in self._assigned:
            raise NotAssigned(f"{source.topic}/{source.partition} is not assigned to this member of the group")
