"""The stage behind its fence, as Faust drives it."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from proofwatch.bus.errors import BusUnavailable, DatabaseAway, DatabaseUnfit, Fenced
from proofwatch.bus.records import Batch, Record, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.adapters import fenced_lanes
from services.aggregator.adapters.fenced_lanes import FencedLanes

AT = TopicPartition("tallies", 0)


class Fence:
    """A fence whose commits fail as they are told to, before or after they became durable."""

    schema = group = "windows"
    pool = None

    def __init__(self, *troubles: tuple[Exception, bool]) -> None:
        self.troubles = list(troubles)
        self.stored: int | None = None
        self.batches: list[Batch] = []

    async def acquire(self, source: TopicPartition) -> "Fence":
        return self

    async def position(self) -> int | None:
        return self.stored

    async def commit(self, batch: Batch, stage: Any) -> None:
        error, durable = self.troubles.pop(0) if self.troubles else (None, True)
        if durable:
            self.batches.append(batch)
            self.stored = batch.position_after
        if error:
            raise error

    async def close(self) -> None:
        """Hold nothing."""


class Stage:
    async def opened(self, *_: Any) -> None: ...

    async def closed(self, *_: Any) -> None: ...


def lanes(fence: Fence, monkeypatch: pytest.MonkeyPatch) -> FencedLanes:
    monkeypatch.setattr(fenced_lanes, "_RETRY_S", (0.0, 0.0))
    return FencedLanes(fence, Stage(), SimulatedClock(7))  # type: ignore[arg-type]  # stand-ins for fence and stage


def records(*offsets: int) -> list[Record]:
    return [Record(offset, 100 + offset, None, b"") for offset in offsets]


async def test_offsets_with_holes_become_batches_whose_positions_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transaction markers leave holes; positions do not have any."""
    fence = Fence()
    made = lanes(fence, monkeypatch)
    await made.apply(AT, records(0, 1, 3))
    await made.apply(AT, records(5, 6))
    assert [(b.position_before, b.position_after) for b in fence.batches] == [(0, 4), (4, 7)]
    assert [b.progress_ms for b in fence.batches] == [103, 106]


@pytest.mark.parametrize("durable", [True, False])
async def test_database_errors_are_retried_until_the_records_are_in_once(
    durable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the lost answer was a yes or a no, the records are stored exactly once."""
    fence = Fence((DatabaseAway("gone"), durable), (DatabaseUnfit("no table"), False))
    made = lanes(fence, monkeypatch)
    await made.apply(AT, records(0, 1))
    await made.apply(AT, records(1, 2))
    assert [[r.offset for r in b.records] for b in fence.batches] == [[0, 1], [2]]


async def test_a_fenced_owner_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has the partition: the error leaves, and ends the process."""
    with pytest.raises(Fenced):
        await lanes(Fence((Fenced("taken over"), False)), monkeypatch).apply(AT, records(0))


async def test_records_in_hand_are_no_rest_and_rest_is_counted_from_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """While records are worked off nothing is asked of the broker, so its silence says nothing."""
    made = lanes(Fence(), monkeypatch)
    assert made.rested_s(AT) == float("inf")
    job = asyncio.ensure_future(made.apply(AT, records(0)))
    await asyncio.sleep(0)
    seen = made.rested_s(AT)
    await job
    assert seen == 0.0 or job.done()
    assert 0.0 <= made.rested_s(AT) < 60.0


async def test_a_kafka_that_is_away_while_the_stage_looks_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The carrier must never see it: it would end the process. /ready names the partition and the error."""
    fence = Fence((KafkaTimeoutError("no offsets"), False), (BusUnavailable("Kafka is away"), False))
    made = lanes(fence, monkeypatch)
    seen: list[str] = []
    close = fence.acquire

    async def acquire(source: TopicPartition) -> Fence:
        seen.extend(made.unready())
        return await close(source)

    monkeypatch.setattr(fence, "acquire", acquire)
    await made.apply(AT, records(0))
    assert [said.split(": ")[:3] for said in seen] == [
        ["tallies/0", "the last attempt failed", "KafkaTimeoutError"],
        ["tallies/0", "the last attempt failed", "BusUnavailable"],
    ]
    assert not made.unready()
