"""Topics whose state is kept by partition, widened while nothing ran; on the in-process bus and on a real Kafka."""

from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Producer

from proofwatch.bus.errors import TopicChanged
from proofwatch.bus.partition_count_check import check_keyed, check_shared
from proofwatch.bus.records import Outgoing
from tests.contract.worlds import World, either_world, kafka_world, shows
from tests.support.kafka_broker import KafkaBroker

TOPICS = {"in": 4, "one": 1}


@pytest.fixture(params=["local", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A bus with empty topics."""
    async with either_world(request, TOPICS) as made:
        yield made


async def widened(world: World, partitions: int) -> None:
    await world.grow("in", partitions)
    await world.restart()
    await shows(lambda: world.bus.partitions(world.name("in")), partitions)


async def test_a_topic_of_which_every_partition_gets_its_part_is_refused_when_some_never_had_one(world: World) -> None:
    """Empty, and with a part in every partition, it is accepted."""
    await check_shared(world.bus, world.name("in"))
    await world.bus.publish([Outgoing(world.name("in"), b"k", b"v", partition) for partition in range(4)])
    await check_shared(world.bus, world.name("in"))
    await widened(world, 6)
    with pytest.raises(TopicChanged, match=r"in has 6 partitions, of which 4, 5 never had a record"):
        await check_shared(world.bus, world.name("in"))
    await world.replace("in")
    await world.restart()
    await check_shared(world.bus, world.name("in"))


@pytest.mark.parametrize("partitions", [5, 8])
async def test_a_topic_of_keys_is_refused_when_they_lie_where_another_count_put_them(
    world: World, partitions: int
) -> None:
    """Empty, and as it was filled, it is accepted; with twice the partitions half of the keys have moved."""
    await check_keyed(world.bus, world.name("in"))
    await world.bus.publish([Outgoing(world.name("in"), b"key-%d" % n, b"v") for n in range(80)])
    await check_keyed(world.bus, world.name("in"))
    await widened(world, partitions)
    with pytest.raises(TopicChanged, match=rf"in has {partitions} partitions, but \d+ of its 80 newest keys lie where"):
        await check_keyed(world.bus, world.name("in"))


async def test_a_strangers_records_are_no_reason_to_refuse(world: World) -> None:
    """They were dead letters in their turn; nothing of them is kept."""
    await world.bus.publish([Outgoing(world.name("in"), b"key-%d" % n, b"v") for n in range(80)])
    await world.bus.publish([Outgoing(world.name("in"), b"stranger-%d" % n, b"v", 0) for n in range(10)])
    await check_keyed(world.bus, world.name("in"))


async def test_one_partition_is_always_right(world: World) -> None:
    """As in standalone mode."""
    await world.bus.publish([Outgoing(world.name("one"), b"key-%d" % n, b"v") for n in range(3)])
    await check_keyed(world.bus, world.name("one"))
    await check_shared(world.bus, world.name("one"))


async def test_a_first_transaction_that_was_aborted_half_way_is_no_reason_to_refuse(kafka_broker: KafkaBroker) -> None:
    """It has left offsets in some partitions, and no record."""
    world = await kafka_world(kafka_broker.bootstrap, TOPICS, {})
    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": world.prefix})
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(world.name("in"), b"v", b"k", partition=0)
    producer.flush(60)
    producer.abort_transaction(60)
    await check_shared(world.bus, world.name("in"))
    await world.close()
