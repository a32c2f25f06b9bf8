"""The Kafka fence: one transactional producer for each (group, topic, partition).

The transactional id is a function of these three alone, so that starting the producer makes the broker bump the
epoch, abort what the previous owner left open, and refuse its commits from then on. The group protocol only decides
who works; that each record counts once rests on the epoch. (The client library cannot fence by group generation,
KIP-447, which would allow one producer per process.)
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import structlog
from aiokafka import TopicPartition as Place
from aiokafka.errors import IllegalOperation, ProducerFenced

from proofwatch.bus.dead_letters.letter import with_letters
from proofwatch.bus.errors import Fenced, Gap
from proofwatch.bus.kafka.client import Connection, Metadata
from proofwatch.bus.kafka.positions import Positions, position_record
from proofwatch.bus.kafka.producer import discard, make_producer, send_all, sender_error
from proofwatch.bus.lanes.contiguity import begins_at
from proofwatch.bus.records import Batch, Outgoing, Topic, TopicPartition
from proofwatch.bus.stage import Stage
from proofwatch.bus.topics import require_same

_log = structlog.get_logger(__name__)


def transactional_id(group: str, source: TopicPartition) -> str:
    """Return the id under which owners of `source` fence each other."""
    return f"{group}-{source.topic}-{source.partition}"


class KafkaFence:
    """The fence of one group."""

    def __init__(self, connection: Connection, metadata: Metadata, group: str, *, of_topic: bool = True) -> None:
        self.group = group
        self._connection = connection
        self._metadata = metadata
        self._of_topic = of_topic
        self._positions = Positions(connection, metadata)

    async def check(self) -> None:
        """Make sure that the positions topic exists. Raises `UnknownTopic`."""
        await self._positions.check()

    async def acquire(self, source: TopicPartition) -> "KafkaOwner":
        """Start the producer of `source`: whoever held it before is fenced, its open transaction aborted."""
        topic = await self._metadata.topic(source.topic) if self._of_topic else Topic(0)
        producer = make_producer(self._connection, transactional_id(self.group, source))
        try:
            async with asyncio.timeout(self._connection.transaction_timeout_ms / 1000):
                await producer.start()
        except BaseException:
            await discard(producer)
            raise
        return KafkaOwner(producer, self._metadata, self._positions, self.group, source, topic)


class KafkaOwner:
    """The right to commit for one partition until its transactional id is started elsewhere."""

    def __init__(
        self,
        producer: Any,
        metadata: Metadata,
        positions: Positions,
        group: str,
        source: TopicPartition,
        topic: Topic,
    ) -> None:
        self._producer = producer
        self._metadata = metadata
        self._positions = positions
        self._group = group
        self._source = source
        self._topic = topic
        self._committed: int | None = None
        self._asked = False
        self._begun = False

    async def position(self) -> int | None:
        """Return the group's committed offset; the producer has started, so nobody else can move it.

        A group whose offset is lost goes on where its outputs end. Raises `TopicReplaced`.
        """
        if not self._asked:
            self._committed, self._asked = await self._find(), True
        return self._committed

    async def _find(self) -> int | None:
        (topic, partition), group = self._source, self._group
        found = (await self._metadata.committed_with(group, topic, [partition])).get(partition)
        if found:
            committed, topic_id = found[0], found[1] or None
        else:
            written = await self._positions.find(group, self._source)
            if written is None:
                return None
            committed, topic_id = written.position, written.topic_id
        if not require_same(f"{topic}/{partition}", topic_id, self._topic):
            _log.warning("new_topic_accepted", group=group, topic=topic, partition=partition, topic_id=self._topic.id)
            return None
        if not found:
            _log.warning("group_offset_lost", group=group, topic=topic, partition=partition, goes_on_from=committed)
        return committed

    async def commit(self, batch: Batch, stage: Stage[None]) -> None:
        """Run the step, then send its outputs, as they are made, and the position in one transaction.

        The position is sent twice: as the group's offset, which is what Kafka's tools know, and as a record, which
        does not expire.

        An idle batch without outputs costs no transaction. Raises `Fenced`, `Gap`, `RecordTooLarge`, or what the
        client library raises; close the owner then, never abort and go on.
        """
        where, committed = f"{self._source.topic}/{self._source.partition}", await self.position()
        if committed is not None and not begins_at(batch, committed, begun=self._begun):
            raise Gap(f"{where}: the batch begins at {batch.position_before}, but {committed} is committed")
        outputs = await stage.step(batch, None)
        moves = batch.position_after > batch.position_before
        if not outputs and not moves:
            return
        try:
            await self._producer.begin_transaction()
            parts: Iterable[Sequence[Outgoing]] = with_letters(outputs, batch.source, self._group)
            if moves:
                written = position_record(self._group, self._source, batch.position_after, self._topic.id)
                parts = chain(parts, ((written,),))
            await send_all(self._producer, parts, self._metadata.partitions, lambda: self._source.partition)
            if moves:  # not beside the outputs: the broker then refuses one batch in ten at first (KIP-890)
                offsets = {Place(*self._source): (batch.position_after, self._topic.id or "")}
                await self._producer.send_offsets_to_transaction(offsets, self._group)
            await self._producer.commit_transaction()
        except (ProducerFenced, IllegalOperation) as error:
            raise self._fenced_or(error) from error
        if moves:
            self._committed, self._begun = batch.position_after, True

    async def move(self, position: int) -> None:
        """Set the position, in both places, also to an earlier one: what an operator does, while no lane is at work.

        Raises `Fenced`, or what the client library raises; close the owner then.
        """
        try:
            await self._producer.begin_transaction()
            written = position_record(self._group, self._source, position, self._topic.id)
            await send_all(self._producer, ((written,),), self._metadata.partitions, lambda: self._source.partition)
            offsets = {Place(*self._source): (position, self._topic.id or "")}
            await self._producer.send_offsets_to_transaction(offsets, self._group)
            await self._producer.commit_transaction()
        except (ProducerFenced, IllegalOperation) as error:
            raise self._fenced_or(error) from error
        self._committed, self._asked = position, True

    def _fenced_or(self, error: Exception) -> Exception:
        """Return `Fenced` where that is the reason, else the error.

        Once the broker has refused a batch, the library knows only that no transaction is open any more.
        """
        if isinstance(error, ProducerFenced) or isinstance(sender_error(self._producer), ProducerFenced):
            return Fenced(f"{self._source.topic}/{self._source.partition}: another owner has acquired this partition")
        return error

    async def close(self) -> None:
        """Disconnect; never raises."""
        await discard(self._producer)
