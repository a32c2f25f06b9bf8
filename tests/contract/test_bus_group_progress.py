"""How far a group has come, and what follows from it for time; on the in-process bus and on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from confluent_kafka import Producer

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import GroupProgress
from proofwatch.bus.records import Outgoing
from tests.contract.worlds import (
    CLOCK,
    WAIT_S,
    Copy,
    World,
    either_world,
    eventually,
    kafka_world,
    step_until,
)
from tests.support.kafka_broker import KafkaBroker

TOPICS = {"in": 2, "out": 2, "again": 2, "platform.positions.v1": 1}
SETTINGS = LaneSettings(max_records=10, heartbeat_s=0.1, idle_s=0.2)


@pytest.fixture(params=["local", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A bus with empty topics."""
    async with either_world(request, TOPICS) as made:
        yield made


async def progress(world: World, topic: str = "in", group: str = "g") -> dict[int, GroupProgress]:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await world.bus.read_progress(world.prefix + group, world.name(topic))
            except BusUnavailable:  # a broker that has never seen a group makes its coordinator first
                await asyncio.sleep(0.1)


async def becomes(read: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await read():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)


def downstream(world: World, stage: Copy) -> Worker[None]:
    """What reads `out`, which the group `g` fills from `in`."""
    group = world.prefix + "down"
    filled_by = {world.name("out"): (world.prefix + "g", world.name("in"))}
    made = Worker(
        world.bus,
        [world.name("out")],
        world.bus.fence(group),
        stage,
        SETTINGS,
        CLOCK,
        filled_by=filled_by,
    )
    world.closers.append(made.stop)
    return made


async def test_where_nothing_is_to_be_done_everything_is(world: World) -> None:
    """Also for a group that nobody has ever seen."""
    assert await progress(world) == {0: GroupProgress(0, 0), 1: GroupProgress(0, 0)}


async def test_it_is_behind_until_the_group_has_committed_the_last_record(world: World) -> None:
    """However often it is asked; partitions are told apart."""
    await world.publish("in", [b"a", b"b", b"c"], 1)
    for _ in range(3):
        assert await progress(world) == {0: GroupProgress(0, 0), 1: GroupProgress(0, 3)}
    stage = Copy(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 3, worker)
    await becomes(lambda: _is(world, {0: GroupProgress(0, 0), 1: GroupProgress(3, 3)}))


async def _is(world: World, expected: dict[int, GroupProgress]) -> bool:
    return await progress(world) == expected


async def test_transaction_markers_are_nothing_to_be_done(world: World) -> None:
    """The last offset of what lanes write is a marker that no group ever commits; a record behind it counts again."""
    first, stage = world.worker(Copy(world)), Copy(world, "again")
    second = world.worker(stage, group="second", topic="out")
    await world.publish("in", [b"%d" % n for n in range(10)])
    await first.start()
    await second.start()
    await step_until(lambda: len(stage.taken) == 10, first, second)

    async def done() -> bool:
        found = (await progress(world, "out", "second"))[0]
        return found.done == found.end >= 10

    await becomes(done)
    await world.publish("out", [b"behind the marker"])
    for _ in range(3):
        found = (await progress(world, "out", "second"))[0]
        assert found.done < found.end


async def test_what_is_in_an_open_transaction_is_still_to_be_done_and_what_was_aborted_is_not(
    kafka_broker: KafkaBroker,
) -> None:
    """The last stable offset stands still, and the high watermark is what counts."""
    world = await kafka_world(kafka_broker.bootstrap, TOPICS, {})
    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": world.prefix})
    await asyncio.to_thread(producer.init_transactions, 60)
    producer.begin_transaction()
    producer.produce(world.name("in"), b"v", b"k", partition=0)
    await asyncio.to_thread(producer.flush, 60)
    for _ in range(3):
        assert (await progress(world))[0] == GroupProgress(0, 1)
    await asyncio.to_thread(producer.abort_transaction, 60)
    await becomes(lambda: _is(world, {0: GroupProgress(2, 2), 1: GroupProgress(0, 0)}))
    await world.close()


async def test_a_group_whose_offsets_are_lost_stands_where_its_outputs_end(world: World) -> None:
    """Else what reads them would wait for ever for a partition that stays quiet."""
    await world.publish("in", [b"a", b"b"])
    stage = Copy(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 2, worker)
    await becomes(lambda: _is(world, {0: GroupProgress(2, 2), 1: GroupProgress(0, 0)}))
    await worker.stop()
    await world.forget()
    await becomes(lambda: _is(world, {0: GroupProgress(2, 2), 1: GroupProgress(0, 0)}))


async def test_time_waits_for_a_group_that_is_down(world: World) -> None:
    """What it will write is of a time before; the partition that it fills is quiet meanwhile, and does not count."""
    stage = Copy(world, "again")
    worker = downstream(world, stage)
    await worker.start()
    run = asyncio.create_task(worker.run())
    await eventually(lambda: _told(stage, 0) and _told(stage, 1))
    await world.publish("in", [b"v"])
    came_ms = CLOCK.now_ms()
    await eventually(lambda: _reached(stage, 1) > came_ms + 1_500)
    assert _reached(stage, 0) <= came_ms, "nothing may close by the time after the record"
    upstream_stage = Copy(world)
    upstream = world.worker(upstream_stage)
    await upstream.start()
    await step_until(lambda: len(upstream_stage.taken) == 1, upstream)
    await eventually(lambda: len(stage.taken) == 1 and _reached(stage, 0) > came_ms)
    await worker.stop()
    await run


async def test_records_of_a_group_that_catches_up_do_not_move_time_ahead_of_it(world: World) -> None:
    """They are stamped with now, and are of long ago; there are more to come."""
    stage = Copy(world, "again")
    worker = downstream(world, stage)
    await worker.start()
    run = asyncio.create_task(worker.run())
    await eventually(lambda: _told(stage, 0))
    await world.publish("in", [b"%d" % n for n in range(8)])
    came_ms = CLOCK.now_ms()
    await eventually(lambda: _reached(stage, 1) > came_ms + 1_500)
    upstream_stage = Copy(world)
    upstream = world.worker(upstream_stage, max_records=4)
    await upstream.start()
    await step_until(lambda: len(upstream_stage.taken) == 4, upstream)
    await eventually(lambda: len(stage.taken) == 4)
    later_ms = CLOCK.now_ms()
    await eventually(lambda: _reached(stage, 1) > later_ms + 1_500)
    assert _reached(stage, 0) <= came_ms
    await step_until(lambda: len(upstream_stage.taken) == 8, upstream)
    await eventually(lambda: len(stage.taken) == 8 and _reached(stage, 0) > later_ms)
    await worker.stop()
    await run


@pytest.mark.parametrize("commits", [True, False])
async def test_time_waits_for_an_open_transaction_two_topics_before(kafka_broker: KafkaBroker, commits: bool) -> None:
    """A dead producer's: the group that reads it is held up, and what that fills is quiet, with nothing open in it."""
    world = await kafka_world(kafka_broker.bootstrap, TOPICS, {})
    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": world.prefix})
    await asyncio.to_thread(producer.init_transactions, 60)
    upstream_stage, stage = Copy(world), Copy(world, "again")
    workers = [world.worker(upstream_stage), downstream(world, stage)]
    for each in workers:
        await each.start()
    runs = [asyncio.create_task(each.run()) for each in workers]
    await eventually(lambda: _told(stage, 0) and _told(stage, 1))
    producer.begin_transaction()
    producer.produce(world.name("in"), b"v", b"k", partition=0)
    await asyncio.to_thread(producer.flush, 60)
    open_ms = CLOCK.now_ms()
    await world.bus.publish([Outgoing(world.name("in"), b"k", b"behind it", 0)])
    await eventually(lambda: _reached(stage, 1) > open_ms + 3_000)
    assert _reached(stage, 0) <= open_ms
    assert not upstream_stage.taken
    await asyncio.to_thread(producer.commit_transaction if commits else producer.abort_transaction, 60)
    await eventually(lambda: len(stage.taken) == 1 + commits and _reached(stage, 0) > open_ms + 3_000)
    for each in workers:
        await each.stop()
    await asyncio.gather(*runs)
    await world.close()


def _told(stage: Copy, partition: int) -> bool:
    return any(each.progress_ms is not None for each in stage.batches if each.source.partition == partition)


def _reached(stage: Copy, partition: int) -> int:
    return max(each.progress_ms or 0 for each in stage.batches if each.source.partition == partition)
