"""Positions that do not expire: written in the transactions that publish, read when a group has no offset any more.

Kafka deletes the offsets of a group that is away for `offsets.retention.minutes`, and with the group. A start from the
beginning would then do everything a second time. So each transaction that moves a position also writes it to a
compacted topic, and what is written there is as true as the outputs beside it.
"""

from aiokafka import TopicPartition as Place

from proofwatch.bus.kafka.client import Connection, Metadata, reader
from proofwatch.bus.kafka.reader import read_range
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.codec import POSITION
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import POSITIONS
from proofwatch.events.types import Position


class Positions:
    """The positions topic of one cluster."""

    def __init__(self, connection: Connection, metadata: Metadata) -> None:
        self._connection = connection
        self._metadata = metadata

    async def check(self) -> None:
        """Raise `UnknownTopic` unless the topic is there."""
        await self._metadata.partitions(POSITIONS)

    async def find(self, group: str, source: TopicPartition) -> Position | None:
        """Return what `group` wrote last; None: nothing, ever. Nobody else may be able to write it meanwhile.

        Reads to the end that the partition has now, past every transaction that is open there now.
        """
        key = _key(group, source)
        place = Place(POSITIONS, partition_of(key, await self._metadata.partitions(POSITIONS)))
        async with reader(self._connection, committed_only=False) as asker:
            end = (await asker.end_offsets([place]))[place]
        found: bytes | None = None
        async with reader(self._connection) as consumer:
            first = (await consumer.beginning_offsets([place]))[place]
            async for records in read_range(consumer, place, first, end):
                found = next((record.value for record in reversed(records) if record.key == key), found)
        return _position(found) if found else None


def position_record(group: str, source: TopicPartition, position: int, topic_id: str | None) -> Outgoing:
    """Return what says that `group` has come to `position`; `topic_id` None: it is none of the topic's offsets."""
    event = Position(
        schema_version=1,
        group=group,
        topic=source.topic,
        partition=source.partition,
        position=position,
        topic_id=topic_id,
    )
    return Outgoing(POSITIONS, _key(group, source), POSITION.encode(event))


def _key(group: str, source: TopicPartition) -> bytes:
    return f"{group}/{source.topic}/{source.partition}".encode()


def _position(value: bytes) -> Position:
    try:
        return POSITION.decode(value)
    except Rejected as error:
        raise ValueError(f"{POSITIONS} holds a record that this release cannot read: {error.message}") from error
