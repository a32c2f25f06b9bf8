"""A process with nothing to do asks Kafka for little, and yet takes at once what comes."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import Fetcher

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.topics import TopicSpec
from proofwatch.runtime.clock import SystemClock
from tests.support.kafka_broker import KafkaBroker

PARTITIONS = 6
IDLE_S = 10.0


class Taking:
    """Publishes nothing; knows what it took, and how often it was asked."""

    def __init__(self) -> None:
        self.taken = asyncio.Event()
        self.idle = 0

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        if batch.records:
            self.taken.set()
        else:
            self.idle += 1
        return []


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Requests by name, and the turns of the library's reading loops."""
    counts: Counter[str] = Counter()
    send, turn = AIOKafkaConnection.send, Fetcher._get_actions_per_node

    def sent(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        counts[type(request).__name__] += 1
        return send(self, request, *args, **options)

    def turned(self: Any, assignment: Any) -> Any:
        counts["turns"] += 1
        return turn(self, assignment)

    monkeypatch.setattr(AIOKafkaConnection, "send", sent)
    monkeypatch.setattr(Fetcher, "_get_actions_per_node", turned)
    return counts


async def test_six_partitions_without_records_cost_a_few_requests_a_second(
    kafka_broker: KafkaBroker, counted: Counter[str]
) -> None:
    """It was two fetches and five turns of a loop a second for each partition."""
    name = f"idle-{uuid4().hex[:8]}"
    await ensure_topics(kafka_broker.bootstrap, [TopicSpec(name, PARTITIONS, {})])
    bus, stage = KafkaBus(kafka_broker.bootstrap, "idle"), Taking()
    await bus.start()
    settings = LaneSettings(idle_s=IDLE_LONG_S)
    worker = Worker(bus, [name], bus.fence(name), stage, settings, SystemClock())
    await worker.start()
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            while stage.idle < PARTITIONS:  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.05)
        await bus.ends(name)
        counted.clear()
        await asyncio.sleep(IDLE_S)
        for _ in range(3):
            await bus.ends(name)
        assert 0 < counted["FetchRequest"] <= PARTITIONS * (IDLE_S / 2.5 + 1)
        assert counted["turns"] <= 2 * PARTITIONS * (IDLE_S / 2.5 + 1)
        assert counted["ApiVersionRequest"] == 0, "looking up the ends connects anew"
        assert sum(counted.values()) - counted["turns"] <= 10 * IDLE_S
        await bus.publish([Outgoing(name, b"k", b"v")])
        await asyncio.wait_for(stage.taken.wait(), IDLE_LONG_S)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.stop()
        await bus.stop()
