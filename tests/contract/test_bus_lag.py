"""How far a group is behind, as metrics and as Kafka's own tools see it; on the in-process bus and on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.stage import Fence
from tests.contract.worlds import CLOCK, Copy, World, either_world, shows, step_until

TOPICS = {"in": 2, "out": 2, "again": 2}
SETTINGS = LaneSettings(max_records=10, heartbeat_s=0.1)


@pytest.fixture(params=["local", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A bus with empty topics."""
    async with either_world(request, TOPICS) as made:
        yield made


async def lags(worker: Worker[None]) -> list[float]:
    return [sample.value for sample in await worker.sample()]


async def test_lag_is_up_to_the_end_of_the_log_and_zero_behind_transaction_markers(world: World) -> None:
    """Of a topic that is written in transactions too, whose last offset is a marker that nobody ever gets."""
    first = world.worker(Copy(world), max_records=10)
    stage = Copy(world, "again")
    second = world.worker(stage, group="second", topic="out", max_records=4)
    await world.publish("in", [b"%d" % n for n in range(10)])
    await first.start()
    await first.step()
    assert await lags(first) in ([0, 0], [10, 0]), "one step may find nothing yet"
    await second.start()
    await step_until(lambda: len(stage.taken) >= 4, first, second)
    assert (await lags(second))[0] >= 6
    await step_until(lambda: len(stage.taken) == 10, first, second)
    async with asyncio.timeout(60):
        while await lags(second) != [0, 0] or await lags(first) != [0, 0]:
            await first.step()
            await second.step()


async def test_a_group_learns_positions_that_are_kept_elsewhere(world: World) -> None:
    """Only of what is assigned; a partition of somebody else's is left out."""
    consumer = world.bus.consumer(world.prefix + "told", [world.name("in")])
    assigned: set[TopicPartition] = set()

    async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
        assigned.update(partitions)

    async def on_revoked(partitions: frozenset[TopicPartition]) -> None: ...

    await consumer.start(on_assigned, on_revoked)
    world.closers.append(consumer.stop)
    assert assigned == {world.at("in", 0), world.at("in", 1)}
    await consumer.announce({world.at("in", 1): 7, world.at("out", 0): 3})
    await shows(lambda: world.positions("in", "told"), {1: 7})
    assert await world.bus.positions(world.prefix + "told", world.name("out")) == {}


class Elsewhere:
    """A group's fence that keeps its positions under another name."""

    def __init__(self, fence: Fence[None], group: str) -> None:
        self.group = group
        self.check, self.acquire = fence.check, fence.acquire


async def test_a_worker_announces_when_it_is_told_to(world: World) -> None:
    """A fence that keeps positions elsewhere moves no offset of its group; the worker tells it, running."""
    stage = Copy(world)
    elsewhere = Elsewhere(world.bus.fence(world.prefix + "elsewhere"), world.prefix + "g")
    worker = Worker(world.bus, [world.name("in")], elsewhere, stage, SETTINGS, CLOCK, announce=True)
    world.closers.append(worker.stop)
    await world.publish("in", [b"a", b"b", b"c"], 1)
    await worker.start()
    running = asyncio.create_task(worker.run())
    await shows(lambda: world.positions(), {0: 0, 1: 3})
    await worker.stop()
    await running
