"""Subjects' states on a real Kafka, with a real Redis that is emptied or killed in the middle of the stream."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from proofwatch.bus.records import Outgoing
from services.scorer.adapters.redis import RedisSubjects
from services.scorer.core.subject import decode
from services.scorer.handlers.subject_states import SubjectStates
from tests.contract.worlds import World, eventually, kafka_world, shows
from tests.support.kafka_broker import KafkaBroker
from tests.support.redis_server import RedisServer
from tests.unit.scorer.subject_house import ACCEPT, FAIL, FORGIVE, Remembering, fold

SUBJECTS = [b"acme/%d" % n for n in range(20)]
COUNT = 900


@asynccontextmanager
async def working(world: World, stage: Remembering) -> AsyncIterator[None]:
    """A process that takes batches until it is told to stop, whatever happens to its cache."""
    worker = world.worker(stage, max_records=20)
    await worker.start()
    running = asyncio.create_task(worker.run())
    try:
        yield
        assert not running.done()
    finally:
        await worker.stop()
        running.cancel()
        await asyncio.wait([running])


def kill(redis: RedisServer) -> None:
    """End it by its process id, and bring another one up at its address, empty."""
    redis.kill()
    redis.start()


@pytest.mark.parametrize("lose", [RedisServer.flush, kill], ids=["flushall", "killed"])
async def test_a_redis_that_is_lost_in_mid_stream_is_filled_again(
    kafka_broker: KafkaBroker, redis_server: RedisServer, lose: Callable[[RedisServer], None]
) -> None:
    """While the lane runs, and while nobody does: every record is answered as one pass over the log answers it."""
    redis_server.flush()
    world = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1, "subjects": 1}, {})
    client = Redis.from_url(redis_server.url)
    store, dice = RedisSubjects(client, 3600), random.Random(7)
    stage = Remembering(SubjectStates(world.bus, store, world.name("subjects"), chunk=7), world.name("out"))
    said: list[int] = []

    async def produce(count: int) -> None:
        made = [(dice.choice(SUBJECTS), dice.choice([FAIL, FAIL, FAIL, ACCEPT, FORGIVE])) for _ in range(count)]
        await world.bus.publish([Outgoing(world.name("in"), key, value, 0) for key, value in made])
        said.append(stage.said)

    with capture_logs() as logs:
        async with working(world, stage):
            await produce(COUNT // 3)
            await eventually(lambda: stage.said >= said[0] + 100)
            lose(redis_server)
            await produce(COUNT // 3)
            await eventually(lambda: stage.said >= said[1] + COUNT // 3)
        lose(redis_server)
        async with working(world, stage):
            await produce(COUNT // 3)
            await shows(lambda: world.positions(), {0: COUNT})
            await eventually_at(store, world, COUNT)
    fills = [entry for entry in logs if entry["event"] == "subjects_caught_up" and entry["position"]]
    assert len(fills) >= 2
    assert all(fill["records"] > 0 for fill in fills)
    expected, states = fold(await world.read("in"))
    assert await world.values("out") == expected
    latest = {record.key: record.value for record in await world.read("subjects")}
    assert {key: decode(value) for key, value in latest.items() if value is not None} == states
    assert await store.exchange(world.at("in"), COUNT, None, SUBJECTS) == states
    await client.aclose()
    await world.close()


async def eventually_at(store: RedisSubjects, world: World, position: int) -> None:
    """An idle batch applies what the last one changed."""

    async def where() -> int | None:
        sentinel = await store.sentinel(world.at("in"))
        return sentinel and sentinel.position

    await shows(where, position)
