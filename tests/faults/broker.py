"""Kafka as an independent client (librdkafka) sees it: topics, steady input, and what is committed."""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

_LINGER_S: Final = 0.02


class Sent(NamedTuple):
    """One record of the input; `partition` None: by key, as every Java client does."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp_ms: int | None = None


class Seen(NamedTuple):
    """One committed record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes


class Feeder:
    """Publishes records at a steady rate until stopped, whatever happens to the broker meanwhile."""

    def __init__(self, bootstrap: str, topic: str, records: Iterable[Sent], per_second: int) -> None:
        self.sent = 0
        self._settings = {"bootstrap.servers": bootstrap, "log_level": 0, "enable.idempotence": True}
        self._topic = topic
        self._records = iter(records)
        self._per_second = per_second
        self._ended = threading.Event()
        self._refused: list[str] = []
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when everything that was sent is durable."""
        self._ended.set()
        self._thread.join()
        assert not self._refused, f"{len(self._refused)} records were refused, the first: {self._refused[0]}"

    def _run(self) -> None:
        producer: Any = Producer({**self._settings, "partitioner": "murmur2_random", "linger.ms": 5})
        began = time.monotonic()
        while not self._ended.wait(_LINGER_S):
            due = int((time.monotonic() - began) * self._per_second)
            for record in self._next(due - self.sent):
                optional: dict[str, int] = {}
                if record.partition is not None:
                    optional["partition"] = record.partition
                if record.timestamp_ms is not None:
                    optional["timestamp"] = record.timestamp_ms
                producer.produce(self._topic, record.value, record.key, on_delivery=self._note, **optional)
                self.sent += 1
            producer.poll(0)
        producer.flush()

    def _next(self, count: int) -> Iterator[Sent]:
        for _ in range(count):
            record = next(self._records, None)
            if record is None:
                return
            yield record

    def _note(self, error: Any, _message: Any) -> None:
        if error:
            self._refused.append(str(error))


def read_committed(bootstrap: str, topic: str, partitions: int) -> list[Seen]:
    """Return all committed records of a topic, from the beginning to the end of each partition."""
    consumer: Any = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "judge",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    found: list[Seen] = []
    finished: set[int] = set()
    while len(finished) < partitions:
        for message in consumer.consume(5_000, 1.0):
            if error := message.error():
                assert error.code() == KafkaError._PARTITION_EOF, f"{topic}/{message.partition()}: {error}"
                finished.add(message.partition())
            else:
                found.append(Seen(message.partition(), message.offset(), message.key(), message.value()))
    consumer.close()
    return found
