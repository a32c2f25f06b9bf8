"""Kafka as upstream and downstream see it: an independent client (librdkafka) publishes and reads what is committed."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics

_TIMEOUT_S: Final = 60.0
_QUIET_S: Final = 0.1

At = tuple[str, int]
"""Topic and partition."""


class Entry(NamedTuple):
    """One committed record."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Log:
    """Publishes; and follows every topic from its beginning, remembering all that was committed."""

    def __init__(self, bootstrap: str) -> None:
        common: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._producer = Producer(
            common
            | {
                "enable.idempotence": True,
                "partitioner": "murmur2_random",  # what every Java client does
                "linger.ms": 2,
                "message.max.bytes": 16_000_000,
            }
        )
        self._consumer = Consumer(
            common
            | {
                "group.id": "observer",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,  # the ends of all partitions must be seen at once, while some grow
                "fetch.message.max.bytes": 20_000_000,
                "receive.message.max.bytes": 200_000_000,
            }
        )
        self._admin = AdminClient(common)
        self.entries: dict[At, list[Entry]] = {
            (spec.name, number): [] for spec in topics.kafka_specs() for number in range(spec.partitions)
        }
        self._next: dict[At, int] = {}
        self._at_end: set[At] = set()
        self._consumer.assign([TopicPartition(*at, 0) for at in self.entries])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def publish(self, records: Iterable[Outgoing]) -> None:
        """Publish with the records' own timestamps; durable on return."""
        failed: list[str] = []

        def note(error: Any, _message: Any) -> None:
            if error:
                failed.append(str(error))

        for each in records:
            optional: dict[str, Any] = {}
            if each.partition is not None:
                optional["partition"] = each.partition
            if each.timestamp_ms is not None:
                optional["timestamp"] = each.timestamp_ms
            self._producer.produce(
                each.topic, each.value, each.key, headers=list(each.headers), on_delivery=note, **optional
            )
            self._producer.poll(0)
        left = self._producer.flush(_TIMEOUT_S)
        assert not failed, f"{len(failed)} records were refused, the first: {failed[0]}"
        assert not left, f"{left} records were not acknowledged within {_TIMEOUT_S:.0f} s"

    def follow(self, at_most_s: float | None = None) -> int:
        """Read what was committed since the last call, until nothing more comes; return how much it was.

        `at_most_s`: stop reading after so long, for a log to which something is always added.
        """
        began, count = time.monotonic(), 0
        while (messages := self._consumer.consume(5_000, timeout=_QUIET_S)) or not self.at_end:
            count += sum(self._note(message) for message in messages)
            passed = time.monotonic() - began
            if at_most_s is not None and passed > at_most_s:
                break
            assert passed < _TIMEOUT_S, f"no end in sight of {sorted(self.entries.keys() - self._at_end)[:5]}"
        return count

    @property
    def at_end(self) -> bool:
        """Whether every partition was followed to its end."""
        return self._at_end == self.entries.keys()

    def _note(self, message: Any) -> bool:
        at, error = (message.topic(), message.partition()), message.error()
        if error and error.code() == KafkaError._PARTITION_EOF:
            self._at_end.add(at)
            return False
        assert not error, f"{at}: {error}"
        self._at_end.discard(at)
        self._next[at] = message.offset() + 1
        # tallies are big and between our own processes: how far they go is enough
        value = None if at[0] == topics.TALLIES else message.value()
        self.entries[at].append(Entry(message.key(), value, message.headers() or ()))
        return True

    def end(self, at: At) -> int | None:
        """Return the position after the last committed record, as followed; None: there is none."""
        return self._next.get(at)

    def committed(self, group: str, topic: str) -> dict[At, int]:
        """Return the positions that a group has committed, whatever transaction a killed process has left open."""
        places = [TopicPartition(*at) for at in self.entries if at[0] == topic]
        asked = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, places)], require_stable=False, request_timeout=_TIMEOUT_S
        )
        found = asked[group].result().topic_partitions
        return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def of(self, topic: str) -> list[Entry]:
        """Return everything followed of a topic, partition by partition."""
        return [entry for at in sorted(self.entries) if at[0] == topic for entry in self.entries[at]]

    def partitions(self, topic: str) -> list[At]:
        """Return the partitions of a topic."""
        return sorted(at for at in self.entries if at[0] == topic)
