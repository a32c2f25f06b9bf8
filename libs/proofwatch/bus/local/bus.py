"""The in-process bus of standalone mode: per-partition logs of bytes, groups, atomic publish-and-commit.

It keeps Kafka's contract (`tests/contract` runs on both). It does not survive the process.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from itertools import count

from proofwatch.bus.errors import TopicChanged, UnknownTopic
from proofwatch.bus.local.consumer import LocalConsumer
from proofwatch.bus.local.fence import LocalFence
from proofwatch.bus.local.group import Group, least_done
from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.local.tail import LocalTail
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Consumer, GroupProgress, Tail
from proofwatch.bus.records import Outgoing, Record, Topic, TopicPartition
from proofwatch.bus.stage import Fence
from proofwatch.bus.topics import change
from proofwatch.runtime.clock import Clock


class LocalBus:
    """All topics of one process."""

    def __init__(
        self,
        topics: Mapping[str, int],
        clock: Clock,
        *,
        forget_consumed: bool = False,
        kept: Collection[str] = (),
        shares_fate: bool = False,
    ) -> None:
        """`topics` maps each topic to its partition count.

        `forget_consumed` drops records that every group that ever joined has left behind: for runs that must not
        grow. It cuts short what `read` and `history` can show, but of the topics that are `kept`. `shares_fate`: as
        the port says.
        """
        self.shares_fate = shares_fate
        self._counts = dict(topics)
        self._ids = count(1)
        self._topics = {name: Topic(n, str(next(self._ids))) for name, n in topics.items()}
        self._told: dict[str, Topic] = {}
        self.accepted: set[str] = set()
        """Topics made anew that may be read from the beginning, as `name=id`."""
        self._clock = clock
        self._forget_consumed, self._kept = forget_consumed, frozenset(kept)
        self._logs = {topic: [PartitionLog() for _ in range(n)] for topic, n in self._counts.items()}
        self._groups: defaultdict[str, Group] = defaultdict(lambda: Group(self._counts))
        self._keyless = count()

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to release."""

    async def partitions(self, topic: str) -> int:
        """Return the partition count. Raises `UnknownTopic`."""
        self._partitions(topic)
        now = self._topics[topic]
        return self._told.setdefault(topic, now._replace(accepted=f"{topic}={now.id}" in self.accepted)).partitions

    async def verify(self) -> None:
        """Raise `TopicChanged` when a topic is not what it was when its partitions were asked for."""
        for name, was in self._told.items():
            if said := change(name, was, self._topics[name]):
                raise TopicChanged(said)

    def restarted(self) -> None:
        """Forget what was told of topics, as a process does that ends."""
        self._told.clear()

    def grow(self, topic: str, partitions: int) -> None:
        """Add partitions to a topic, as an operator may on Kafka at any time."""
        self._logs[topic] += [PartitionLog() for _ in range(partitions - len(self._logs[topic]))]
        self._counts[topic] = partitions
        self._topics[topic] = self._topics[topic]._replace(partitions=partitions)

    def replace(self, topic: str) -> None:
        """Delete a topic and make it anew; groups lose their positions in it, as on Kafka."""
        self._logs[topic] = [PartitionLog() for _ in range(self._counts[topic])]
        self._topics[topic] = Topic(self._counts[topic], str(next(self._ids)))
        for group in self._groups.values():
            group.committed = {at: position for at, position in group.committed.items() if at.topic != topic}

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Return a member of `group`, not yet started. Raises `UnknownTopic`."""
        for topic in topics:
            self._partitions(topic)
        return LocalConsumer(self, self._groups[group], topics)

    async def topic(self, name: str) -> Topic:
        """Return what the topic was when it was first asked for. Raises `UnknownTopic`."""
        await self.partitions(name)
        return self._told[name]

    def fence(self, group: str, *, of_topic: bool = True) -> Fence[None]:
        """Return the fence whose commits are one indivisible step of the event loop: outputs and position."""
        return LocalFence(self, group, self._groups[group], of_topic=of_topic)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append the records; all of them or, when one names an unknown topic or partition, none."""
        self.append(self.place(records))

    def place(self, records: Sequence[Outgoing], keyless: int | None = None) -> list[tuple[PartitionLog, Outgoing]]:
        """Choose every record's partition; raises before anything is appended.

        Records with neither partition nor key go to `keyless` modulo the count, or in turn when it is None.
        """
        placed = []
        for record in records:
            logs = self._partitions(record.topic)
            partition = record.partition
            if partition is None:
                if record.key is not None:
                    partition = partition_of(record.key, len(logs))
                else:
                    partition = (next(self._keyless) if keyless is None else keyless) % len(logs)
            elif not 0 <= partition < len(logs):
                raise UnknownTopic(f"{record.topic} has {len(logs)} partitions; there is no partition {partition}")
            placed.append((logs[partition], record))
        return placed

    def append(self, placed: Sequence[tuple[PartitionLog, Outgoing]]) -> None:
        """Append placed records without yielding to anybody; cannot fail."""
        now_ms = self._clock.now_ms()
        touched = set()
        for log, (_, key, value, _, timestamp_ms, headers) in placed:
            when_ms = now_ms if timestamp_ms is None else timestamp_ms
            log.records.append(Record(log.base + len(log.records), when_ms, key, value, headers))
            touched.add(log)
        for log in touched:
            log.wake()

    async def positions(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed position of every partition that has one."""
        self._partitions(topic)
        if group not in self._groups:
            return {}
        return {tp.partition: at for tp, at in sorted(self._groups[group].committed.items()) if tp.topic == topic}

    async def position(self, group: str, source: TopicPartition) -> int | None:
        """Return where `group` goes on; None: it has published nothing."""
        if group not in self._groups:
            return None
        found = self._groups[group]
        return found.committed.get(source, found.written.get(source))

    def forget_group(self, group: str) -> None:
        """Lose the group's committed positions, as Kafka loses those of a group that is deleted or long away."""
        self._groups[group].committed.clear()

    async def read_progress(self, group: str, topic: str) -> dict[int, GroupProgress]:
        """Return how far the group has come; every offset is a record here."""
        known = self._groups.get(group)
        positions = {**known.written, **known.committed} if known else {}
        return {
            n: GroupProgress(max(positions.get(TopicPartition(topic, n), 0), log.base), log.end)
            for n, log in enumerate(self._partitions(topic))
        }

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the end offset of every partition."""
        return {partition: log.end for partition, log in enumerate(self._partitions(topic))}

    async def read(self, source: TopicPartition, position: int = 0) -> AsyncIterator[Record]:
        """Yield the records from `position` to the end at the time of the call."""
        log = self.log(source)
        for record in log.slice(position, log.end):
            yield record

    def tail(self, topics: Sequence[str], last: int | None = None) -> Tail:
        """Return what follows these topics. Raises `UnknownTopic`."""
        places = [TopicPartition(topic, n) for topic in topics for n in range(len(self._partitions(topic)))]
        return LocalTail([(place, self.log(place)) for place in places], last)

    def log(self, source: TopicPartition) -> PartitionLog:
        """Return the partition's log. Raises `UnknownTopic`."""
        logs = self._partitions(source.topic)
        if not 0 <= source.partition < len(logs):
            raise UnknownTopic(f"{source.topic} has {len(logs)} partitions; there is no partition {source.partition}")
        return logs[source.partition]

    def release(self, source: TopicPartition) -> None:
        """Drop what nobody needs any more, if the bus was told to."""
        if self._forget_consumed and source.topic not in self._kept:
            self.log(source).trim(least_done(self._groups.values(), source))

    def _partitions(self, topic: str) -> list[PartitionLog]:
        logs = self._logs.get(topic)
        if logs is None:
            raise UnknownTopic(f"topic {topic!r} does not exist on this bus; it has: {', '.join(sorted(self._logs))}")
        return logs
