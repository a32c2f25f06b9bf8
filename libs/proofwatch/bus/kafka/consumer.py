"""A member of a consumer group on Kafka."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from proofwatch.bus.errors import BusUnavailable, NotAssigned
from proofwatch.bus.kafka.client import CHECK_MS, Connection, end
from proofwatch.bus.kafka.membership import Membership
from proofwatch.bus.kafka.reader import KafkaHistory, PartitionReader
from proofwatch.bus.port import Listener, Look
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.bus.wording import plain
from proofwatch.runtime.conditions import Condition

_log = structlog.get_logger(__name__)

_STOP_S = 10.0
_ALIVE_EVERY_S = 5.0


class KafkaConsumer:
    """One member, which only learns its partitions from the group; each is read by a `PartitionReader` of its own.

    The lanes seek after their fence, so the group's own start positions are never used.
    """

    def __init__(self, connection: Connection, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group = group
        self._consumer: Any = None
        self._rebalance: _Rebalance | None = None
        self._membership: Membership | None = None
        self._failing = Condition(_log, "group_not_joined")
        self._readers: dict[TopicPartition, PartitionReader] = {}
        self._alive_at = 0.0
        self._trouble = ""

    async def start(self, on_assigned: Listener, on_revoked: Listener) -> None:
        """Join the group; returns after the first assignment. Raises `BusUnavailable`, `InstanceTaken`."""
        self._consumer = AIOKafkaConsumer(
            **self._connection.options(),
            group_id=self._group,
            group_instance_id=self._connection.instance_id,
            session_timeout_ms=self._connection.session_timeout_ms,
            heartbeat_interval_ms=self._connection.heartbeat_ms,
            partition_assignment_strategy=(RangePartitionAssignor,),  # co-partitioned topics go together
            enable_auto_commit=False,
            consumer_timeout_ms=CHECK_MS,
        )
        self._membership = Membership(self._consumer._client, self._group, self._connection.instance_id)
        self._rebalance = _Rebalance(self._consumer, self._joining(on_assigned), self._releasing(on_revoked))
        self._consumer.subscribe(self._topics, listener=self._rebalance)
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await end(self._consumer.stop())
            if self._membership.fenced:
                raise self._membership.fenced from error
            raise BusUnavailable(f"Kafka does not answer at {self._connection.bootstrap}: {plain(error)}") from error

    async def stop(self) -> None:
        """Drain what was assigned, then leave the group; idempotent."""
        if self._consumer is None or self._rebalance is None:
            return
        await self._rebalance.end()  # the library's stop does not call its listener; lanes may still fetch
        consumer, self._consumer = self._consumer, None
        try:
            async with asyncio.timeout(_STOP_S):
                await _leave(consumer)
        except (KafkaError, OSError, TimeoutError) as error:
            _log.warning("consumer_not_stopped", group=self._group, error=type(error).__name__)

    def verify(self) -> None:
        """Let the library join again after an error, which it hands to whoever reads next; but nobody may read then.

        Raises `InstanceTaken` when another process has joined under this one's instance id, and `BusUnavailable` when
        the library has given up.
        """
        if self._membership and self._membership.fenced:
            raise self._membership.fenced
        if self._consumer is None:
            return
        coordinator = self._consumer._coordinator
        try:
            coordinator.check_errors()
        except KafkaError as error:
            if coordinator._coordination_task.done():
                raise BusUnavailable(f"the membership in group {self._group} has ended: {plain(error)}") from error
            self._trouble = f"group {self._group} could not be joined: {plain(error)}"
            self._failing.holds(type(error).__name__, group=self._group, error=str(error))
            coordinator.request_rejoin()  # heartbeats have ended with the error; joining begins them again

    def unready(self) -> Sequence[str]:
        """Return why the member is not in its group; empty: it is, or joins."""
        return [self._trouble] if self._trouble else []

    async def beginning(self, source: TopicPartition) -> int:
        """Return the earliest offset that is left. Raises `NotAssigned`, `BusUnavailable`."""
        return await (await self._reader(source)).beginning()

    async def seek(self, source: TopicPartition, position: int) -> None:
        """Read from `position` on. Raises `NotAssigned`, `BusUnavailable`."""
        (await self._reader(source)).seek(position)

    async def fetch(self, source: TopicPartition, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next committed records, or none after `timeout_s`. Raises `Gap`, `NotAssigned`."""
        got = await (await self._reader(source)).fetch(max_records, timeout_s)
        await self._tell_alive()
        return got

    def history(self, source: TopicPartition, position: int) -> History:
        """Return the view of what lies before `position`."""
        return KafkaHistory(self._connection, source, position)

    def look(self, source: TopicPartition) -> Look | None:
        """Return what the broker last said of `source`; None: nothing since the last `seek`."""
        reader = self._readers.get(source)
        return reader.look() if reader else None

    async def passed(self, source: TopicPartition) -> int | None:
        """Return where the reader of `source` is; None: it is not connected."""
        reader = self._readers.get(source)
        return await reader.passed() if reader else None

    async def announce(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit offsets that nobody reads but Kafka's tools. Raises `BusUnavailable`."""
        assigned = self._rebalance.assigned if self._rebalance else frozenset()
        offsets = {Place(*at): to for at, to in positions.items() if at in assigned}
        if not offsets or self._consumer is None:
            return
        try:
            await self._consumer.commit(offsets)
        except (KafkaError, OSError) as error:  # also a rebalance in between
            raise BusUnavailable(f"group {self._group} does not take offsets: {type(error).__name__}") from error

    async def _reader(self, source: TopicPartition) -> PartitionReader:
        """Return the reader of an assigned partition, connecting it if need be."""
        if self._rebalance is None or source not in self._rebalance.assigned:
            raise NotAssigned(f"{source.topic}/{source.partition} is not assigned to this member of {self._group} now")
        if source not in self._readers:
            made = PartitionReader(self._connection, source)
            await made.start()
            self._readers[source] = made
        return self._readers[source]

    async def _tell_alive(self) -> None:
        """Let the library see that somebody reads; it leaves the group when nobody has for max.poll.interval.ms."""
        now = asyncio.get_running_loop().time()
        if now - self._alive_at > _ALIVE_EVERY_S and self._consumer:
            self._alive_at = now
            await self._consumer.getmany(timeout_ms=0)  # everything is paused: nothing comes

    def _joining(self, on_assigned: Listener) -> Listener:
        """Note that the member is in the group."""

        async def join(partitions: frozenset[TopicPartition]) -> None:
            self._trouble = ""
            self._failing.clears(group=self._group)
            await on_assigned(partitions)

        return join

    def _releasing(self, on_revoked: Listener) -> Listener:
        """Disconnect the readers of what was revoked, when its lanes are closed."""

        async def release(partitions: frozenset[TopicPartition]) -> None:
            await on_revoked(partitions)
            readers = [self._readers.pop(source) for source in partitions if source in self._readers]
            await asyncio.gather(*(each.stop() for each in readers), return_exceptions=True)

        return release


async def _leave(consumer: Any) -> None:
    """Stop, and tell the group so.

    The library tells it for dynamic members only, for a static one may come back. But whoever ends by SIGTERM may as
    well be a scale-down, and his partitions would wait for the session timeout. So no instance id is left when it
    decides; no await comes in between. The broker takes a static member's leave by its member id (LeaveGroup v0–v2).
    """
    if consumer._coordinator is not None:
        consumer._coordinator._group_instance_id = None
    await consumer.stop()


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # the library ships no types
    """Hands assignments over as the port promises: no empty revocations, nothing after the end."""

    def __init__(self, consumer: Any, on_assigned: Listener, on_revoked: Listener) -> None:
        self.assigned: frozenset[TopicPartition] = frozenset()
        self._consumer = consumer
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._ended = False

    async def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
        """Drain everything; Kafka's classic protocol always revokes all of it."""
        held = self.assigned
        if held:
            await self._on_revoked(held)
        self.assigned = frozenset()

    async def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        """Take over; the library holds back its heartbeats meanwhile."""
        if not self._ended:
            for place in assigned:  # the member itself reads nothing
                self._consumer.seek(place, 0)
                self._consumer.pause(place)
            self.assigned = frozenset(TopicPartition(*place) for place in assigned)
            await self._on_assigned(self.assigned)

    async def end(self) -> None:
        """Drain everything and take nothing any more."""
        self._ended = True
        await self.on_partitions_revoked(())
