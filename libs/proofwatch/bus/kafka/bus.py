"""The bus on Kafka."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Self

from aiokafka import TopicPartition as Place

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.kafka.client import Connection, Ends, Metadata, reader
from proofwatch.bus.kafka.consumer import KafkaConsumer
from proofwatch.bus.kafka.fence import KafkaFence
from proofwatch.bus.kafka.group_progress import KafkaStandings
from proofwatch.bus.kafka.positions import Positions
from proofwatch.bus.kafka.producer import Publisher
from proofwatch.bus.kafka.reader import read_range
from proofwatch.bus.kafka.security import PLAINTEXT, Security, security_of
from proofwatch.bus.kafka.tail import KafkaTail
from proofwatch.bus.port import Consumer, GroupProgress, Tail
from proofwatch.bus.records import Outgoing, Record, Topic, TopicPartition
from proofwatch.bus.stage import Fence
from proofwatch.runtime.settings import Settings


class KafkaBus:
    """Connections of one process to one Kafka cluster."""

    shares_fate: bool = False

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        *,
        instance_id: str | None = None,
        security: Security = PLAINTEXT,
        accepted: Iterable[str] = (),
    ) -> None:
        """`bootstrap`: `host:port[,host:port…]`. Services and commands use `of`, so that every setting counts.

        `instance_id` makes group membership static (KIP-345): stable for each replica and unique among the living;
        a killed process that comes back under its name gets its partitions back at once.
        `accepted`: topics made anew that may be read from the beginning, as `name=id`.
        """
        self._connection = Connection(bootstrap, client_id, instance_id, security, frozenset(accepted))
        self._metadata = Metadata(self._connection)
        self._ends = Ends(self._connection)
        self._publisher = Publisher(self._connection, self._metadata.partitions)
        self._standings = KafkaStandings(self._connection, self._metadata, self._ends)

    @classmethod
    def of(cls, settings: Settings, client_id: str, *, bootstrap: str | None = None) -> Self:
        """Return the bus that the settings describe, `bootstrap` in place of theirs if given. Raises `Refused`."""
        return cls(
            bootstrap or settings.kafka_bootstrap,
            client_id,
            instance_id=settings.instance_id,
            security=security_of(settings),
            accepted=settings.accept_new_topics.split(","),
        )

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable`."""
        await self._metadata.start()

    async def stop(self) -> None:
        """Release the connections of the bus; consumers and owners are stopped by those who made them."""
        await self._publisher.stop()
        await self._standings.stop()
        await self._ends.stop()
        await self._metadata.stop()

    async def partitions(self, topic: str) -> int:
        """Return the partition count. Raises `UnknownTopic`."""
        return await self._metadata.partitions(topic)

    async def topic(self, name: str) -> Topic:
        """Return what the topic was when it was first asked for. Raises `UnknownTopic`, `BusUnavailable`."""
        return await self._metadata.topic(name)

    async def verify(self) -> None:
        """Raise `TopicChanged` when a topic that this process works with is not what it was, or `BusUnavailable`."""
        await self._metadata.verify()

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Return a member of `group`, not yet started."""
        return KafkaConsumer(self._connection, group, topics)

    def fence(self, group: str, *, of_topic: bool = True) -> Fence[None]:
        """Return the fence whose commits are Kafka transactions."""
        return KafkaFence(self._connection, self._metadata, group, of_topic=of_topic)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish in order; durable on return. Raises `BusUnavailable`, `RecordTooLarge`, `UnknownTopic`."""
        await self._publisher.publish(records)

    async def positions(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed offset of every partition that has one.

        A transaction's offset shows a moment after its commit has returned, when the broker has written its marker;
        owners do not depend on this, because starting their producer waits for it.
        """
        return await self._metadata.committed(group, topic, list(range(await self.partitions(topic))))

    async def position(self, group: str, source: TopicPartition) -> int | None:
        """Return where `group` goes on: its committed offset, or what it wrote beside its outputs last; None: neither.

        Raises `BusUnavailable`, and `UnknownTopic` when the positions topic is not there and no offset is committed.
        """
        committed = await self._metadata.committed(group, source.topic, [source.partition])
        if committed:
            return committed[source.partition]
        written = await Positions(self._connection, self._metadata).find(group, source)
        return written.position if written else None

    async def move(self, group: str, source: TopicPartition, position: int) -> None:
        """Set the position of a group that counts no offsets of the topic itself (a relay), also to an earlier one.

        Whoever owns the partition is fenced. Raises `Fenced`, `UnknownTopic`, or what the client library raises.
        """
        owner = await KafkaFence(self._connection, self._metadata, group, of_topic=False).acquire(source)
        try:
            await owner.move(position)
        finally:
            await owner.close()

    async def read_progress(self, group: str, topic: str) -> dict[int, GroupProgress]:
        """Return how far the group has come in every partition. Raises `UnknownTopic`, `BusUnavailable`."""
        return await self._standings.of(group, topic)

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the offset that the next record gets, of every partition; open transactions included.

        Raises `UnknownTopic`, `BusUnavailable`.
        """
        places = [Place(topic, partition) for partition in range(await self.partitions(topic))]
        return {place.partition: end for place, end in (await self._ends.of(places)).items()}

    async def beginnings(self, topic: str) -> dict[int, int]:
        """Return the offset of the earliest record that is left, of every partition."""
        places = [Place(topic, partition) for partition in range(await self.partitions(topic))]
        async with reader(self._connection) as consumer:
            return {place.partition: begin for place, begin in (await consumer.beginning_offsets(places)).items()}

    def tail(self, topics: Sequence[str], last: int | None = None) -> Tail:
        """Return what follows these topics, not yet started."""
        return KafkaTail(self._connection, topics, self._metadata.partitions, last)

    async def read(self, source: TopicPartition, position: int = 0) -> AsyncIterator[Record]:
        """Yield the committed records from `position` to the last stable offset at the time of the call."""
        count, place = await self.partitions(source.topic), Place(*source)
        if not 0 <= source.partition < count:
            raise UnknownTopic(f"{source.topic} has {count} partitions; there is no partition {source.partition}")
        async with reader(self._connection) as consumer:
            first = max(position, (await consumer.beginning_offsets([place]))[place])
            end = (await consumer.end_offsets([place]))[place]
            async for records in read_range(consumer, place, first, end):
                for record in records:
                    yield record
