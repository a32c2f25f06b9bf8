"""Compressed records: what an independent producer compresses is read, by whatever reads; our own topics too."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from aiokafka import codec
from confluent_kafka import Producer

from proofwatch.bus.errors import BusUnavailable, Unreadable
from proofwatch.bus.kafka import compression as kafka_codec
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.runtime.clock import SystemClock
from tests.support.kafka_broker import KafkaBroker

CODECS = ("gzip", "snappy", "lz4", "zstd")
LANE = LaneSettings()
VALUES = tuple(b"%d " % n + b"a value that compresses well " * 8 for n in range(300))


def produce(broker: KafkaBroker, topic: str, compression: str, values: Sequence[bytes]) -> None:
    """Publish as upstream does: librdkafka, batches of one codec."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": compression, "linger.ms": 50})
    for value in values:
        producer.produce(topic, value, key=b"k", partition=0)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("compression", CODECS)
async def test_every_reader_reads_what_an_independent_producer_compressed(
    kafka_broker: KafkaBroker, compression: str
) -> None:
    """Members of a group, one-off readers, look-backs and tails return the same values in order."""
    topic = kafka_broker.create_topic(f"{compression}-{uuid4().hex[:8]}")
    produce(kafka_broker, topic, compression, VALUES)
    bus, at = KafkaBus(kafka_broker.bootstrap, "reader"), TopicPartition(topic, 0)
    await bus.start()
    try:
        assert [record.value async for record in bus.read(at)] == list(VALUES)
        tail = bus.tail((topic,))
        await tail.start()
        taken = [record.value for _, record in (await tail.catch_up(60)).records]
        await tail.stop()
        assert taken == list(VALUES)
        assert await _as_member(bus, at) == list(VALUES)
    finally:
        await bus.stop()


async def test_our_own_topics_may_be_compressed_by_the_broker(kafka_broker: KafkaBroker) -> None:
    """`compression.type=zstd` on a topic: what we publish there comes back."""
    topic = kafka_broker.create_topic(f"own-{uuid4().hex[:8]}", config={"compression.type": "zstd"})
    bus = KafkaBus(kafka_broker.bootstrap, "writer")
    await bus.start()
    try:
        await bus.publish([Outgoing(topic, b"k", value, 0) for value in VALUES])
        assert [record.value async for record in bus.read(TopicPartition(topic, 0))] == list(VALUES)
    finally:
        await bus.stop()


async def test_a_codec_that_cannot_be_read_is_one_sentence_and_not_a_loop(
    kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every way of reading says where and what would help; a lane ends with it, and does not try for ever."""
    topic = kafka_broker.create_topic(f"unreadable-{uuid4().hex[:8]}")
    produce(kafka_broker, topic, "zstd", VALUES[:3])
    bus, at = KafkaBus(kafka_broker.bootstrap, "reader"), TopicPartition(topic, 0)
    await bus.start()
    try:
        monkeypatch.setattr(codec, "cramjam", None)
        with pytest.raises(Unreadable, match=rf"{topic}/0: a batch is compressed .*zstd"):
            [record async for record in bus.read(at)]
        tail = bus.tail((topic,))
        await tail.start()
        with pytest.raises(Unreadable, match=rf"{topic}: a batch is compressed .*zstd"):
            await tail.catch_up(60)
        await tail.stop()
        copy = Worker(bus, (topic,), bus.fence(f"copy-{topic}"), Ignore(), LANE, SystemClock())
        await copy.start()
        with pytest.raises(Unreadable, match=rf"{topic}/0"):
            await asyncio.wait_for(copy.run(), 60)
        await copy.stop()
        monkeypatch.setattr(kafka_codec, "find_spec", lambda _: None)
        with pytest.raises(BusUnavailable, match="cramjam is not installed"):
            await KafkaBus(kafka_broker.bootstrap, "without").start()
    finally:
        await bus.stop()


class Ignore:
    """A stage without outputs."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        pass

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        return ()

    async def closed(self, source: TopicPartition) -> None:
        pass


async def _as_member(bus: KafkaBus, at: TopicPartition) -> list[bytes | None]:
    consumer, joined = bus.consumer(f"group-{uuid4().hex[:8]}", (at.topic,)), asyncio.Event()

    async def assigned(_: frozenset[TopicPartition]) -> None:
        joined.set()

    async def revoked(_: frozenset[TopicPartition]) -> None:
        pass

    await consumer.start(assigned, revoked)
    try:
        await asyncio.wait_for(joined.wait(), 60)
        await consumer.seek(at, 0)
        history = [r.value async for part in consumer.history(at, len(VALUES)).since(0) for r in part]
        got: list[bytes | None] = []
        async with asyncio.timeout(60):
            while len(got) < len(VALUES):
                got += [record.value for record in await consumer.fetch(at, 1_000, 1.0)]
    finally:
        await consumer.stop()
    assert history == got
    return got
