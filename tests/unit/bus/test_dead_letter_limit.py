"""A capped stage halts before anything of the batch is committed, and remembers across failures and restarts."""

import asyncio
from itertools import count

import pytest

from proofwatch.bus.dead_letters.cap import Cap
from proofwatch.bus.dead_letters.limit import DeadLetterLimit
from proofwatch.bus.errors import BusUnavailable, Halted
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.lazy_outputs import LazyOutputs, parts_of
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.outbox import EmptyHistory
from proofwatch.bus.records import Batch, Outgoing, Record, Rejection, TopicPartition
from proofwatch.events import topics
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Picky, Unreliable, until, written

AT = TopicPartition("in", 0)
DEAD = TopicPartition("in.dlq", 0)
CLOCK = SimulatedClock()
READERS = count()


async def bus_with(*values: bytes) -> LocalBus:
    bus = LocalBus({"in": 1, "out": 1, "in.dlq": 1}, CLOCK)
    await bus.publish([Outgoing("in", b"k", value, 0, 1) for value in values])
    return bus


async def lane_on(bus: LocalBus, cap: Cap) -> Lane[None]:
    """A lane as a new process would make it."""

    async def nothing(partitions: frozenset[TopicPartition]) -> None: ...

    consumer = bus.consumer(f"reader-{next(READERS)}", ["in"])
    await consumer.start(nothing, nothing)
    stage: DeadLetterLimit[None] = DeadLetterLimit(Picky(), cap, "picky", bus)
    return Lane(AT, consumer, bus.fence("picky"), stage, LaneSettings(max_records=4), CLOCK)


async def test_it_halts_before_the_batch_is_committed() -> None:
    """The batch in which the cap is reached leaves no trace; what was committed before stays."""
    bus = await bus_with(*[b"good"] * 4, *[b"bad"] * 12)
    lane = await lane_on(bus, Cap(0, 7))
    assert [await lane.step(), await lane.step()] == [4, 4]
    with pytest.raises(Halted):
        await lane.step()
    assert await bus.positions("picky", "in") == {0: 8}
    assert bus.log(DEAD).end == 4


async def test_the_message_says_where_how_many_why_and_what_to_do() -> None:
    """Topic, partition, numbers, reason, an example with its explanation, the command to look, the setting to go on."""
    bus = await bus_with(*[b"bad"] * 4)
    lane = await lane_on(bus, Cap(0, 3))
    with pytest.raises(Halted) as halted:
        await lane.step()
    said = str(halted.value)
    assert said.startswith(
        "in/0: 3 records in a row cannot be processed, mostly malformed, such as offset 2: $: is not JSON."
    )
    assert "proofwatch dlq list --topic in`" in said
    assert "proofwatch dlq show in/0/2`" in said
    assert "PROOFWATCH_DEAD_LETTER_RUN_CAP=0" in said
    assert "\n" not in said


async def test_a_batch_that_comes_again_is_not_counted_twice() -> None:
    """A commit that fails takes its dead letters back: four bad records stay four however often they are seen."""
    bus = Unreliable({"in": 1, "out": 1, "in.dlq": 1}, CLOCK)
    await bus.publish([Outgoing("in", b"k", value, 0, 1) for value in [b"bad"] * 5])
    lane = await lane_on(bus, Cap(0, 6))
    bus.fails = 3
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await lane.step()
    assert [await lane.step(), await lane.step()] == [4, 1]
    await bus.publish([Outgoing("in", b"k", b"bad", 0, 1)])
    with pytest.raises(Halted, match="6 records in a row"):
        await lane.step()


async def test_outputs_that_are_drawn_halt_when_the_last_was_drawn() -> None:
    """So before the commit; what was drawn until then is lost with the transaction."""
    bus = await bus_with(*[b"good"] * 2, *[b"bad"] * 2)
    records = [record async for record in bus.read(AT)]
    batch = Batch(AT, records, 0, 4, 1, 1)

    class Drawing(Picky):
        async def step(self, batch: Batch, tx: object) -> LazyOutputs:  # type: ignore[override]
            return LazyOutputs(iter(parts_of(await super().step(batch, tx))))

    for most, expected in ((3, 4), (2, None)):
        stage: DeadLetterLimit[None] = DeadLetterLimit(Drawing(), Cap(0, most), "picky", bus)
        await stage.opened(AT, 0, bus.consumer(f"r{most}", ["in"]).history(AT, 0))
        drawn = await stage.step(batch, None)
        if expected:
            assert len(list(drawn)) == expected
        else:
            with pytest.raises(Halted, match="2 records in a row"):
                list(drawn)


async def test_a_stage_may_see_a_batch_again_without_being_opened_anew() -> None:
    """As the port says; what the batch added before does not count."""
    bus = await bus_with(*[b"bad"] * 4)
    stage: DeadLetterLimit[None] = DeadLetterLimit(Picky(), Cap(0, 6), "picky", bus)
    records = [record async for record in bus.read(AT)]
    await stage.opened(AT, 0, bus.consumer("r", ["in"]).history(AT, 0))
    for _ in range(3):
        assert len([*await stage.step(Batch(AT, records, 0, 4, 1, 1), None)]) == 4


async def test_a_crash_loop_drains_nothing() -> None:
    """Each new process goes on with the run that the dead letters show, and a good record ends it."""
    bus = await bus_with(*[b"bad"] * 8, *[b"bad"] * 20)
    lane = await lane_on(bus, Cap(0, 10))
    assert [await lane.step(), await lane.step()] == [4, 4]
    for _ in range(3):
        with pytest.raises(Halted):
            await (await lane_on(bus, Cap(0, 10))).step()
    assert await bus.positions("picky", "in") == {0: 8}
    assert bus.log(DEAD).end == 8


async def test_other_stages_dead_letters_do_not_count() -> None:
    """Two services read the same topic; each answers for what it refuses itself."""
    bus = await bus_with(*[b"good"] * 4, b"bad")
    refused = [Rejection(Record(n, 1, b"k", b"v"), "malformed", "$") for n in range(4)]
    await bus.publish(written(refused, AT, "other"))
    lane = await lane_on(bus, Cap(0, 2))
    await lane.step()
    again = await lane_on(bus, Cap(0, 2))
    assert await again.step() == 1


async def test_a_topic_without_dead_letters_needs_no_dead_letter_topic() -> None:
    """A stage that never refuses runs where there is none."""
    bus = LocalBus({"in": 1, "out": 1}, CLOCK)
    await bus.publish([Outgoing("in", b"k", b"good", 0, 1)] * 9)
    lane = await lane_on(bus, Cap(0.01, 1))
    assert [await lane.step() for _ in range(3)] == [4, 4, 1]


async def test_of_a_topic_that_is_declared_without_dead_letters_none_are_looked_for() -> None:
    """A broker that authorizes says of a topic that is not there what it says of one that is another's."""

    class Authorizing(LocalBus):
        async def ends(self, topic: str) -> dict[int, int]:
            if topic.endswith(".dlq"):
                raise BusUnavailable(f"Kafka does not answer: TopicAuthorizationFailedError: topic {topic}")
            return await super().ends(topic)

    stage: DeadLetterLimit[None] = DeadLetterLimit(Picky(), Cap(0, 7), "auditor", Authorizing({}, CLOCK))
    await stage.opened(TopicPartition(topics.REDRIVES, 0), 5, EmptyHistory())
    with pytest.raises(BusUnavailable):
        await stage.opened(TopicPartition(topics.CONTROLS, 0), 5, EmptyHistory())


async def test_a_running_worker_ends_with_the_message() -> None:
    """No retry: the same records would come again."""
    bus = await bus_with(*[b"bad"] * 9)
    stage = Picky()
    settings = LaneSettings(max_records=4, cap=Cap(0, 5))
    worker = Worker(bus, ["in"], bus.fence("picky"), stage, settings, CLOCK)
    await worker.start()
    with pytest.raises(Halted, match="in/0: 5 records in a row"):
        await worker.run()
    await worker.stop()
    assert len(stage.batches) == 2
    assert await bus.positions("picky", "in") == {0: 4}


async def test_closing_forgets_and_tells_the_stage() -> None:
    """The next owner may have moved on; coming back, the dead letters are read anew."""
    bus, stage = await bus_with(*[b"bad"] * 3), Picky()
    worker = Worker(bus, ["in"], bus.fence("picky"), stage, LaneSettings(cap=Cap(0, 5), idle_s=0.01), CLOCK)
    await worker.start()
    running = asyncio.create_task(worker.run())
    await until(lambda: bus.log(DEAD).end == 3)
    await worker.stop()
    await running
    assert [told[0] for told in stage.told] == ["opened", "closed"]
