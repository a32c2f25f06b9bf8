"""The lane: fence, position, step, commit, and what happens when one of them fails."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count

import pytest

from proofwatch.bus.errors import Blocked, DatabaseAway, Fenced, Gap, Stuck
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.patience import goes_on
from proofwatch.bus.port import Consumer
from proofwatch.bus.records import Batch, Outgoing, Output, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Recording, until

AT = TopicPartition("in", 0)
READERS = count()


async def nothing(partitions: frozenset[TopicPartition]) -> None:
    """Ignore the assignment."""


async def reader(bus: LocalBus) -> Consumer:
    """A reader that holds the partition whatever others do: only the fence decides who may commit."""
    consumer = bus.consumer(f"reader-{next(READERS)}", ["in"])
    await consumer.start(nothing, nothing)
    return consumer


async def make(
    count: int, stage: Recording, settings: LaneSettings | None = None, now_ms: int = 50_000
) -> tuple[LocalBus, Lane[None]]:
    clock = SimulatedClock(now_ms)
    bus = LocalBus({"in": 1, "out": 1}, clock)
    await bus.publish([Outgoing("in", b"k", b"%d" % i, 0, 1000 + i) for i in range(count)])
    lane = Lane(AT, await reader(bus), bus.fence("g"), stage, settings or LaneSettings(max_records=4), clock)
    return bus, lane


async def values(bus: LocalBus, topic: str = "out") -> list[bytes | None]:
    return [record.value async for record in bus.read(TopicPartition(topic, 0))]


async def test_batches_are_contiguous_and_end_at_the_committed_position() -> None:
    """position_before of a batch is position_after of the one before, and the last one is committed."""
    stage = Recording()
    bus, lane = await make(10, stage)
    assert [await lane.step() for _ in range(4)] == [4, 4, 2, 0]
    assert [(b.position_before, b.position_after) for b in stage.batches] == [(0, 4), (4, 8), (8, 10)]
    assert await bus.positions("g", "in") == {0: 10}
    assert await values(bus) == [b"%d" % i for i in range(10)]


async def test_a_failed_step_publishes_nothing_and_the_same_records_come_again() -> None:
    """After an error the owner is dropped, the stage opened anew at the committed position."""
    stage = Recording(fail=lambda batch: ValueError("no") if len(stage.batches) == 2 else None)
    bus, lane = await make(8, stage)
    await lane.step()
    with pytest.raises(ValueError, match="no"):
        await lane.step()
    assert lane.unready() == ["in/0: not owned by this process now"]
    assert await values(bus) == [b"0", b"1", b"2", b"3"]
    assert await lane.step() == 4
    assert [told[0] for told in stage.told] == ["opened", "opened"]
    assert stage.told[1][2] == 4
    assert await values(bus) == [b"%d" % i for i in range(8)]


async def test_a_newer_owner_fences_the_older() -> None:
    """The older lane's commit raises and leaves no trace."""
    stage, twin = Recording(), Recording()
    bus, lane = await make(8, stage)
    await lane.step()
    other = Lane(AT, await reader(bus), bus.fence("g"), twin, LaneSettings(max_records=4), SimulatedClock())
    await other.step()
    with pytest.raises(Fenced):
        await lane.step()
    assert await values(bus) == [b"%d" % i for i in range(8)]


async def test_a_batch_ends_with_a_span_of_time_but_not_before_it_has_a_few_records() -> None:
    """Of records that are 1 ms apart: batches of 3 ms, of 4 records at least, and the last is what is left."""
    stage = Recording()
    bus, lane = await make(10, stage, LaneSettings(span_ms=3))
    assert [await lane.step() for _ in range(5)] == [3, 3, 3, 1, 0]
    assert [(b.position_before, b.position_after, b.progress_ms) for b in stage.batches] == [
        (0, 3, 1002),
        (3, 6, 1005),
        (6, 9, 1008),
        (9, 10, 1009),
    ]
    assert await values(bus) == [b"%d" % i for i in range(10)]
    _, lane = await make(10, Recording(), LaneSettings(span_ms=3, span_least=4))
    assert [await lane.step() for _ in range(4)] == [4, 4, 2, 0]


async def test_a_batch_ends_with_a_size_but_has_one_record_at_least() -> None:
    """Values of one byte each, and one that alone is larger than a batch may be."""
    bus, lane = await make(5, Recording(), LaneSettings(max_bytes=2))
    await bus.publish([Outgoing("in", b"k", b"large", 0, 2_000), Outgoing("in", b"k", None, 0, 2_000)])
    assert [await lane.step() for _ in range(6)] == [2, 2, 1, 1, 1, 0]


async def test_what_was_left_of_a_fetch_is_read_again_by_the_next_owner() -> None:
    """After a failure nothing is taken from what was fetched before: the positions are those of the fence."""
    stage = Recording(fail=lambda batch: ValueError("no") if len(stage.batches) == 2 else None)
    bus, lane = await make(6, stage, LaneSettings(span_ms=2))
    await lane.step()
    with pytest.raises(ValueError, match="no"):
        await lane.step()
    assert [await lane.step() for _ in range(3)] == [2, 2, 0]
    assert [(b.position_before, b.position_after) for b in stage.batches] == [(0, 2), (2, 4), (2, 4), (4, 6)]
    assert await values(bus) == [b"%d" % i for i in range(6)]


async def test_progress_is_the_newest_record_timestamp_and_never_falls() -> None:
    """A record with an older timestamp does not move time back."""
    stage = Recording()
    bus, lane = await make(2, stage, LaneSettings(max_records=1, live_progress=False))
    await bus.publish([Outgoing("in", b"k", b"late", 0, 5)])
    for _ in range(3):
        await lane.step()
    await lane.step(idle=True)
    assert [b.progress_ms for b in stage.batches] == [1000, 1001, 1001, 1001]


async def test_idle_batches_follow_the_clock_only_in_live_mode() -> None:
    """Live, progress trails the clock by the idle time; in a replay nothing is known before the first record."""
    live, replay = Recording(), Recording()
    _, lane = await make(0, live, LaneSettings(idle_s=2.0))
    await lane.step(idle=True)
    _, lane = await make(0, replay, LaneSettings(idle_s=2.0, live_progress=False))
    await lane.step(idle=True)
    assert [(b.progress_ms, b.records, b.position_before, b.position_after) for b in live.batches] == [
        (48_000, [], 0, 0)
    ]
    assert replay.batches[0].progress_ms is None


async def test_without_idle_an_empty_partition_costs_the_stage_nothing() -> None:
    """A step without records and without idle hands over nothing."""
    stage = Recording()
    _, lane = await make(0, stage)
    assert await lane.step() == 0
    assert stage.batches == []


async def test_closing_lets_the_stage_forget_the_partition_once() -> None:
    """closed is told after opened, once, even when close is called twice; a closed lane takes nothing."""
    stage = Recording()
    _, lane = await make(1, stage)
    await lane.step()
    await lane.close()
    await lane.close()
    assert [told[0] for told in stage.told] == ["opened", "closed"]
    assert await lane.step() == 0


async def test_a_running_lane_recovers_from_errors_by_itself() -> None:
    """An error in the stage is answered with a new owner; the records are processed once."""
    stage = Recording(fail=lambda batch: ConnectionError("away") if len(stage.batches) == 1 else None)
    bus, lane = await make(3, stage, LaneSettings(idle_s=0.01))
    lane.start()
    await until(lambda: len(bus.log(TopicPartition("out", 0)).records) == 3)
    await lane.close()
    assert await values(bus) == [b"0", b"1", b"2"]


async def test_a_lane_that_fails_says_at_ready_what_it_failed_with() -> None:
    """ "Not owned" alone sends an operator to the consumer group when it is the broker that is away."""
    stage = Recording(fail=lambda batch: ConnectionError("broker is away") if len(stage.batches) < 3 else None)
    _, lane = await make(3, stage, LaneSettings(idle_s=0.01))
    lane.start()
    said = "in/0: not owned by this process now; the last attempt failed: ConnectionError: broker is away"
    await until(lambda: lane.unready() == [said])
    await until(lambda: not lane.unready())
    await lane.close()


async def test_a_batch_that_is_not_committed_for_seconds_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that went away in the middle of a transaction keeps the lane waiting, and /ready does not hide it."""
    monkeypatch.setattr("proofwatch.bus.lanes.lane._SLOW_S", 0.0)
    held = asyncio.Event()

    class Slow(Recording):
        async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
            await held.wait()
            return await super().step(batch, tx)

    stage = Slow()
    _, lane = await make(3, stage, LaneSettings(idle_s=0.01))
    lane.start()
    await until(lambda: lane.unready() == ["in/0: a batch has been in hand for 0 s and is not committed"])
    monkeypatch.undo()
    held.set()
    await until(lambda: len(stage.batches) > 0 and not lane.unready())
    await lane.close()


async def test_a_lane_without_any_success_gives_up() -> None:
    """When nothing has succeeded for stuck_s, run raises Stuck with the last error in its message."""
    stage = Recording(fail=lambda batch: ConnectionError("away"))
    _, lane = await make(3, stage, LaneSettings(stuck_s=0.0))
    with pytest.raises(Stuck, match=r"in/0.*ConnectionError: away"):
        await lane.run()


@pytest.mark.parametrize("kind", [DatabaseAway, Blocked])
async def test_a_database_or_a_repair_is_waited_for_without_end(kind: type[Exception]) -> None:
    """No success for longer than `stuck_s` ends the process, but not what passes, or what only an operator ends."""
    stage = Recording(fail=lambda batch: kind("PostgreSQL at db is away") if len(stage.batches) < 3 else None)
    bus, lane = await make(4, stage, LaneSettings(stuck_s=-1.0, idle_s=0.01))
    task = lane.start()
    await until(lambda: lane.unready() == ["PostgreSQL at db is away"])
    await until(lambda: not lane.unready())
    assert not task.done()
    await lane.close()
    assert await values(bus) == [b"0", b"1", b"2", b"3"]


async def test_a_lingering_lane_gathers_records_but_never_holds_up_full_batches() -> None:
    """Full batches follow one another at once; what comes after one that was not full comes together."""
    stage = Recording()
    bus, lane = await make(10, stage, LaneSettings(max_records=4, idle_s=0.01, linger_s=0.5))
    lane.start()
    await until(lambda: len(stage.batches) >= 3)
    for n in range(10, 14):
        await bus.publish([Outgoing("in", b"k", b"%d" % n, 0, 1000 + n)])
        await asyncio.sleep(0)
    await until(lambda: lane.position == 14)
    await lane.close()
    assert [len(each.records) for each in stage.batches if each.records] == [4, 4, 2, 4]


async def test_a_transaction_that_takes_too_long_is_given_up() -> None:
    """The cap in time per transaction ends a step that hangs; nothing of it is committed."""

    class Hanging(Recording):
        async def step(self, batch: Batch, tx: object) -> list[Outgoing]:
            await asyncio.Event().wait()
            return []

    bus, lane = await make(3, Hanging(), LaneSettings(step_timeout_s=0.01, stuck_s=0.0))
    with pytest.raises(Stuck, match="TimeoutError"):
        await lane.run()
    assert await bus.positions("g", "in") == {}


async def test_a_transaction_that_goes_on_is_not_given_up() -> None:
    """A backlog closes thousands of windows at once: the cap counts from the last sign that the step works on."""

    class Long(Recording):
        async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
            for _ in range(4 if batch.records else 0):
                time.sleep(0.4)  # noqa: ASYNC251 - it computes: nobody else has a turn
                goes_on()
                await asyncio.sleep(0)
            return await super().step(batch, tx)

    bus, lane = await make(3, Long(), LaneSettings(step_timeout_s=1.0, stuck_s=0.0))
    lane.start()
    await until(lambda: lane.position == 3)
    await lane.close()
    assert await bus.positions("g", "in") == {0: 3}


async def test_a_lane_that_is_stepped_takes_as_long_as_it_takes() -> None:
    """A scheduler on a starved machine loses nothing by waiting: no cap in time ends its run."""

    class Slow(Recording):
        async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
            await asyncio.sleep(0.02)
            return await super().step(batch, tx)

    bus, lane = await make(3, Slow(), LaneSettings(step_timeout_s=0.0))
    assert await lane.step() == 3
    assert await bus.positions("g", "in") == {0: 3}


async def test_records_lost_to_retention_are_refused_unless_allowed() -> None:
    """A committed position that the source no longer holds is a Gap; skip_lost begins at what is left."""
    stage = Recording()
    bus, lane = await make(6, stage, LaneSettings(max_records=2))
    await lane.step()
    log = bus.log(AT)
    del log.records[:4]
    log.base = 4
    again = Lane(AT, await reader(bus), bus.fence("g"), stage, LaneSettings(), SimulatedClock())
    with pytest.raises(Gap, match="position 2 is committed but the earliest record left is 4"):
        await again.step()
    allowed = Lane(AT, await reader(bus), bus.fence("g"), stage, LaneSettings(skip_lost=True), SimulatedClock())
    assert await allowed.step() == 2
    assert await bus.positions("g", "in") == {0: 6}
