"""Broker and cache of a benchmark run: topics, input, and the same empty start for every contender."""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException, NewTopic

from proofwatch.events.topics import TRANSACTIONS, VERDICTS, kafka_specs
from tests.benchmarks.events import PARTITIONS, TENANTS, events, start_for
from tests.support.kafka_jars import kafka_version
from tests.support.stack import Stack

COPIES: Final = "benchmark.copies.v1"
"""Where peers write to."""

PEER_GROUPS: Final = "benchmark-"
"""Names of the peers' consumer groups begin so."""

_WAIT_S: Final = 30.0
_SMALL_FILES: Final = {"file.delete.delay.ms": "1000", "segment.bytes": str(64 << 20)}  # so that space is soon free
_COPIES_CONFIG: Final = {**_SMALL_FILES, "max.message.bytes": str(16 << 20)}


class World:
    """One broker and one cache for all benchmarks; every process talks to 127.0.0.1 only."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._admin = AdminClient({"bootstrap.servers": stack.kafka.bootstrap, "log_level": 0})
        self._specs = {
            spec.name: NewTopic(spec.name, PARTITIONS, 1, config={**spec.config, **_SMALL_FILES})
            for spec in kafka_specs()
        }
        self._specs[COPIES] = NewTopic(COPIES, PARTITIONS, 1, config=_COPIES_CONFIG)
        self._at_their_own_time = [
            NewTopic(spec.name, PARTITIONS, 1, config={**spec.config, **_SMALL_FILES})
            for spec in kafka_specs(timestamp_type="CreateTime")
            if spec.name == VERDICTS
        ]

    @property
    def bootstrap(self) -> str:
        """The broker's `host:port`."""
        return self.stack.kafka.bootstrap

    @property
    def redis_url(self) -> str:
        """The cache."""
        return self.stack.redis.url

    @property
    def kafka(self) -> str:
        """The broker's version, such as 4.1."""
        return ".".join(kafka_version().split(".")[:2])

    def fresh(self, *, keep: Sequence[str] = (TRANSACTIONS,), instead: Sequence[NewTopic] = ()) -> None:
        """Forget every group, topic and key of earlier runs, except the topics of `keep`; make those of `instead`."""
        self._forget_groups()
        present = self._topics()
        self._delete(name for name in present if name not in keep)
        specs = {**self._specs, **{each.topic: each for each in instead}}
        self._create([spec for name, spec in specs.items() if name not in keep or name not in present])
        self.stack.redis.flush()

    def clear(self) -> None:
        """Forget every group, topic and key, whoever made them."""
        self._forget_groups()
        self._delete(self._topics())
        self.stack.redis.flush()

    def fill(self, count: int, names: Sequence[str] = TENANTS) -> None:
        """Write the events 0 … `count` − 1 to an empty transactions topic."""
        self.fresh(keep=())
        made = events(0, count, start_for(count), names)
        self._write(TRANSACTIONS, ((event.key, event.value, event.partition, 0) for event in made))

    def fill_verdicts(self, records: Iterable[tuple[bytes, bytes, int, int]]) -> None:
        """Write key, value, partition and timestamp (ms) of each to an empty topic of verdicts, which keeps the time.

        In production that topic has the time of the append.
        """
        self.fresh(keep=(), instead=self._at_their_own_time)  # made once: a busy broker may write to one that is gone
        self._write(VERDICTS, records)

    def _write(self, topic: str, records: Iterable[tuple[bytes, bytes, int, int]]) -> None:
        """Write key, value, partition and timestamp of each; 0: the time of the broker or the client."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 50, "batch.size": 1_000_000, "acks": 1})
        for number, (key, value, partition, timestamp_ms) in enumerate(records):
            while True:
                try:
                    producer.produce(topic, value, key, partition, timestamp=timestamp_ms)
                    break
                except BufferError:
                    producer.poll(0.1)
            if number % 1_000 == 0:
                producer.poll(0)
        left = producer.flush(_WAIT_S)
        assert left == 0, f"{left} records were not written within {_WAIT_S} s"

    def read(self, topic: str) -> Iterable[bytes]:
        """Yield the values of all committed records of `topic`, as an independent client sees them."""
        return (value for _, value in self.pairs(topic))

    def pairs(self, topic: str) -> Iterable[tuple[bytes, bytes]]:
        """Yield keys and values likewise."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{PEER_GROUPS}reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        open_ = PARTITIONS
        try:
            while open_:
                for message in consumer.consume(10_000, timeout=1.0):
                    if message.error():
                        open_ -= 1  # the end of a partition
                    else:
                        yield message.key() or b"", message.value() or b""
        finally:
            consumer.close()

    def decided(self, topic: str = VERDICTS) -> tuple[int, int]:
        """Return how many verdicts a topic holds, and how many of them accept."""
        total = accepted = 0
        for value in self.read(topic):
            total += 1
            accepted += b'"decision":"accept"' in value
        return total, accepted

    def trim(self, topic: str, below: dict[int, int]) -> None:
        """Let the broker delete what lies below these offsets (−1: below the end)."""
        places = [TopicPartition(topic, partition, offset) for partition, offset in below.items()]
        for future in self._admin.delete_records(places).values():
            future.result()

    def _forget_groups(self) -> None:
        # Peers' groups have names of their own and may outlive them; the product's names are fixed.
        until = time.monotonic() + _WAIT_S
        while names := self._groups():
            for future in self._admin.delete_consumer_groups(names).values():
                try:
                    future.result()
                except KafkaException:
                    if time.monotonic() > until:
                        raise  # a member that did not leave
                    time.sleep(0.2)
            assert time.monotonic() < until + _WAIT_S, f"groups are still there: {', '.join(names)}"

    def _groups(self) -> list[str]:
        listed = self._admin.list_consumer_groups().result().valid
        return [each.group_id for each in listed if not each.group_id.startswith(PEER_GROUPS)]

    def _topics(self) -> set[str]:
        return set(self._admin.list_topics(timeout=_WAIT_S).topics)

    def _delete(self, names: Iterable[str]) -> None:
        gone = [name for name in names if not name.startswith("__")]
        if gone:
            for future in self._admin.delete_topics(gone, operation_timeout=_WAIT_S).values():
                future.result()

    def _create(self, specs: Sequence[NewTopic]) -> None:
        if not specs:
            return
        for future in self._admin.create_topics(list(specs), operation_timeout=_WAIT_S).values():
            future.result()
        wanted, until = {spec.topic for spec in specs}, time.monotonic() + _WAIT_S
        while not wanted <= self._topics():
            assert time.monotonic() < until, f"topics did not appear within {_WAIT_S} s"
            time.sleep(0.05)
