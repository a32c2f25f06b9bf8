"""The contract of the bus: one suite, run unchanged on the in-process bus and on a real Kafka."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

import pytest

from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.errors import Fenced, Gap, RecordTooLarge, TopicChanged, TopicReplaced, UnknownTopic
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.lazy_outputs import LazyOutputs
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Batch, Outgoing, Output, Rejection, TopicPartition
from proofwatch.runtime.clock import SystemClock
from tests.contract.worlds import Copy, World, either_world, eventually, shows, step_until

TOPICS = {"in": 4, "out": 4, "in.dlq": 4, "small": 4}
# records of 10 MB, and old ones that the broker must not delete at its next retention check
CONFIG = {"max.message.bytes": "16777216", "retention.ms": "-1"}


@pytest.fixture(params=["local", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A bus with empty topics of four partitions."""
    async with either_world(request, TOPICS, CONFIG) as made:
        yield made


def has_taken(stage: Copy, records: int) -> bool:
    return len(stage.taken) == records


def numbers(first: int, last: int) -> list[bytes]:
    return [b"%d" % n for n in range(first, last)]


async def test_records_of_a_key_stay_in_one_partition_and_in_order(world: World) -> None:
    """The order of a key is kept from the publisher through a lane to the reader of its output."""
    sent = [(b"subject-%d" % (n % 37), b"%d" % n) for n in range(500)]
    await world.bus.publish([Outgoing(world.name("in"), key, value) for key, value in sent])
    stage = Copy(world)
    worker = world.worker(stage, max_records=50)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 500, worker)
    got: dict[bytes | None, list[bytes | None]] = defaultdict(list)
    homes: dict[bytes | None, set[int]] = defaultdict(set)
    for partition, end in (await world.bus.ends(world.name("in"))).items():
        await shows(partial(count, world, partition), end)
        for record in await world.read("out", partition):
            got[record.key].append(record.value)
            homes[record.key].add(partition)
    assert got == {key: [v for k, v in sent if k == key] for key, _ in sent}
    assert {len(home) for home in homes.values()} == {1}
    assert len(set().union(*homes.values())) == 4


async def test_a_batch_that_was_not_committed_comes_again(world: World) -> None:
    """A failed step leaves no trace; the next member of the group gets the same records, then goes on."""
    await world.publish("in", numbers(0, 25))
    failing, heir = Copy(world), Copy(world)
    worker = world.worker(failing)
    await worker.start()
    await step_until(lambda: len(failing.taken) == 10, worker)
    failing.fail = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        await step_until(lambda: False, worker)
    await shows(lambda: world.positions(), {0: 10})
    await shows(lambda: world.values("out"), numbers(0, 10))
    await worker.stop()
    second = world.worker(heir)
    await second.start()
    await step_until(lambda: len(heir.taken) == 15, second)
    assert [record.value for record in heir.taken] == numbers(10, 25)
    await shows(lambda: world.values("out"), numbers(0, 25))


async def test_outputs_and_position_become_visible_together(world: World) -> None:
    """After every commit the committed position and the outputs say the same."""
    await world.publish("in", numbers(0, 30))
    stage = Copy(world)
    worker = world.worker(stage)
    await worker.start()
    for taken in (10, 20, 30):
        await step_until(partial(has_taken, stage, taken), worker)
        await shows(lambda: world.positions(), {0: taken})
        await shows(lambda: world.values("out"), numbers(0, taken))


async def test_a_commit_that_fails_half_way_publishes_nothing(world: World, request: pytest.FixtureRequest) -> None:
    """Outputs that reached one partition stay invisible, to readers and to lanes, when another refuses its part."""
    if "local" in request.node.callspec.id:
        request.applymarker(pytest.mark.xfail(strict=True, reason="the in-process bus has no limit on record size"))

    class Excessive(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
            outputs = list(await super().step(batch, tx))
            return [*outputs, Outgoing(self.world.name("small"), b"k", bytes(17_000_000), 0)]

    await world.publish("in", numbers(0, 10))
    stage = Excessive(world)
    lane = await world.lane(stage)
    with pytest.raises(RecordTooLarge, match=r"max\.message\.bytes"):
        await step_until(lambda: len(stage.taken) > 0, lane)
    assert await world.values("out") == []
    heir = Copy(world)
    second = await world.lane(heir, reader="heir")
    await step_until(lambda: len(heir.taken) == 10, second)
    await shows(lambda: world.values("out"), numbers(0, 10))
    await second.close()
    downstream = Copy(world, "small")
    further = world.worker(downstream, group="h", topic="out", max_records=100)
    await further.start()
    await step_until(lambda: len(downstream.taken) >= 10, further)
    assert [record.value for record in downstream.taken] == numbers(0, 10)


async def test_outputs_that_are_drawn_become_visible_together(world: World) -> None:
    """They are under way while the next are made; an error on the way leaves no trace of them."""

    class Drawing(Copy):
        broken = False

        async def step(self, batch: Batch, tx: None) -> LazyOutputs:  # type: ignore[override]
            return LazyOutputs(self.parts([*await super().step(batch, tx)]))

        def parts(self, outputs: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
            yield outputs[:4]
            yield []
            if self.broken:
                raise ValueError("no more")
            yield outputs[4:]

    await world.publish("in", numbers(0, 20))
    stage = Drawing(world)
    lane = await world.lane(stage)
    await step_until(lambda: len(stage.taken) == 10, lane)
    stage.broken = True
    with pytest.raises(ValueError, match="no more"):
        await step_until(lambda: False, lane)
    await shows(lambda: world.values("out"), numbers(0, 10))
    heir = Drawing(world)
    second = await world.lane(heir, reader="heir")
    await step_until(lambda: len(heir.taken) == 10, second)
    await shows(lambda: world.values("out"), numbers(0, 20))
    await second.close()


async def test_an_owner_that_was_replaced_cannot_commit(world: World) -> None:
    """While a step runs, another owner takes the partition over: the step's outputs stay invisible."""
    fence = world.bus.fence(world.prefix + "g")
    heir = Copy(world)

    class Overtaken(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
            second = await world.lane(heir, reader="heir")
            await step_until(lambda: len(heir.taken) == 10, second)
            await second.close()
            return await super().step(batch, tx)

    await world.publish("in", numbers(0, 10))
    lane = await world.lane(Overtaken(world))
    with pytest.raises(Fenced):
        await step_until(lambda: False, lane)
    await shows(lambda: world.values("out"), numbers(0, 10))
    owner = await fence.acquire(world.at("in"))
    assert await owner.position() == 10
    await owner.close()


async def test_a_batch_that_does_not_begin_at_the_position_is_refused(world: World) -> None:
    """An owner commits consecutive batches only."""
    owner, stage = await world.bus.fence(world.prefix + "g").acquire(world.at("in")), Copy(world)
    assert await owner.position() is None
    await owner.commit(Batch(world.at("in"), (), 0, 5, None, 0), stage)
    with pytest.raises(Gap):
        await owner.commit(Batch(world.at("in"), (), 7, 9, None, 0), stage)
    await owner.close()
    await shows(lambda: world.positions(), {0: 5})


async def test_a_group_that_has_lost_its_offsets_goes_on_where_its_outputs_end(world: World) -> None:
    """Kafka forgets idle groups; what was published is not published a second time, and nothing is left out."""
    for partition in range(4):
        await world.publish("in", numbers(0, 25), partition)
    stage, heir = Copy(world), Copy(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 100, worker)
    await worker.stop()
    await shows(lambda: world.positions(), dict.fromkeys(range(4), 25))
    await world.forget()
    await shows(lambda: world.positions(), {})
    for partition in range(3):
        await world.publish("in", numbers(25, 30), partition)
    second = world.worker(heir)
    await second.start()
    await step_until(lambda: len(heir.taken) == 15, second)
    for partition in range(4):
        await shows(partial(world.values, "out", partition), numbers(0, 30 if partition < 3 else 25))
    await shows(lambda: world.positions(), dict.fromkeys(range(3), 30))  # and the group has offsets again


async def test_a_group_loses_its_offsets_while_another_keeps_its_own(world: World) -> None:
    """Positions are kept by group and partition; a group that never came goes on from nowhere."""
    await world.publish("in", numbers(0, 10))
    for group in ("g", "h"):
        stage = Copy(world)
        worker = world.worker(stage, group=group, max_records=4)
        await worker.start()
        await step_until(partial(has_taken, stage, 10), worker)
        await worker.stop()
    await world.forget("g")
    for group, position in (("g", 10), ("h", 10), ("never", None)):
        owner = await world.bus.fence(world.prefix + group).acquire(world.at("in"))
        assert await owner.position() == position
        await owner.close()


async def test_a_record_where_its_key_does_not_belong_is_refused(world: World) -> None:
    """A producer with another partitioner is told which one is right; the records of others go on."""
    keys = [b"acme/s-%d" % n for n in range(40)]
    await world.bus.publish([Outgoing(world.name("in"), key, key) for key in keys])
    await world.bus.publish(
        [Outgoing(world.name("in"), key, b"astray", (partition_of(key, 4) + 1) % 4) for key in keys]
    )
    await world.bus.publish([Outgoing(world.name("in"), None, b"keyless", 2)])
    stage = Copy(world)
    worker = world.worker(stage, by_key=True)
    await worker.start()
    await step_until(lambda: sum((at or 0) for at in worker.positions.values()) == 81, worker)
    assert sorted(record.value or b"" for record in stage.taken) == sorted([*keys, b"keyless"])
    refused = 0
    for partition in range(4):
        await shows(
            partial(count, world, partition), sum(partition_of(key, 4) == partition for key in keys) + (partition == 2)
        )
        for record in await world.read("in.dlq", partition):
            said = read_dead_letter(record)
            assert (record.value, said.reason, said.source_partition) == (b"astray", "wrong_partition", partition)
            assert "murmur2" in said.message
            assert "partitioner=murmur2_random" in said.message
            refused += 1
    assert refused == 40


async def test_partitions_that_are_added_end_the_process_before_it_misses_one(world: World) -> None:
    """Readers see new partitions minutes later or never: whoever works with the topic stops with one sentence."""
    worker = world.worker(Copy(world))
    await worker.start()
    (running_worker,) = await running(worker)
    await world.publish("in", numbers(0, 5))
    await shows(lambda: world.positions(), {0: 5})
    await world.grow("in", 6)
    with pytest.raises(TopicChanged, match=r"in had 4 partitions when this process started and has 6 now"):
        await asyncio.wait_for(running_worker, 60)
    await worker.stop()


async def test_a_record_of_an_added_partition_count_is_not_refused(world: World) -> None:
    """Where the count was six already, four was wrong and not the record: nothing of the batch is committed."""
    worker = world.worker(Copy(world), by_key=True)
    await worker.start()
    await step_until(lambda: all(at is not None for at in worker.positions.values()), worker)
    await world.grow("in", 6)
    moved = next(key for n in range(100) if partition_of(key := b"k%d" % n, 6) == 1 != partition_of(key, 4))
    await world.publish("in", [b"v"], 1, moved)
    with pytest.raises(TopicChanged):
        await step_until(lambda: False, worker)
    assert await world.positions() == {}
    assert await world.read("in.dlq", 1) == []


async def test_a_topic_made_anew_under_a_running_worker_ends_it(world: World) -> None:
    """Offsets mean other records then, and what lies below the position would be passed over in silence."""
    worker = world.worker(Copy(world))
    await worker.start()
    (running_worker,) = await running(worker)
    await world.publish("in", numbers(0, 5))
    await shows(lambda: world.positions(), {0: 5})
    await world.replace("in")
    with pytest.raises(TopicChanged, match=r"in was deleted"):
        await asyncio.wait_for(running_worker, 60)
    await worker.stop()


async def test_a_topic_made_anew_is_refused_until_it_is_accepted(world: World) -> None:
    """However long ago it was, and however long the new one is: its first records are neither skipped nor passed off
    as those that were read.
    """
    await world.publish("in", numbers(0, 5))
    stage = Copy(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 5, worker)
    await worker.stop()
    await world.replace("in")
    await world.restart()
    await world.publish("in", numbers(100, 120))
    refused = world.worker(Copy(world))
    await refused.start()
    with pytest.raises(TopicReplaced, match=r"in/0 was read of a topic with id .*PROOFWATCH_ACCEPT_NEW_TOPICS=.*in="):
        await step_until(lambda: False, refused)
    await refused.stop()
    await world.restart(accept="in")
    anew = Copy(world)
    accepting = world.worker(anew)
    await accepting.start()
    await step_until(lambda: len(anew.taken) == 20, accepting)
    assert [record.value for record in anew.taken] == numbers(100, 120)
    await accepting.stop()
    await world.restart()  # what was accepted is what is read from now on
    last = Copy(world)
    after = world.worker(last)
    await after.start()
    await world.publish("in", [b"last"])
    await step_until(lambda: len(last.taken) == 1, after)
    assert last.taken[0].value == b"last"


async def count(world: World, partition: int) -> int:
    """How many records have come out of a partition."""
    return len(await world.read("out", partition))


async def running(*workers: Worker[None]) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(worker.run()) for worker in workers]


async def test_members_of_a_group_share_the_partitions(world: World) -> None:
    """Two members have two partitions each, different ones, and every record is taken once."""
    one, two = Copy(world), Copy(world)
    first, second = world.worker(one), world.worker(two)
    await first.start()
    tasks = await running(first)
    await second.start()
    tasks += await running(second)
    await eventually(lambda: len(first.positions) == len(second.positions) == 2)
    assert not set(first.positions) & set(second.positions)
    for partition in range(4):
        await world.publish("in", numbers(0, 20), partition)
    await eventually(lambda: len(one.taken) + len(two.taken) == 80)
    for worker in (first, second):
        await worker.stop()
    await asyncio.gather(*tasks)
    assert (len(one.taken), len(two.taken)) == (40, 40)
    for partition in range(4):
        await shows(partial(world.values, "out", partition), numbers(0, 20))


async def test_ownership_changes_lose_and_repeat_nothing(world: World) -> None:
    """A member joins and leaves while records flow: each comes out once, in order."""
    one, two = Copy(world), Copy(world)
    first, second = world.worker(one, max_records=3), world.worker(two, max_records=3)
    await first.start()
    tasks = await running(first)
    for begin in range(0, 100, 10):
        for partition in range(4):
            await world.publish("in", numbers(begin, begin + 10), partition)
        if begin == 30:
            await second.start()
            tasks += await running(second)
        if begin == 70:
            await second.stop()
    await eventually(lambda: sum(at or 0 for at in first.positions.values()) == 400)
    await first.stop()
    await asyncio.gather(*tasks)
    for partition in range(4):
        await shows(partial(world.values, "out", partition), numbers(0, 100))


async def test_poison_goes_to_the_dead_letter_topic_as_it_was(world: World) -> None:
    """Original bytes, key, headers, partition and time; the headers say what, where and why."""
    poison = b'{"tenant": \xff\xfe'

    class Rejecting(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Output]:  # type: ignore[override]
            outputs = await super().step(batch, tx)
            return [
                Rejection(r, "malformed", "$: must be JSON") if r.value == poison else out
                for r, out in zip(batch.records, outputs, strict=True)
            ]

    where = world.at("in", 2)
    headers = (("traceparent", b"00-ab-cd-01"), ("twice", b"1"), ("twice", b"\x00\xff"))
    await world.bus.publish(
        [
            Outgoing(where.topic, b"t/s", b"good", 2, 1_700_000_000_000),
            Outgoing(where.topic, b"t/s", poison, 2, 1_700_000_000_001, headers),
            Outgoing(where.topic, b"t/s", b"good", 2, 1_700_000_000_002),
        ]
    )
    stage = Rejecting(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 3, worker)
    await shows(lambda: world.values("out", 2), [b"good", b"good"])
    await shows(lambda: world.values("in.dlq", 2), [poison])
    (found,) = await world.read("in.dlq", 2)
    assert (found.key, found.value, found.timestamp_ms) == (b"t/s", poison, 1_700_000_000_001)
    assert found.headers[:3] == headers
    letter = read_dead_letter(found)
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (where.topic, 2, 1)
    assert (letter.stage, letter.reason, letter.message) == (world.prefix + "g", "malformed", "$: must be JSON")
    assert letter.size == len(poison)


@pytest.mark.parametrize(
    ("key", "value"), [(b"", b"v"), (None, b"v"), (b"k", None), (b"k", b""), (None, None), (b"\x00\xff", b"\x00")]
)
async def test_absent_and_empty_keys_and_values_arrive_as_they_were(
    world: World, key: bytes | None, value: bytes | None
) -> None:
    """Absent stays absent and empty stays empty, through publisher and lane; headers and time too."""
    headers = (("h", b""), ("ü", b"\xff"))
    await world.bus.publish([Outgoing(world.name("in"), key, value, 0, 1_700_000_000_000, headers)])
    stage = Copy(world)
    lane = await world.lane(stage)
    await step_until(lambda: len(stage.taken) == 1, lane)
    await shows(lambda: world.values("out"), [value])
    (found,) = await world.read("out")
    assert found == (0, 1_700_000_000_000, key, value, headers)
    await lane.close()


async def test_records_without_key_and_partition_leave_a_lane_in_its_own_partition(world: World) -> None:
    """A lane's outputs do not depend on which process ran it."""

    class Keyless(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
            return [Outgoing(self.out, None, out.value) for out in await super().step(batch, tx)]

    await world.publish("in", numbers(0, 5), 3)
    stage = Keyless(world)
    worker = world.worker(stage)
    await worker.start()
    await step_until(lambda: len(stage.taken) == 5, worker)
    await shows(lambda: world.values("out", 3), numbers(0, 5))


async def test_a_record_of_ten_megabytes_passes(world: World) -> None:
    """Large records go through publisher, lane and dead-letter topic unharmed, between small ones."""
    large = bytes(range(256)) * 40_960

    class Refusing(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Output]:  # type: ignore[override]
            await super().step(batch, tx)
            return [Rejection(r, "malformed", "$: too long") for r in batch.records]

    await world.publish("in", [b"before", large, b"after"])
    copying, refusing = Copy(world), Refusing(world)
    first, second = await world.lane(copying), await world.lane(refusing, group="h", reader="s")
    await step_until(lambda: len(copying.taken) == len(refusing.taken) == 3, first, second)
    await shows(lambda: world.values("out"), [b"before", large, b"after"])
    await shows(lambda: world.values("in.dlq"), [b"before", large, b"after"])
    await first.close()
    await second.close()


async def test_idle_batches_may_publish_and_leave_the_position_alone(world: World) -> None:
    """A quiet partition still moves time on; an idle batch is a commit like any other, without records."""

    class Beat(Copy):
        async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
            await super().step(batch, tx)
            return [Outgoing(self.out, b"k", b"beat", 0)]

    stage = Beat(world)
    lane = await world.lane(stage)
    before_ms = SystemClock().now_ms()
    async with asyncio.timeout(60):
        while not stage.batches or stage.batches[-1].progress_ms is None:  # nothing is known before the first answer
            assert await lane.step(idle=True) == 0
    batch = stage.batches[-1]
    assert (list(batch.records), batch.position_before, batch.position_after) == ([], 0, 0)
    assert batch.progress_ms is not None
    assert before_ms - 2000 <= batch.progress_ms <= batch.now_ms
    await shows(lambda: world.values("out"), [b"beat"] * len(stage.batches))
    assert await world.positions() == {}
    await lane.close()


async def test_history_ends_where_the_lane_begins(world: World) -> None:
    """A stage that starts anew can look back from its position, from a point in time on, and no further."""
    start_ms = 1_700_000_000_000
    for n in range(0, 40, 10):
        await world.bus.publish(
            [Outgoing(world.name("in"), b"k", b"%d" % m, 0, start_ms + m) for m in range(n, n + 10)]
        )
    lane = await world.lane(Copy(world))
    await step_until(lambda: (lane.position or 0) >= 20, lane)
    await lane.close()
    heir = Copy(world)
    second = await world.lane(heir, reader="heir")
    await step_until(lambda: len(heir.histories) == 1, second)
    (history,) = heir.histories

    async def since(timestamp_ms: int) -> list[bytes | None]:
        return [record.value async for records in history.since(timestamp_ms) for record in records]

    seen = heir.batches[0].position_before if heir.batches else (second.position or 0)
    assert await since(start_ms + 5) == numbers(5, seen)
    assert await since(0) == numbers(0, seen)
    assert await since(start_ms + 1000) == []
    await second.close()


async def test_positions_are_contiguous_where_offsets_are_not(world: World) -> None:
    """A topic written by transactions has holes in its offsets; the batches that read it have none."""
    await world.publish("in", numbers(0, 30))
    first, second = Copy(world), Copy(world, "small")
    writer = world.worker(first, max_records=5)
    reader = world.worker(second, group="h", topic="out", max_records=4)
    await writer.start()
    await reader.start()
    await step_until(lambda: len(second.taken) == 30, writer, reader)
    batches = second.batches
    assert [b.position_before for b in batches[1:]] == [b.position_after for b in batches[:-1]]
    assert [record.value for record in second.taken] == numbers(0, 30)
    await shows(lambda: world.positions("out", "h"), {0: batches[-1].position_after})


async def test_records_without_a_time_get_that_of_the_bus(world: World) -> None:
    """Nobody has to name a time to publish."""
    before_ms = SystemClock().now_ms()
    await world.publish("in", [b"v"])
    (record,) = await world.read("in")
    assert before_ms <= record.timestamp_ms <= SystemClock().now_ms()


async def test_counts_ends_and_positions_are_told(world: World) -> None:
    """Tools can ask for what they need outside any group; a group that never committed has no positions."""
    assert await world.bus.partitions(world.name("in")) == 4
    assert await world.positions() == {}
    await world.publish("in", numbers(0, 7), 1)
    assert await world.bus.ends(world.name("in")) == {0: 0, 1: 7, 2: 0, 3: 0}
    assert [r.value async for r in world.bus.read(world.at("in", 1), 5)] == [b"5", b"6"]


async def test_what_does_not_exist_is_named(world: World) -> None:
    """An unknown topic or partition is an error that names it, never an empty answer."""
    with pytest.raises(UnknownTopic, match="nowhere"):
        await world.bus.partitions("nowhere")
    with pytest.raises(UnknownTopic, match="nowhere"):
        await world.bus.publish([Outgoing("nowhere", b"k", b"v")])
    with pytest.raises(UnknownTopic, match="no partition 4"):
        await world.bus.publish([Outgoing(world.name("in"), b"k", b"v", 4)])
    with pytest.raises(UnknownTopic, match="no partition 9"):
        await anext(world.bus.read(TopicPartition(world.name("in"), 9)))
