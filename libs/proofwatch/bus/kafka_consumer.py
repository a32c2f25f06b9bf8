"""A member of a consumer group on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError

from proofwatch.bus.errors import BusUnavailable, Gap, NotAssigned
from proofwatch.bus.kafka_client import Connection, reader
from proofwatch.bus.port import History, Listener, Record, TopicPartition

_log = structlog.get_logger(__name__)

_FETCH_BYTES = 8_388_608  # per partition; a larger record is delivered all the same
_STOP_S = 10.0
_READ_BATCH = 5_000
_READ_WAIT_MS = 1_000


class KafkaConsumer:
    """One member. The lanes seek after their fence, so the group's own start positions are never used."""

    def __init__(self, connection: Connection, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._topics = tuple(topics)
        self._group = group
        self._consumer: Any = None
        self._rebalance: _Rebalance | None = None

    async def start(self, on_assigned: Listener, on_revoked: Listener) -> None:
        """Join the group; returns after the first assignment. Raises `BusUnavailable`."""
        self._consumer = AIOKafkaConsumer(
            **self._connection.options(),
            group_id=self._group,
            group_instance_id=self._connection.instance_id,
            session_timeout_ms=self._connection.session_timeout_ms,
            heartbeat_interval_ms=self._connection.heartbeat_ms,
            partition_assignment_strategy=(RangePartitionAssignor,),  # co-partitioned topics go together
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position out of range must show, not be moved
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        self._rebalance = _Rebalance(on_assigned, on_revoked)
        self._consumer.subscribe(self._topics, listener=self._rebalance)
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise BusUnavailable(f"Kafka does not answer at {self._connection.bootstrap}: {error}") from error

    async def stop(self) -> None:
        """Drain what was assigned, then leave the group; idempotent."""
        if self._consumer is None or self._rebalance is None:
            return
        await self._rebalance.end()  # the library's stop does not call its listener; lanes may still fetch
        consumer, self._consumer = self._consumer, None
        try:
            await asyncio.wait_for(consumer.stop(), _STOP_S)
        except (KafkaError, OSError, TimeoutError) as error:
            _log.warning("consumer_not_stopped", group=self._group, error=type(error).__name__)

    async def beginning(self, source: TopicPartition) -> int:
        """Return the earliest offset that is left."""
        place = Place(*source)
        first: int = (await self._joined().beginning_offsets([place]))[place]
        return first

    async def seek(self, source: TopicPartition, position: int) -> None:
        """Read from `position` on. Raises `NotAssigned`."""
        try:
            self._joined().seek(Place(*source), position)
        except IllegalStateError as error:
            raise NotAssigned(f"{source.topic}/{source.partition} is not assigned to this member now") from error

    async def fetch(self, source: TopicPartition, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next committed records, or none after `timeout_s`. Raises `Gap`, `NotAssigned`."""
        place = Place(*source)
        try:
            got = await self._joined().getmany(place, timeout_ms=int(timeout_s * 1000), max_records=max_records)
        except OffsetOutOfRangeError as error:
            raise Gap(f"{source.topic}/{source.partition}: the position is no longer in the log") from error
        except IllegalStateError as error:
            raise NotAssigned(f"{source.topic}/{source.partition} is not assigned to this member now") from error
        return _records(got.get(place, ()))

    def history(self, source: TopicPartition, position: int) -> History:
        """Return the view of what lies before `position`."""
        return KafkaHistory(self._connection, source, position)

    def _joined(self) -> Any:
        if self._consumer is None:
            raise NotAssigned(f"this member has left the group {self._group}")
        return self._consumer


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # the library ships no types
    """Hands assignments over as the port promises: no empty revocations, nothing after the end."""

    def __init__(self, on_assigned: Listener, on_revoked: Listener) -> None:
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._ended = False

    async def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
        """Drain everything; Kafka's classic protocol always revokes all of it."""
        held, self._assigned = self._assigned, frozenset()
        if held:
            await self._on_revoked(held)

    async def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        """Take over; the library holds back its heartbeats meanwhile."""
        if not self._ended:
            self._assigned = frozenset(TopicPartition(*place) for place in assigned)
            await self._on_assigned(self._assigned)

    async def end(self) -> None:
        """Drain everything and take nothing any more."""
        self._ended = True
        await self.on_partitions_revoked(())


class KafkaHistory:
    """What lies before a position of one partition, read outside the group."""

    def __init__(self, connection: Connection, source: TopicPartition, position: int) -> None:
        self._connection = connection
        self._source = source
        self._position = position

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield the committed records from the first at or after `timestamp_ms` up to the position."""
        place = Place(*self._source)
        async with reader(self._connection) as consumer:
            found = (await consumer.offsets_for_times({place: timestamp_ms})).get(place)
            if found and found.offset < self._position:
                async for records in read_range(consumer, place, found.offset, self._position):
                    yield records


async def read_range(consumer: Any, place: Any, first: int, end: int) -> AsyncIterator[Sequence[Record]]:
    """Yield the records of one partition from offset `first` up to, not including, `end`.

    The end is reached by position: the last offsets may be transaction markers, which are no records.
    """
    consumer.assign([place])
    consumer.seek(place, first)
    while await consumer.position(place) < end:
        got = await consumer.getmany(place, timeout_ms=_READ_WAIT_MS, max_records=_READ_BATCH)
        records = [record for record in _records(got.get(place, ())) if record.offset < end]
        if records:
            yield records


def _records(messages: Sequence[Any]) -> list[Record]:
    return [Record(m.offset, m.timestamp, m.key, m.value, m.headers) for m in messages]
