"""The combine stage, without a bus."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from proofwatch.bus.newest import newest_of
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.postgres.outbox import EmptyHistory
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TALLY, VERDICT
from proofwatch.events.types import Device, Tally
from services.aggregator.handlers.combine import CombineStage
from tests.integration.aggregator.traffic import START, verdict
from tests.unit.bus.stages import written

SOURCE = TopicPartition(topics.VERDICTS, 3)
GRACE_MS = 30_000


@pytest.fixture
async def stage() -> CombineStage:
    async def partitions() -> int:
        return 4

    made = CombineStage(("os",), partitions, grace_ms=GRACE_MS)
    await made.opened(SOURCE, 0, EmptyHistory())
    return made


def batch(values: list[bytes], before: int = 10, after: int = 20, progress_ms: int | None = 5_000) -> Batch:
    records = [Record(before + number, 1_000 + number, b"k", value) for number, value in enumerate(values)]
    return Batch(SOURCE, records, before, after, progress_ms, 9_000)


def tallies(outgoing: Sequence[Outgoing]) -> list[Tally]:
    return [TALLY.decode(each.value) for each in outgoing if each.topic == topics.TALLIES]


async def test_every_partition_gets_exactly_one_tally_of_the_whole_range(stage: CombineStage) -> None:
    """The empty ones too; a tenant's cells are in the partition that its key hashes to, and nowhere else."""
    values = [VERDICT.encode(verdict(n, START, tenant=f"tenant-{n}")) for n in range(8)]
    outgoing = written(await stage.step(batch(values), None), SOURCE, "combine")
    assert sorted(each.partition for each in outgoing if each.partition is not None) == [0, 1, 2, 3]
    assert {each.timestamp_ms for each in outgoing} == {5_000}
    for each, tally in zip(outgoing, tallies(outgoing), strict=True):
        assert (tally.source_topic, tally.source_partition) == SOURCE
        assert (tally.position_before, tally.position_after, tally.progress_at) == (10, 20, 5_000)
        assert {partition_of(cell.tenant.encode(), 4) for cell in tally.cells} <= {each.partition}
    assert sum(cell.counts["transactions"] for t in tallies(outgoing) for cell in t.cells if not cell.segment_name) == 8


async def test_what_counts_something_says_when_its_newest_transaction_was(stage: CombineStage) -> None:
    """So that windows can tell how long it took; what is empty, and what is refused, says nothing."""
    values = [VERDICT.encode(verdict(n, START + timedelta(seconds=second))) for n, second in enumerate((3, 9, 5))]
    outgoing = written(await stage.step(batch([*values, b"{"]), None), SOURCE, "combine")
    newest_ms = round(START.timestamp() * 1000) + 9_000
    counted = [each for each in outgoing if each.topic == topics.TALLIES and TALLY.decode(each.value).cells]
    assert [list(newest_of([Record(0, 0, None, None, each.headers)])) for each in counted] == [[newest_ms]]
    assert len([each for each in outgoing if each.topic == topics.TALLIES and not each.headers]) == 3


async def test_an_idle_batch_reports_time_only_when_a_window_may_close_by_it(stage: CombineStage) -> None:
    """Quiet partitions let windows close the moment they are due, and cost next to nothing in between."""
    assert await stage.step(batch([], 10, 10, None), None) == ()
    assert len(await stage.step(batch([], 10, 10, 6_000), None)) == 4
    reported = [ms for ms in range(7_000, 307_000, 1_000) if await stage.step(batch([], 10, 10, ms), None)]
    due = [minute * 60_000 + GRACE_MS for minute in range(5)]
    assert set(due) <= set(reported), "each minute's end plus the grace, in the second in which it passes"
    assert len(reported) <= 16, "and beside them one every 20 seconds"


async def test_a_jump_of_time_is_reported_once(stage: CombineStage) -> None:
    """A replay, or a partition that was away: what is due by it closes at once."""
    assert len(await stage.step(batch([], 10, 10, 6_000), None)) == 4
    assert len(await stage.step(batch([], 10, 10, 86_400_000), None)) == 4
    assert await stage.step(batch([], 10, 10, 86_400_000), None) == ()


async def test_after_a_failure_time_is_reported_again(stage: CombineStage) -> None:
    """What was returned may never have been committed."""
    await stage.step(batch([], 10, 10, 6_000), None)
    await stage.opened(SOURCE, 10, EmptyHistory())
    assert len(await stage.step(batch([], 10, 10, 6_000), None)) == 4


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", b"malformed"),
        (b'{"schema_version": 9}', b"unknown_schema_version"),
        (VERDICT.encode(verdict(1, datetime(1969, 12, 31, tzinfo=UTC))), b"schema_mismatch"),
        (VERDICT.encode(verdict(1, datetime(9999, 1, 1, tzinfo=UTC))), b"schema_mismatch"),
        (VERDICT.encode(msgspec.structs.replace(verdict(1, START), device=Device(os="i\0s"))), b"schema_mismatch"),
    ],
)
async def test_a_poison_verdict_becomes_a_dead_letter_and_the_range_goes_on(
    stage: CombineStage, value: bytes, reason: bytes
) -> None:
    """Original bytes, a readable reason, and no hole in the positions."""
    outgoing = written(await stage.step(batch([value, VERDICT.encode(verdict(2, START))]), None), SOURCE, "combine")
    dead = [each for each in outgoing if each.topic == f"{topics.VERDICTS}.dlq"]
    assert [(each.value, dict(each.headers)["proofwatch.reason"]) for each in dead] == [(value, reason)]
    found = tallies(outgoing)
    assert [(each.position_before, each.position_after) for each in found] == [(10, 20)] * 4
    assert sum(len(each.cells) for each in found) == 2  # the whole tenant, and its os
