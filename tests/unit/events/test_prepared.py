"""A service on a framed wire: schemas are fetched before its stage decodes, and a silent registry decides nothing."""

import json
from collections.abc import AsyncIterator, Sequence

import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.bus.wrappers.prepared import prepared
from proofwatch.events import topics
from proofwatch.events.codec import TALLY, VERDICT
from proofwatch.events.topics import dead_letter_topic
from proofwatch.events.wire import JSON
from proofwatch.events.wire_errors import RegistryUnavailable
from proofwatch.events.wire_framed import frame
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.app import Settings, build_combine
from tests.integration.aggregator.traffic import START, verdict
from tests.unit.bus.stages import Recording
from tests.unit.events.changes import CHANGES, changed
from tests.unit.events.registries import MemoryRegistry
from tests.unit.events.test_wire import AVRO

AT = TopicPartition(topics.VERDICTS, 0)
DEAD = dead_letter_topic(topics.VERDICTS)


async def test_combine_reads_every_form_of_a_verdict_and_writes_the_wires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain JSON, framed JSON, Avro of another release: one tally of all; an unknown id alone is a dead letter."""
    registry = MemoryRegistry()
    reader, framed_json = await registry.wire("avro"), await registry.wire("json")
    optional = next(change for change in CHANGES if change.name == "optional field")
    newer = AVRO["Verdict"]._replace(text=json.dumps(changed(optional)))
    newer_id = await registry.register(newer)
    each = [verdict(number, START) for number in range(4)]
    own = reader.encoder(VERDICT)(each[2])
    values = [
        VERDICT.encode(each[0]),
        framed_json.encoder(VERDICT)(each[1]),
        own,
        frame(newer_id) + reader.encoder(VERDICT)(each[3])[5:] + b"\0",  # the new field is the last, and null
        frame(4711) + own[5:],
    ]
    clock = SimulatedClock()
    bus = LocalBus({topics.TRANSACTIONS: 1, topics.VERDICTS: 1, topics.TALLIES: 1, DEAD: 1}, clock)
    await bus.publish([Outgoing(topics.VERDICTS, b"k", value, 0, 1_000) for value in values])
    service = build_combine(Settings(), bus, load_policy(), clock, reader)
    await service.start()

    registry.down = True
    with pytest.raises(RegistryUnavailable):
        await service.step()
    assert await bus.positions("combine", topics.VERDICTS) == {}
    registry.down = False
    await service.step()

    (tally,) = [record.value or b"" async for record in bus.read(TopicPartition(topics.TALLIES, 0))]
    (dead,) = [record async for record in bus.read(TopicPartition(DEAD, 0))]
    assert tally[0] == 0
    counted = reader.decoder(TALLY)(tally)
    assert sum(cell.counts["transactions"] for cell in counted.cells if not cell.segment_name) == 4
    assert dead.value == values[-1]
    assert dict(dead.headers)["proofwatch.reason"] == b"unknown_schema_id"
    await service.stop()


def test_plain_json_needs_nothing_between_lane_and_stage() -> None:
    """The default adds no call."""
    stage = Recording()

    assert prepared(stage, JSON) is stage


class _Past:
    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        yield [Record(offset, timestamp_ms, b"k", value) for offset, value in enumerate(self.values)]


class _Looking(Recording):
    """Decodes its history when it opens, as stages that remember do."""

    def __init__(self) -> None:
        super().__init__()
        self.past: list[bytes] = []

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        async for records in history.since(0):
            self.past += [record.value or b"" for record in records]


async def test_history_is_made_readable_too() -> None:
    """What a stage reads back when it opens may be by a schema that this process has never met."""
    registry = MemoryRegistry()
    wire, other = await registry.wire("avro"), await registry.wire("json")
    value = other.encoder(VERDICT)(verdict(1, START))
    looking = _Looking()
    stage = prepared(looking, wire)

    await stage.opened(AT, 1, _Past([value]))
    await stage.step(Batch(AT, [], 1, 1, None, 0), None)
    await stage.closed(AT)

    assert [wire.decoder(VERDICT)(each) for each in looking.past] == [verdict(1, START)]
    assert len(looking.batches) == 1
