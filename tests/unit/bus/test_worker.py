"""The worker: lanes follow the assignment."""

import asyncio
from functools import partial

import pytest

from proofwatch.bus.errors import PartitionMismatch, Stuck, UnknownTopic
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Recording, until

CLOCK = SimulatedClock()


def bus_of(**counts: int) -> LocalBus:
    return LocalBus(counts or {"in": 4, "other": 4, "out": 4}, CLOCK)


def has_seen(stage: Recording, records: int) -> bool:
    return sum(len(batch.records) for batch in stage.batches) == records


def worker(bus: LocalBus, stage: Recording, settings: LaneSettings | None = None) -> Worker[None]:
    return Worker(bus, ["in"], bus.fence("g"), stage, settings or LaneSettings(), CLOCK)


async def test_steps_visit_the_lanes_in_a_fixed_order() -> None:
    """Topic, then partition: a deterministic scheduler sees the same order every time."""
    bus, stage = bus_of(), Recording()
    await bus.publish([Outgoing(topic, b"k", b"v", p) for p in (3, 1, 0, 2) for topic in ("other", "in")])
    both = Worker(bus, ["other", "in"], bus.fence("g"), stage, LaneSettings(), CLOCK)
    await both.start()
    assert await both.step() == 8
    assert [b.source for b in stage.batches] == [TopicPartition(t, p) for t in ("in", "other") for p in range(4)]
    await both.stop()


async def test_a_second_member_takes_over_half_and_gives_it_back() -> None:
    """Partitions move between members with their positions: nothing is done twice or left out."""
    bus, one, two = bus_of(), Recording(), Recording()
    first, second = worker(bus, one), worker(bus, two)
    await first.start()
    await bus.publish([Outgoing("in", b"k", b"a", p) for p in range(4)])
    await first.step()
    await second.start()
    await bus.publish([Outgoing("in", b"k", b"b", p) for p in range(4)])
    assert (await first.step(), await second.step()) == (2, 2)
    assert (set(first.positions), set(second.positions)) == (
        {TopicPartition("in", 0), TopicPartition("in", 1)},
        {TopicPartition("in", 2), TopicPartition("in", 3)},
    )
    await second.stop()
    await bus.publish([Outgoing("in", b"k", b"c", p) for p in range(4)])
    assert await first.step() == 4
    assert await bus.positions("g", "in") == dict.fromkeys(range(4), 3)
    await first.stop()
    assert [told[0] for told in two.told] == ["opened"] * 2 + ["closed"] * 2


async def test_companions_follow_their_lane() -> None:
    """A companion is made for every assigned partition, stepped after its lane and closed with it."""
    bus, stage, relay = bus_of(), Recording("other"), Recording("out")
    member = bus.consumer("g-relay", ["other"])

    async def nothing(partitions: frozenset[TopicPartition]) -> None: ...

    await member.start(nothing, nothing)

    def companion(at: TopicPartition) -> Lane[None]:
        there = TopicPartition("other", at.partition)
        return Lane(there, member, bus.fence("g-relay"), relay, LaneSettings(), CLOCK)

    main = Worker(bus, ["in"], bus.fence("g"), stage, LaneSettings(), CLOCK, companions=[companion])
    await main.start()
    await bus.publish([Outgoing("in", b"k", b"v", 2)])
    assert await main.step() == 2
    assert (await bus.ends("out"))[2] == 1
    await main.stop()
    assert [told[0] for told in relay.told].count("closed") == 4


async def test_start_refuses_topics_that_are_not_co_partitioned() -> None:
    """The message names both topics and their counts."""
    bus = bus_of(**{"in": 4, "out": 3})
    member = Worker(bus, ["in"], bus.fence("g"), Recording(), LaneSettings(), CLOCK, co_partitioned=["in", "out"])
    with pytest.raises(PartitionMismatch, match="in: 4, out: 3"):
        await member.start()


async def test_an_unknown_topic_is_named_with_those_that_exist() -> None:
    """An operator sees what was asked for and what there is."""
    with pytest.raises(UnknownTopic, match=r"'nowhere' does not exist.*in, other, out"):
        bus_of().consumer("g", ["nowhere"])


async def test_run_works_until_stopped_and_drains_its_lanes() -> None:
    """Live, records are processed as they arrive; stop ends run without an error."""
    bus, stage = bus_of(), Recording()
    member = worker(bus, stage, LaneSettings(idle_s=0.01))
    await member.start()
    running = asyncio.create_task(member.run())
    for round_ in range(3):
        await bus.publish([Outgoing("in", b"k", b"%d" % round_, p) for p in range(4)])
        await until(partial(has_seen, stage, 4 * (round_ + 1)))
    assert not member.unready()
    await member.stop()
    await running
    assert member.unready() == ["group g is not joined: nothing of in is read"]


async def test_run_raises_what_a_lane_could_not_recover_from() -> None:
    """A stuck lane ends the process instead of leaving a partition unread."""
    bus = bus_of()
    member = worker(bus, Recording(fail=lambda batch: ValueError("bug")), LaneSettings(stuck_s=0.0))
    await bus.publish([Outgoing("in", b"k", b"v", 0)])
    await member.start()
    with pytest.raises(Stuck):
        await member.run()
    await member.stop()
