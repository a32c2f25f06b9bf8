"""One rejection path: what a stage hands over becomes a letter in its place, under the one name that there is."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.bus.committed import Committed
from proofwatch.bus.dead_letters.cap import Cap
from proofwatch.bus.dead_letters.letter import dead_letter, read_headers
from proofwatch.bus.errors import Halted
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.lazy_outputs import LazyOutputs, parts_of, passed
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.pipeline import pipeline
from proofwatch.bus.records import Batch, Outgoing, Output, Part, Record, Rejection, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Picky, Recording, written

AT = TopicPartition("in", 0)
NOW_MS = 1_800_000_000_000


def output(number: int, rejected: bool) -> Output:
    if rejected:
        return Rejection(Record(number, number, b"k", b"v%d" % number), "malformed", f"$: {number}")
    return Outgoing("out", b"k", b"%d" % number, 0, number)


@given(st.lists(st.booleans()), st.lists(st.integers(0, 9)))
def test_letters_stand_where_the_rejections_did_however_outputs_are_cut(kinds: list[bool], cuts: list[int]) -> None:
    """Lazy or not, in whatever parts; what observes them counts what is published, and every rejection."""
    outputs = [output(number, rejected) for number, rejected in enumerate(kinds)]
    expected = [dead_letter(each, AT, "g") if isinstance(each, Rejection) else each for each in outputs]
    parts: list[Part] = []
    for part in parts_of(outputs):
        size = cuts[len(parts) % len(cuts)] if cuts else 3
        parts += [part] if isinstance(part, Rejection) else [part[:size], part[size:]]
    assert [*LazyOutputs(parts)] == outputs
    for made in (outputs, LazyOutputs(parts)):
        seen = Committed("in")
        assert written(passed(made, seen.count), AT, "g") == expected
        assert seen.records == Counter(each.topic for each in expected)
        assert seen.rejections == [each for each in outputs if isinstance(each, Rejection)]


def test_nothing_stays_nothing() -> None:
    """A bus tells by it that an idle batch needs no transaction."""
    assert not passed((), Committed("in").count)
    assert not passed([], Committed("in").count)


async def worker(bus: LocalBus, group: str, clock: SimulatedClock) -> Worker[None]:
    settings = LaneSettings(max_records=4, cap=Cap(0, 6))
    made = Worker(bus, ["in"], bus.fence(group), Picky(), settings, clock)
    await made.start()
    return made


@pytest.mark.parametrize("group", ["picky", "another"])
async def test_whatever_a_group_is_called_its_letters_are_found_again_after_a_restart(group: str) -> None:
    """Writing and recalling take the name from one place, the fence: nobody can give two."""
    clock = SimulatedClock(NOW_MS)
    bus = LocalBus({"in": 1, "out": 1, "in.dlq": 1}, clock)
    await bus.publish([Outgoing("in", b"k", b"bad", 0, NOW_MS)] * 8)
    first = await worker(bus, group, clock)
    assert await first.step() == 4
    await first.stop()
    said = [read_headers(record.headers) async for record in bus.read(TopicPartition("in.dlq", 0))]
    assert [each.stage for each in said if each] == [group] * 4
    second = await worker(bus, group, clock)
    with pytest.raises(Halted, match="6 records in a row"):
        await second.step()


class Future(Recording):
    """Rejects what is left."""

    async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
        await super().step(batch, tx)
        return [Rejection(record, "malformed", "$") for record in batch.records]


async def test_each_layer_rejects_what_is_its_own_and_the_limit_counts_them_all() -> None:
    """Where a key belongs goes before when it was, and both before what it says: one rejection for each record."""
    clock = SimulatedClock(NOW_MS)
    bus = LocalBus({"in": 2, "in.dlq": 2}, clock)
    keys = [b"%d" % n for n in range(20)]
    here = next(key for key in keys if partition_of(key, 2) == 0)
    there = next(key for key in keys if partition_of(key, 2) == 1)
    late = NOW_MS + 10**9
    records = [
        Record(0, NOW_MS, here, b"v"),
        Record(1, late, here, b"v"),
        Record(2, late, there, b"v"),
        Record(3, NOW_MS, there, b"v"),
    ]
    settings, inner = LaneSettings(cap=Cap(0, 4)), Future()
    batch = Batch(AT, records, 0, 4, NOW_MS, NOW_MS)
    made = pipeline(inner, bus.fence("g"), bus, settings, by_key=True, future="rejected")
    await made.opened(AT, 0, bus.consumer("g", ["in"]).history(AT, 0))
    with pytest.raises(Halted, match="4 records in a row"):
        [*await made.step(batch, None)]
    free = pipeline(inner, bus.fence("g"), bus, LaneSettings(), by_key=True, future="rejected")
    found = [(out.record.offset, out.reason) for out in await free.step(batch, None) if isinstance(out, Rejection)]
    assert found == [(2, "wrong_partition"), (3, "wrong_partition"), (1, "time_ahead"), (0, "malformed")]
    assert [record.offset for record in inner.batches[-1].records] == [0]


async def test_a_rejection_that_nobody_made_a_letter_of_fails_the_step() -> None:
    """Whoever publishes outputs by another way loses no record in silence."""
    clock = SimulatedClock(NOW_MS)
    bus = LocalBus({"in": 1, "in.dlq": 1}, clock)
    with pytest.raises(AttributeError):
        await bus.publish([output(1, rejected=True)])  # type: ignore[list-item]
