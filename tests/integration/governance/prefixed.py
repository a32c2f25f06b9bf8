"""A bus whose topics carry a prefix: the broker is shared, and these topics have fixed names."""

from collections.abc import Sequence

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.port import CaughtUp, Tail
from proofwatch.bus.records import Outgoing, TopicPartition


class PrefixedBus:
    """The part of a Kafka bus that governance uses."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bus = KafkaBus(bootstrap, "test")
        self._prefix = prefix
        self.start, self.stop = self._bus.start, self._bus.stop

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self._bus.publish([record._replace(topic=self._prefix + record.topic) for record in records])

    def tail(self, topics: Sequence[str], last: int | None = None) -> Tail:
        return PrefixedTail(self._bus.tail([self._prefix + topic for topic in topics], last), self._prefix)


class PrefixedTail:
    """A tail without the prefix."""

    def __init__(self, tail: Tail, prefix: str) -> None:
        self._tail = tail
        self._prefix = prefix
        self.start, self.stop = tail.start, tail.stop

    @property
    def behind(self) -> Sequence[tuple[TopicPartition, int]]:
        return self._tail.behind

    async def catch_up(self, timeout_s: float) -> CaughtUp:
        records, complete = await self._tail.catch_up(timeout_s)
        plain = [(TopicPartition(at.topic.removeprefix(self._prefix), at.partition), each) for at, each in records]
        return CaughtUp(plain, complete)
