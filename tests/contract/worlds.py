"""The two buses that the contract suite runs on, behind one way to make topics and to wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import History, Stage
from proofwatch.runtime.clock import SystemClock
from tests.support.kafka_broker import KafkaBroker

WAIT_S = 120.0
SHOWS_S = 120.0
CLOCK = SystemClock()


@dataclass
class World:
    """One bus with topics of its own; `name` gives the full name of a topic."""

    bus: Bus
    prefix: str
    bootstrap: str = ""
    """Where the broker is; empty: there is none."""
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def name(self, topic: str) -> str:
        return self.prefix + topic

    def at(self, topic: str, partition: int = 0) -> TopicPartition:
        return TopicPartition(self.name(topic), partition)

    async def publish(self, topic: str, values: Sequence[bytes], partition: int | None = 0, key: bytes = b"k") -> None:
        await self.bus.publish([Outgoing(self.name(topic), key, value, partition) for value in values])

    async def read(self, topic: str, partition: int = 0) -> list[Record]:
        return [record async for record in self.bus.read(self.at(topic, partition))]

    async def values(self, topic: str, partition: int = 0) -> list[bytes | None]:
        return [record.value for record in await self.read(topic, partition)]

    def worker(
        self, stage: Stage[None], *, group: str = "g", topic: str = "in", max_records: int = 10, by_key: bool = False
    ) -> Worker[None]:
        group = self.prefix + group
        settings = LaneSettings(max_records=max_records, heartbeat_s=0.1, idle_s=0.2)
        fence = self.bus.fence(group)
        made = Worker(self.bus, [self.name(topic)], fence, stage, settings, CLOCK, by_key=by_key)
        self.closers.append(made.stop)
        return made

    async def positions(self, topic: str = "in", group: str = "g") -> dict[int, int]:
        return await self.bus.positions(self.prefix + group, self.name(topic))

    async def forget(self, group: str = "g") -> None:
        """Delete the group, as Kafka does when its offsets expire; no member may be left."""
        if isinstance(self.bus, LocalBus):
            self.bus.forget_group(self.prefix + group)
            return
        admin = self._admin  # held until the answer is there: its destruction cancels the request
        deleting = admin.delete_consumer_groups([self.prefix + group], request_timeout=WAIT_S)
        await asyncio.to_thread(deleting[self.prefix + group].result)

    async def grow(self, topic: str, partitions: int) -> None:
        """Add partitions to a topic."""
        if isinstance(self.bus, LocalBus):
            self.bus.grow(self.name(topic), partitions)
            return
        admin = self._admin
        growing = admin.create_partitions([NewPartitions(self.name(topic), partitions)])
        await asyncio.to_thread(growing[self.name(topic)].result)

    async def restart(self, *, accept: str = "") -> None:
        """Forget what this process knew of topics; `accept`: the topic that may be another now."""
        name = self.name(accept)
        if isinstance(self.bus, LocalBus):
            self.bus.restarted()
            if accept:
                self.bus.accepted.add(f"{name}={(await self.bus.topic(name)).id}")
                self.bus.restarted()
            return
        await self.bus.stop()
        looking = KafkaBus(self.bootstrap, "contract")
        await looking.start()
        accepted = [f"{name}={(await looking.topic(name)).id}"] if accept else []
        await looking.stop()
        self.bus = KafkaBus(self.bootstrap, "contract", accepted=accepted)
        await self.bus.start()

    async def replace(self, topic: str) -> None:
        """Delete a topic and make it anew with as many partitions."""
        name = self.name(topic)
        if isinstance(self.bus, LocalBus):
            self.bus.replace(name)
            return
        admin, partitions = self._admin, await self.bus.partitions(name)
        await asyncio.to_thread(admin.delete_topics([name])[name].result)
        await shows(partial(self._make, admin, NewTopic(name, partitions, 1)), True)

    async def _make(self, admin: AdminClient, topic: NewTopic) -> bool:
        try:  # the deletion may still be under way
            await asyncio.to_thread(admin.create_topics([topic])[topic.topic].result)
        except KafkaException:
            return False
        await shows(partial(self._shown, admin, topic.topic), True)
        return True

    async def _shown(self, admin: AdminClient, name: str) -> bool:
        return (await asyncio.to_thread(admin.list_topics, name, timeout=10)).topics[name].error is None

    @property
    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap})

    async def lane(
        self, stage: Stage[None], *, group: str = "g", reader: str = "r", max_records: int = 10
    ) -> Lane[None]:
        """A lane on partition 0 whose reader is alone in its group, so that only the fence decides who commits."""
        consumer = self.bus.consumer(self.prefix + reader, [self.name("in")])
        await consumer.start(_ignore, _ignore)
        self.closers.append(consumer.stop)
        fence, settings = self.bus.fence(self.prefix + group), LaneSettings(max_records=max_records)
        made = Lane(self.at("in"), consumer, fence, stage, settings, CLOCK)
        self.closers.append(made.close)
        return made

    async def close(self) -> None:
        for close in reversed(self.closers):
            await close()
        await self.bus.stop()


async def local_world(topics: dict[str, int]) -> World:
    return World(LocalBus({"t." + topic: count for topic, count in topics.items()}, CLOCK), "t.")


class Spec(NamedTuple):
    """A topic for `ensure_topics`."""

    name: str
    partitions: int
    config: dict[str, str]


async def kafka_world(
    bootstrap: str, topics: dict[str, int], config: dict[str, str], instance_id: str | None = None
) -> World:
    prefix = f"contract-{uuid4().hex[:8]}."
    await ensure_topics(bootstrap, [Spec(prefix + topic, count, config) for topic, count in topics.items()])
    bus = KafkaBus(bootstrap, "contract", instance_id=instance_id)
    await bus.start()
    return World(bus, prefix, bootstrap)


@asynccontextmanager
async def either_world(
    request: pytest.FixtureRequest, topics: dict[str, int], config: dict[str, str] | None = None
) -> AsyncIterator[World]:
    """Give a world with empty topics on the bus that the fixture's parameter names: `local` or `kafka`."""
    if request.param == "local":
        made = await local_world(topics)
    else:
        broker: KafkaBroker = request.getfixturevalue("kafka_broker")
        made = await kafka_world(broker.bootstrap, topics, config or {})
    yield made
    await made.close()


class Copy:
    """Copies records to the topic `out`; remembers batches, and fails when told to."""

    def __init__(self, world: World, out: str = "out") -> None:
        self.world = world
        self.out = world.name(out)
        self.batches: list[Batch] = []
        self.histories: list[History] = []
        self.fail: Exception | None = None

    @property
    def taken(self) -> list[Record]:
        return [record for batch in self.batches for record in batch.records]

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        self.histories.append(history)

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        self.batches.append(batch)
        if self.fail:
            raise self.fail
        at = batch.source.partition
        return [Outgoing(self.out, r.key, r.value, at, r.timestamp_ms, r.headers) for r in batch.records]


async def step_until(done: Callable[[], bool], *steps: Lane[None] | Worker[None]) -> None:
    """Step in turn until `done`; a real broker needs a moment between an append and a fetch."""
    async with asyncio.timeout(WAIT_S):
        while not done():
            if not sum([await each.step() for each in steps]):
                await asyncio.sleep(0.01)


async def eventually(true: Callable[[], bool]) -> None:
    """Let running workers go on until `true`."""
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


async def shows(read: Callable[[], Awaitable[object]], expected: object) -> None:
    """Assert that `read` returns `expected`, at once or soon.

    Kafka answers a commit before it has written the markers that make the transaction visible to others; so
    `expected` must come from what was sent, never from another read.
    """
    give_up = time.monotonic() + SHOWS_S
    while (got := await read()) != expected:
        assert time.monotonic() < give_up, f"after {SHOWS_S:.0f} s got {got!r}, expected {expected!r}"
        await asyncio.sleep(0.02)


async def _ignore(partitions: frozenset[TopicPartition]) -> None: ...
