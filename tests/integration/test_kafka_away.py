"""While Kafka is away a process asks for it a few times a second, and goes on by itself soon after it is back."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.topics import TopicSpec
from proofwatch.runtime.clock import SystemClock
from tests.support.kafka_broker import KafkaBroker

PARTITIONS = 6
AWAY_S = 5.0
A_SECOND = 10
BACK_S = 20.0

# A client that is given up in the middle of stopping leaves connections of the driver open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What the driver left open is found here, and not in a test that knows nothing of it."""
    yield
    gc.collect()


class Copy:
    """Copies records; an idle batch costs a look only."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.taken = 0

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        self.taken += len(batch.records)
        return [Outgoing(self.out, r.key, r.value, batch.source.partition, r.timestamp_ms) for r in batch.records]


class Counter:
    """Stands where the broker was: takes every connection, counts it, and hangs up."""

    def __init__(self) -> None:
        self.connections = 0

    async def __call__(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


async def again_and_again(act: Callable[[], Awaitable[object]]) -> None:
    while True:
        with suppress(BusUnavailable):
            await act()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def process(bus: KafkaBus, name: str) -> AsyncIterator[Copy]:
    """Everything that a service has: a member with six readers and six producers, and the clients of the bus."""
    topic, out, copy = f"{name}.in", f"{name}.out", Copy(f"{name}.out")
    worker = Worker(bus, [topic], bus.fence(name), copy, LaneSettings(idle_s=0.2), SystemClock())
    tail = bus.tail([topic])
    await worker.start()
    await tail.start()
    tasks = [
        asyncio.create_task(worker.run()),
        asyncio.create_task(again_and_again(lambda: bus.publish([Outgoing(out, b"k", b"mine")]))),
        asyncio.create_task(again_and_again(bus.verify)),
        asyncio.create_task(again_and_again(lambda: bus.ends(topic))),
        asyncio.create_task(again_and_again(lambda: tail.catch_up(1.0))),
    ]
    try:
        yield copy
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.stop()
        await tail.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(BACK_S):
        while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("hangs_up", [False, True], ids=["refused", "hung up on"])
async def test_all_clients_of_a_process_together_try_a_few_times_a_second(
    kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch, hangs_up: bool
) -> None:
    """Without a bound it was some 270 a second, and a log to match."""
    name = f"away-{uuid4().hex[:8]}"
    topics = [TopicSpec(f"{name}.{topic}", PARTITIONS, {}) for topic in ("in", "out")]
    await ensure_topics(kafka_broker.bootstrap, topics)
    attempts = 0
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def counted(*args: Any, **options: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await connect(*args, **options)

    async with AsyncExitStack() as ends:
        bus = KafkaBus(kafka_broker.bootstrap, "away")
        await bus.start()
        ends.push_async_callback(bus.stop)
        copy = await ends.enter_async_context(process(bus, name))
        await bus.publish([Outgoing(f"{name}.in", b"%d" % n, b"before", n) for n in range(PARTITIONS)])
        await until(lambda: copy.taken >= PARTITIONS)
        kafka_broker.kill()
        counter, server = Counter(), None
        try:
            if hangs_up:
                host, port = kafka_broker.bootstrap.rsplit(":", 1)
                server = await asyncio.start_server(counter, host, int(port))
            monkeypatch.setattr(loop, "create_connection", counted)
            await asyncio.sleep(AWAY_S)
            assert 1 <= attempts <= A_SECOND * AWAY_S, f"{attempts} attempts in {AWAY_S} s"
            assert counter.connections <= A_SECOND * AWAY_S
            monkeypatch.undo()
        finally:
            if server:
                server.close()
            await asyncio.to_thread(kafka_broker.start)
        before = copy.taken
        back = KafkaBus(kafka_broker.bootstrap, "after")
        await back.start()
        ends.push_async_callback(back.stop)
        await back.publish([Outgoing(f"{name}.in", b"%d" % n, b"after", n) for n in range(PARTITIONS)])
        await until(lambda: copy.taken >= before + PARTITIONS)
