"""Steady input, a view on how far the group has come, and the verdict; all through an independent client."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

PARTITIONS = 4


@dataclass(frozen=True)
class Topics:
    """The topics and the group of one campaign."""

    bootstrap: str
    source: str
    target: str
    group: str

    def create(self) -> None:
        """Create both topics."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for created in admin.create_topics(
            [NewTopic(name, PARTITIONS, 1) for name in (self.source, self.target)]
        ).values():
            created.result()

    def places(self, topic: str) -> list[TopicPartition]:
        """All partitions of a topic, from their beginning."""
        return [TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)]


class Feeder:
    """Publishes records at a steady rate until stopped."""

    def __init__(self, topics: Topics, per_second: int) -> None:
        self._topics = topics
        self._per_second = per_second
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        producer = Producer({"bootstrap.servers": self._topics.bootstrap, "enable.idempotence": True, "linger.ms": 5})
        began, sent = time.monotonic(), 0
        while not self._ended.wait(0.02):
            while sent < (time.monotonic() - began) * self._per_second:
                producer.produce(self._topics.source, key=b"k%d" % (sent % 97), value=b"v", partition=sent % PARTITIONS)
                sent += 1
            producer.poll(0)
        producer.flush()

    def stop(self) -> None:
        """Return when everything that was sent is durable."""
        self._ended.set()
        self._thread.join()


@dataclass
class Mark:
    """A fault: what, when, what was committed then, what had to be done for it to be over, and when it was."""

    what: str
    at: float
    before: int
    target: dict[int, int] | None = None
    recovered: float | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds until everything published up to one second after the fault was committed."""
        return None if self.recovered is None else round(self.recovered - self.at, 1)


@dataclass
class View:
    """Follows committed offsets and ends in a thread of its own."""

    topics: Topics
    committed: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to look."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        settings = {"bootstrap.servers": self.topics.bootstrap, "group.id": self.topics.group}
        # read_committed would wait for a moment without any open transaction, which does not come under load
        consumer = Consumer({**settings, "enable.auto.commit": False, "isolation.level": "read_uncommitted"})
        places = self.topics.places(self.topics.source)
        while not self._ended.wait(0.2):
            try:
                for place in consumer.committed(places, timeout=3):
                    self.committed[place.partition] = max(place.offset, 0)
                for place in places:
                    self.ends[place.partition] = consumer.get_watermark_offsets(place, timeout=3)[1]
            except KafkaException:
                continue  # the next look will tell
            self._judge(time.monotonic())
        consumer.close()

    def _judge(self, now: float) -> None:
        for mark in self.marks:
            if mark.target is None and now - mark.at > 1:
                mark.target = dict(self.ends)
            if mark.target and mark.recovered is None and self._has(mark.target):
                mark.recovered = now

    def _has(self, target: dict[int, int]) -> bool:
        return all(self.committed.get(partition, 0) >= end for partition, end in target.items())

    @property
    def done(self) -> int:
        """Records committed so far."""
        return sum(self.committed.values())

    def mark(self, what: str) -> Mark:
        """Note a fault that happens now."""
        mark = Mark(what, time.monotonic(), self.done)
        self.marks.append(mark)
        return mark

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()


@dataclass(frozen=True)
class Verdict:
    """What a reader of committed records saw, against the source."""

    source: int
    seen: int
    lost: int
    twice: int
    disordered: int


def judge(topics: Topics) -> Verdict:
    """Read the target as `read_committed` and compare it with every position of the source."""
    settings = {"bootstrap.servers": topics.bootstrap, "group.id": f"{topics.group}-judge"}
    consumer = Consumer(
        {**settings, "isolation.level": "read_committed", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    consumer.assign(topics.places(topics.target))
    seen: Counter[tuple[int, int]] = Counter()
    last: dict[int, int] = {}
    disordered = 0
    finished: set[int | None] = set()
    while len(finished) < PARTITIONS:
        for message in consumer.consume(2000, 1.0):
            if message.error():
                finished.add(message.partition())
                continue
            partition, offset = map(int, (message.value() or b"").split())
            seen[partition, offset] += 1
            disordered += offset <= last.get(partition, -1) or partition != message.partition()
            last[partition] = offset
    ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in topics.places(topics.source)]
    consumer.close()
    wanted = {(partition, offset) for partition, end in enumerate(ends) for offset in range(end)}
    return Verdict(
        source=len(wanted),
        seen=sum(seen.values()),
        lost=len(wanted - seen.keys()),
        twice=sum(count - 1 for count in seen.values()),
        disordered=disordered,
    )
