"""Dead letters on a real Kafka: a broken topic halts its reader; what was mended is sent again, once and on record."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from proofwatch.bus.dead_letters.cap import Cap
from proofwatch.bus.errors import Fenced
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.codec import REDRIVE
from proofwatch.events.topics import REDRIVES, TopicSpec
from proofwatch.events.types import Redrive
from proofwatch.runtime import process
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings
from services.operations import dlq, dlq_redrive, dlq_show
from tests.support.kafka_broker import KafkaBroker
from tests.support.on_record import leave_open
from tests.support.processes import ProcessFailed, command

WAIT_S = 60.0
LOOKS = ("--by", "r.mehta", "--reason", "ticket 4711")
CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def _let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_open(monkeypatch)


@dataclass
class Scene:
    """A topic with its dead letters, under names of this test alone."""

    bus: KafkaBus
    bootstrap: str
    source: str

    @property
    def dead(self) -> str:
        return f"{self.source}.dlq"

    @property
    def out(self) -> str:
        return f"{self.source}.out"

    async def publish(self, *values: bytes) -> None:
        headers = (("traceparent", b"00"),)
        await self.bus.publish(
            [Outgoing(self.source, b"t/s", value, 0, 1_700_000_000_000 + n, headers) for n, value in enumerate(values)]
        )

    async def read(self, topic: str) -> list[Record]:
        return [record async for record in self.bus.read(TopicPartition(topic, 0))]

    async def redrives(self) -> list[Redrive]:
        events = [REDRIVE.decode(record.value) for record in await self.read(REDRIVES)]
        return [event for event in events if event.dead_letter_topic == self.dead]

    async def position(self) -> int:
        return (await self.bus.positions(self.source, self.source)).get(0, 0)

    def worker(self, stage: "Picky", max_records: int, bus: KafkaBus | None = None) -> Worker[None]:
        settings = LaneSettings(max_records=max_records, idle_s=0.1, heartbeat_s=0.2, cap=Cap(0.0, 1_000))
        bus = bus or self.bus
        return Worker(bus, [self.source], bus.fence(self.source), stage, settings, CLOCK)

    async def process_all(self, stage: "Picky") -> None:
        """Run a worker until everything on the source has been committed."""
        end = (await self.read(self.source))[-1].offset + 1  # what lies behind it is the marker of a transaction
        worker = self.worker(stage, 200)
        await worker.start()
        running = asyncio.create_task(worker.run())
        await until(lambda: (worker.positions.get(TopicPartition(self.source, 0)) or 0) >= end)
        await worker.stop()
        await running

    async def command(self, *words: str) -> int:
        parser = argparse.ArgumentParser()
        dlq.add_arguments(parser)
        args = parser.parse_args(words)
        return int(await args.act(self.bus, args))


class Picky:
    """Takes what it knows to be good, and dead-letters the rest."""

    def __init__(self, scene: Scene, good: Sequence[bytes] = (b"good",)) -> None:
        self.scene = scene
        self.good = good

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: None) -> Sequence[Output]:
        return [
            Outgoing(self.scene.out, record.key, record.value, 0, record.timestamp_ms, record.headers)
            if record.value in self.good
            else Rejection(record, "malformed", "$: is not JSON")
            for record in batch.records
        ]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.02)


@pytest.fixture
async def scene(kafka_broker: KafkaBroker) -> AsyncIterator[Scene]:
    source = f"dlq-{uuid4().hex[:8]}"
    stamped = {"message.timestamp.type": "LogAppendTime"}
    specs = [TopicSpec(source, 1, {}), TopicSpec(f"{source}.out", 1, {}), TopicSpec(f"{source}.dlq", 1, stamped)]
    compressed = [spec._replace(config={**spec.config, "compression.type": "lz4"}) for spec in specs]
    await ensure_topics(kafka_broker.bootstrap, [*compressed, TopicSpec(REDRIVES, 1, {})])
    bus = KafkaBus(kafka_broker.bootstrap, "test")
    await bus.start()
    yield Scene(bus, kafka_broker.bootstrap, source)
    await bus.stop()


async def test_a_broken_topic_halts_its_process_and_no_restart_drains_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,200 malformed records: exit code 1, one line for the operator, and the position stays short of the cap."""
    monkeypatch.setattr(process, "tune_garbage_collector", lambda: None)  # the test session's own stays as it is
    await scene.publish(b"good", *[b"bad"] * 1_200)

    async def connect(settings: Settings) -> Service:
        bus = KafkaBus(scene.bootstrap, "test")
        await bus.start()
        return Service("picky", [scene.worker(Picky(scene), 250, bus)]).holding(bus.stop)

    positions = []
    for _ in range(2):
        with capture_logs() as logs:
            assert await process._serve("picky", Settings(health_port=0), connect) == 1
        (halted,) = [entry for entry in logs if entry["event"] == "halted"]
        assert halted["log_level"] == "critical"
        assert f"{scene.source}/0: 1,000 records in a row cannot be processed, mostly malformed" in halted["reason"]
        assert "such as offset 1000: $: is not JSON." in halted["reason"]
        assert not any("exc_info" in entry for entry in logs), "one line, no traceback"
        positions.append(await scene.position())
    assert 0 < positions[0] <= 1_000
    assert positions[1] == positions[0]
    assert len(await scene.read(scene.dead)) == positions[0] - 1


async def test_a_mended_record_is_sent_again_and_processed_once(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run changes nothing; then key, bytes, time and headers arrive as they were, and who did it is on record."""
    await scene.publish(b"good", b"new", b"bad")
    await scene.process_all(Picky(scene))
    assert [record.value for record in await scene.read(scene.dead)] == [b"new", b"bad"]
    ends = [await scene.bus.ends(topic) for topic in (scene.source, REDRIVES)]
    first = (
        "redrive",
        scene.source,
        "--operator",
        "r.mehta",
        "--note",
        "deployed",
        "--partition",
        "0",
        "--offset",
        "0",
    )
    assert await scene.command(*first, "--dry-run") == 0
    assert [await scene.bus.ends(topic) for topic in (scene.source, REDRIVES)] == ends
    assert "1 malformed: would be sent" in capsys.readouterr().out

    assert await scene.command(*first) == 0
    assert await scene.command(*first) == 1, "it was sent before"
    said = capsys.readouterr().out
    assert f"1 malformed: sent to {scene.source}" in said
    assert "1 left out: were sent again before" in said
    await scene.process_all(Picky(scene, (b"good", b"new")))
    passed = await scene.read(scene.out)
    assert [record.value for record in passed] == [b"good", b"new"]
    (event,) = await scene.redrives()
    assert (event.operator, event.note, event.partition, event.offset) == ("r.mehta", "deployed", 0, 0)
    assert (passed[1].key, passed[1].timestamp_ms) == (b"t/s", 1_700_000_000_001)
    assert passed[1].headers == (("traceparent", b"00"), ("proofwatch.redrive_id", event.redrive_id.encode()))


async def test_list_and_show_read_the_real_topics(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Since a time, too; that of the refusal, not of the record."""
    await scene.publish(b"good", b"bad", b"bad")
    await scene.process_all(Picky(scene))
    capsys.readouterr()
    for since in ([], ["--since", "1h"]):
        assert await scene.command("list", "--topic", scene.source, "--json", *since) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["topic"], row["reason"], row["count"]) == (scene.dead, "malformed", 2)
        assert row["first"] > "2024"
    assert await scene.command("list", "--topic", scene.source, "--since", "2999-01-01") == 0
    assert capsys.readouterr().out == "no dead letters\n"
    assert await scene.command("show", row["example"], *LOOKS) == 0
    assert f"{scene.source}/0/2 of 2023-11-14T22:13:20.002Z" in capsys.readouterr().out
    with pytest.raises(dlq_show.NotShown, match="there is no record at"):
        await scene.command("show", f"{scene.dead}/0/99", *LOOKS)


async def test_a_redrive_that_was_overtaken_sends_nothing_more(scene: Scene) -> None:
    """Both have read the same records of redrives; only the later one may add to them."""
    await scene.publish(b"bad")
    await scene.process_all(Picky(scene))
    at = TopicPartition(REDRIVES, 0)
    first = await scene.bus.fence(dlq_redrive.GROUP).acquire(at)
    overtaken = dlq_redrive._Chunk(first, 0, CLOCK)
    await overtaken.add((Outgoing(scene.source, b"k", b"twice", 0), Outgoing(scene.out, b"k", b"twice", 0)))
    assert await scene.command("redrive", scene.source, "--operator", "o", "--note", "n") == 0
    with pytest.raises(Fenced):
        await overtaken.commit()
    await first.close()
    assert [record.value for record in await scene.read(scene.source)] == [b"bad", b"bad"]
    assert len(await scene.redrives()) == 1


async def test_the_command_prints_what_was_asked_for_and_nothing_else(scene: Scene) -> None:
    """Its own process, its own connection; standard output is JSON from end to end."""
    await scene.publish(b"bad")
    await scene.process_all(Picky(scene))
    words = ("dlq", "list", "--json", "--topic", scene.source, "--bootstrap", scene.bootstrap)
    (row,) = json.loads(await asyncio.to_thread(command, *words, env={}))
    assert row["example"] == f"{scene.dead}/0/0"


def test_a_broker_that_does_not_answer_is_named() -> None:
    """No traceback."""
    with pytest.raises(ProcessFailed, match=r"Kafka does not answer at 127\.0\.0\.1:1") as failed:
        command("dlq", "list", "--bootstrap", "127.0.0.1:1", env={})
    assert "Traceback" not in str(failed.value)
