"""How far a group has come, who holds what, and how long each fault kept it: seen from outside, by a thread."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

_LOOK_S: Final = 0.05
_REQUEST_S: Final = 2.0
_LATEST: Final[Any] = OffsetSpec.latest()  # type: ignore[no-untyped-call]


@dataclass
class Mark:
    """A fault and its end. Times are `time.monotonic()`.

    `beyond`: the end of each affected partition when the fault struck. A position past it is the work of somebody
    who was alive afterwards, for the record was published later. None: not known yet, so the fault is not over.
    `caught`: in how many partitions the fault met an open transaction. `still_s`: for how long an affected partition
    stood still at most.
    """

    what: str
    at: float
    affected: frozenset[int]
    caught: int = 0
    beyond: Mapping[int, int] | None = None
    moved: dict[int, float] = field(default_factory=dict)
    still_s: float = 0.0

    @property
    def over(self) -> bool:
        """Whether every affected partition is at work again."""
        return self.moved.keys() == self.affected

    def settle(self, ends: Mapping[int, int]) -> None:
        """The fault is over once the affected partitions have passed `ends`."""
        self.beyond = ends

    def describe(self) -> str:
        """Return one line."""
        caught = f", {self.caught} amid a transaction" if self.caught else ""
        return (
            f"{self.what}: {len(self.affected)} partitions{caught}; at work again after {self.first_s:.1f} s (first) "
            f"to {self.last_s:.1f} s (last), still for {self.still_s:.1f} s at most"
        )

    @property
    def first_s(self) -> float:
        """Seconds to the first affected partition whose position passed what was there before the fault."""
        return min(self.moved.values()) - self.at

    @property
    def last_s(self) -> float:
        """Seconds to the last of them."""
        return max(self.moved.values()) - self.at


class Watch:
    """Follows one group on one topic; `target` is co-partitioned with it and written in its transactions."""

    def __init__(self, bootstrap: str, group: str, source: str, target: str, partitions: int) -> None:
        self.committed: dict[int, int] = {}
        self.marks: list[Mark] = []
        self._bootstrap = bootstrap
        self._group = group
        self._source = [TopicPartition(source, partition) for partition in range(partitions)]
        self._target = [TopicPartition(target, partition) for partition in range(partitions)]
        self._moved_at: dict[int, float] = {}
        self._admin: Any = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    @property
    def done(self) -> int:
        """Records committed so far."""
        return sum(self.committed.values())

    def mark(self, what: str, affected: Iterable[int], caught: int = 0) -> Mark:
        """Note a fault that strikes now; it is not over before `Mark.settle`."""
        mark = Mark(what, time.monotonic(), frozenset(affected), caught)
        self.marks.append(mark)
        return mark

    def ends(self) -> dict[int, int]:
        """Return the end of each partition of the source."""
        return self._offsets(self._source, IsolationLevel.READ_UNCOMMITTED)

    def open(self) -> set[int]:
        """Return the partitions of the target in which a transaction is open."""
        ends = self._offsets(self._target, IsolationLevel.READ_UNCOMMITTED)
        stable = self._offsets(self._target, IsolationLevel.READ_COMMITTED)  # later, so never behind by chance
        return {partition for partition, end in ends.items() if stable[partition] < end}

    def holders(self) -> dict[str, set[int]]:
        """Return the partitions of each instance id; empty while the group rebalances."""
        with self._asking() as admin:
            asked = admin.describe_consumer_groups([self._group], request_timeout=_REQUEST_S)
            group = asked[self._group].result()
        if group.state.name != "STABLE":
            return {}
        return {
            str(member.group_instance_id): {
                place.partition
                for place in member.assignment.topic_partitions
                if member.assignment and place.topic == self._source[0].topic
            }
            for member in group.members
        }

    def caught_up(self) -> bool:
        """Tell whether everything in the source is committed."""
        return self.committed == {partition: end for partition, end in self.ends().items() if end}

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _offsets(self, places: list[TopicPartition], isolation: IsolationLevel) -> dict[int, int]:
        with self._asking() as admin:
            asked = admin.list_offsets(
                dict.fromkeys(places, _LATEST), isolation_level=isolation, request_timeout=_REQUEST_S
            )
            return {place.partition: answer.result().offset for place, answer in asked.items()}

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """Give a client; after an error a new one, for it may keep an epoch of before the broker's restart."""
        self._admin = self._admin or AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        try:
            yield self._admin
        except KafkaException:
            self._admin = None
            raise

    def _run(self) -> None:
        # not through the admin client: it aborts the process when the coordinator dies under its request (2.16.1)
        consumer: Any = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": self._group,
                "enable.auto.commit": False,
                # a stable answer would wait for a moment without any open transaction, which does not come under load
                "isolation.level": "read_uncommitted",
                "log_level": 0,
            }
        )
        while not self._ended.wait(_LOOK_S):
            try:
                places = consumer.committed(self._source, timeout=_REQUEST_S)
            except KafkaException:
                continue  # the next look will tell
            now = time.monotonic()
            for place in places:
                if place.offset > self.committed.get(place.partition, 0):
                    self._note(place.partition, place.offset, now)
        consumer.close()

    def _note(self, partition: int, position: int, now: float) -> None:
        stood_since = self._moved_at.get(partition, now)
        self.committed[partition], self._moved_at[partition] = position, now
        for mark in self.marks:
            if partition in mark.affected and partition not in mark.moved:
                mark.still_s = max(mark.still_s, now - max(stood_since, mark.at))
                if mark.beyond is not None and position > mark.beyond[partition]:
                    mark.moved[partition] = now
