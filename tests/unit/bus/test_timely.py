"""Records whose timestamp cannot be so move no time, and no stage sees them."""

from collections.abc import Sequence

import pytest

from proofwatch.bus.dead_letters.letter import read_headers
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.lookback import last_timestamp
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.wrappers.timely import AHEAD_MS, Timely, stamped
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.settings import Settings
from tests.unit.bus.stages import Recording

NOW = 1_772_600_000_000
IN_2099 = 4_102_358_400_000
AT = TopicPartition("in", 0)


async def lane(
    stamps: list[int], *, rejects: bool = True, live: bool = True, ahead_ms: int = AHEAD_MS
) -> tuple[LocalBus, Lane[None], Recording]:
    clock = SimulatedClock(NOW)
    bus = LocalBus({"in": 1, "out": 1, "in.dlq": 1}, clock)
    await bus.publish([Outgoing("in", b"k", b"%d" % n, 0, at) for n, at in enumerate(stamps)])

    async def nothing(_: frozenset[TopicPartition]) -> None:
        """Ignore the assignment."""

    consumer = bus.consumer("reader", ["in"])
    await consumer.start(nothing, nothing)
    stage = Recording()
    settings = LaneSettings(live_progress=live, ahead_ms=ahead_ms)
    made: Lane[None] = Lane(
        AT, consumer, bus.fence("scorer"), Timely(stage, ahead_ms, rejects=rejects), settings, clock
    )
    return bus, made, stage


async def of(bus: LocalBus, topic: str) -> list[tuple[bytes | None, int]]:
    return [(record.value, record.timestamp_ms) async for record in bus.read(TopicPartition(topic, 0))]


@pytest.mark.parametrize("live", [True, False])
async def test_a_record_of_2099_is_refused_and_the_rest_goes_on(live: bool) -> None:
    """Its bytes and its own time are in the dead letter, which lies at a time that a broker takes; time stays here."""
    bus, made, stage = await lane([NOW - 2, IN_2099, NOW - 1], live=live)
    assert await made.step() == 3
    (batch,) = stage.batches
    assert ([record.value for record in batch.records], batch.progress_ms) == ([b"0", b"2"], NOW - 1)
    assert (batch.position_before, batch.position_after) == (0, 3)
    (dead,) = [record async for record in bus.read(TopicPartition("in.dlq", 0))]
    said = read_headers(dead.headers)
    assert said
    assert (dead.value, dead.timestamp_ms, said.timestamp_ms) == (b"1", NOW, IN_2099)
    assert (said.reason, said.stage, said.offset) == ("time_ahead", "scorer", 1)
    assert "10 minutes ahead of the clock" in said.message


async def test_alone_it_moves_no_time_and_holds_nothing_up() -> None:
    """The position goes on; what is known of time is what was known before."""
    bus, made, stage = await lane([IN_2099])
    assert await made.step() == 1
    assert (stage.batches[0].records, stage.batches[0].progress_ms) == ([], None)
    assert await bus.positions("scorer", "in") == {0: 1}


async def test_a_clock_a_few_minutes_fast_makes_nobody_wait() -> None:
    """Its records come now: so they are judged, and so time goes on; in a replay they keep their own time."""
    fast = NOW + AHEAD_MS
    bus, made, stage = await lane([NOW + 5_000, fast])
    await made.step()
    assert [record.timestamp_ms for record in stage.batches[0].records] == [NOW, NOW]
    assert stage.batches[0].progress_ms == NOW
    assert await of(bus, "in.dlq") == []
    _, made, stage = await lane([fast], live=False)
    await made.step()
    assert stage.batches[0].progress_ms == fast


@pytest.mark.parametrize("stamp", [0, -1])
async def test_a_record_without_a_timestamp_moves_no_time_back(stamp: int) -> None:
    """Kafka's CreateTime may be 0 or -1."""
    _, made, stage = await lane([NOW - 3, stamp, NOW - 2])
    await made.step()
    assert stage.batches[0].progress_ms == NOW - 2


async def test_a_stage_whose_records_another_refuses_passes_them_over() -> None:
    """One dead letter is enough."""
    bus, made, stage = await lane([NOW, IN_2099], rejects=False)
    await made.step()
    assert [record.value for record in stage.batches[0].records] == [b"0"]
    assert await of(bus, "in.dlq") == []


async def test_looking_back_believes_no_stamp_of_2099_either() -> None:
    """A restart right after such a record recalls what came before it."""
    bus, made, _ = await lane([NOW - 5_000, NOW - 4_000, IN_2099, -1])
    await made.step()
    consumer = bus.consumer("other", ["in"])
    assert await last_timestamp(consumer.history(AT, 4), NOW, AHEAD_MS) == NOW - 4_000


async def test_how_far_ahead_is_a_setting() -> None:
    """It holds for the lane, for the stage, and for what is said."""
    settings = LaneSettings.of(Settings(time_ahead_seconds=90))
    assert settings.ahead_ms == 90_000
    for stamp, refused in ((NOW + 90_000, False), (NOW + 90_001, True)):
        bus, made, stage = await lane([NOW, stamp], ahead_ms=settings.ahead_ms)
        await made.step()
        assert [record.value for record in stage.batches[0].records] == ([b"0"] if refused else [b"0", b"1"])
        assert len(await of(bus, "in.dlq")) == refused
    (dead,) = [record async for record in bus.read(TopicPartition("in.dlq", 0))]
    said = read_headers(dead.headers)
    assert said
    assert "more than 90 seconds ahead of the clock" in said.message
    consumer = bus.consumer("other", ["in"])
    assert await last_timestamp(consumer.history(AT, 2), NOW, 90_000) == NOW
    assert await last_timestamp(consumer.history(AT, 2), NOW, 90_001) == NOW + 90_001


@pytest.mark.parametrize("looked_at", [True, False])
async def test_a_stage_is_shielded_whoever_made_its_batch(looked_at: bool) -> None:
    """A lane has looked for the newest record already; who cuts its batches anew, or has another limit, has not."""
    stage = Recording()
    records: Sequence[Record] = [Record(n, NOW + 4_000 * n, b"k", b"v") for n in range(2)]
    if looked_at:
        records = stamped(records, NOW, live=True).records
    await Timely(stage, ahead_ms=1_000).step(Batch(AT, records, 0, 2, NOW, NOW), None)
    assert [[record.offset for record in batch.records] for batch in stage.batches] == [[0]]
