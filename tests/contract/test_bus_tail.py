"""The contract of tails, run unchanged on the in-process bus and on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.port import Tail
from proofwatch.bus.records import TopicPartition
from tests.contract.worlds import Copy, World, either_world, kafka_world, step_until
from tests.support.kafka_broker import KafkaBroker

TOPICS = {"in": 2, "out": 2, "other": 1}
AT_ONCE_S = 20.0


@pytest.fixture(params=["local", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A bus with empty topics."""
    async with either_world(request, TOPICS) as made:
        yield made


async def opened(world: World, *topics: str) -> Tail:
    tail = world.bus.tail([world.name(topic) for topic in topics])
    world.closers.append(tail.stop)
    await tail.start()
    return tail


async def test_it_reads_everything_once_then_what_comes_after(world: World) -> None:
    """All partitions of all its topics, in order for each; nothing comes twice."""
    await world.publish("in", [b"a", b"b"], 0)
    await world.publish("in", [b"c"], 1)
    await world.publish("other", [b"d"])
    tail = await opened(world, "in", "other")
    first = await tail.catch_up(AT_ONCE_S)
    assert first.complete
    found = sorted((at.topic, at.partition, record.offset, record.value) for at, record in first.records)
    one, other = world.name("in"), world.name("other")
    assert found == [(one, 0, 0, b"a"), (one, 0, 1, b"b"), (one, 1, 0, b"c"), (other, 0, 0, b"d")]
    assert await tail.catch_up(AT_ONCE_S) == ([], True)
    await world.publish("other", [b"e"])
    records, complete = await tail.catch_up(AT_ONCE_S)
    assert complete
    assert [(at, record.value) for at, record in records] == [(TopicPartition(other, 0), b"e")]


async def test_it_begins_near_the_end_where_the_past_does_not_matter(world: World) -> None:
    """At most so many of each partition; then everything."""
    await world.publish("in", [b"a", b"b", b"c"], 0)
    await world.publish("in", [b"d"], 1)
    tail = world.bus.tail([world.name("in")], last=2)
    world.closers.append(tail.stop)
    await tail.start()
    first = await tail.catch_up(AT_ONCE_S)
    assert first.complete
    assert sorted((at.partition, record.value) for at, record in first.records) == [(0, b"b"), (0, b"c"), (1, b"d")]
    await world.publish("in", [b"e"], 0)
    assert [record.value for _, record in (await tail.catch_up(AT_ONCE_S)).records] == [b"e"]


async def test_it_reads_what_lanes_commit(world: World) -> None:
    """Transaction markers are no records, and do not keep it from being complete."""
    await world.publish("in", [b"%d" % n for n in range(25)])
    stage = Copy(world)
    worker = world.worker(stage, max_records=10)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 25, worker)
    await worker.stop()
    tail = await opened(world, "out")
    records, complete = await tail.catch_up(AT_ONCE_S)
    assert complete
    assert [record.value for _, record in records] == [b"%d" % n for n in range(25)]


async def test_a_topic_that_does_not_exist_is_refused(world: World) -> None:
    """When it is made or when it starts."""
    with pytest.raises(UnknownTopic, match="nowhere"):
        await opened(world, "nowhere")


async def test_it_is_not_complete_while_a_transaction_is_open(kafka_broker: KafkaBroker) -> None:
    """Records behind an open transaction are not shown, and may be older than what is: say so; an abort leaves none."""
    world = await kafka_world(kafka_broker.bootstrap, {"in": 1}, {})
    tail = await opened(world, "in")
    producer = AIOKafkaProducer(bootstrap_servers=kafka_broker.bootstrap, transactional_id=world.name("tx"))
    await producer.start()
    for commit in (True, False):
        await producer.begin_transaction()
        await producer.send_and_wait(world.name("in"), b"in the transaction", partition=0)
        await world.publish("in", [b"behind it"])
        assert await tail.catch_up(0.3) == ([], False)
        await (producer.commit_transaction() if commit else producer.abort_transaction())
        values: list[bytes | None] = []
        async with asyncio.timeout(AT_ONCE_S):
            complete = False
            while not complete:
                records, complete = await tail.catch_up(1.0)
                values += [record.value for _, record in records]
        assert values == ([b"in the transaction"] if commit else []) + [b"behind it"]
    await producer.stop()
    await world.close()
