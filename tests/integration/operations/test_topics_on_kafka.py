"""`proofwatch topics` on a real broker: plan, apply and alter."""

import asyncio
from collections.abc import Iterator

import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_admin import topic_admin
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.topics import load_manifests
from services.cli import main
from tests.support.kafka_broker import KafkaBroker, native_kafka

HEAD = topics.TRANSACTIONS


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """A broker of its own: topics have the names of a deployment here."""
    started = native_kafka()
    yield started
    started.close()


@pytest.fixture(autouse=True)
def deployment(broker: KafkaBroker, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the commands read."""
    monkeypatch.setenv("PROOFWATCH_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("PROOFWATCH_REDIS_URL", redis_url)


async def topics_command(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["topics", *arguments])


async def test_apply_says_what_differs_and_changes_it_only_when_told(
    broker: KafkaBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retention that an operator has chosen stops no deployment; what else he has set stays when it is changed."""
    own = {"retention.ms": "60000", "max.compaction.lag.ms": "7000"}
    broker.create_topic(topics.LABELS, load_manifests()[topics.LABELS].partitions, own)
    assert await topics_command("plan", "--partitions", f"{HEAD}=2") == 0
    planned = capsys.readouterr().out
    assert f"to create: {HEAD}, 2 partitions\n" in planned
    assert f"to create: {topics.VERDICTS}.dlq, 2 partitions\n" in planned
    assert f"differs: {topics.LABELS} has retention.ms = 60000, not " in planned
    assert await topics_command("apply", "--partitions", f"{HEAD}=2") == 0
    said = capsys.readouterr()
    assert f" {HEAD}, " in said.out
    assert f"differs: {topics.LABELS} has retention.ms = 60000, not " in said.out
    assert said.err == ""
    assert await topics_command("apply", "--alter", "--partitions", f"{HEAD}=2") == 0
    assert f"changed: {topics.LABELS}: retention.ms = " in capsys.readouterr().out
    assert await topics_command("plan", "--partitions", f"{HEAD}=2") == 0
    assert capsys.readouterr().out == "nothing else to do\n"
    async with topic_admin(broker.bootstrap) as admin:
        kept = (await admin.present([topics.LABELS]))[topics.LABELS].own
    assert kept["max.compaction.lag.ms"] == "7000"
    assert await topics_command("plan") == 0
    wider = capsys.readouterr().out
    assert f"differs: {HEAD} has 2 partitions, not 6; `topics widen` gives it more (docs/partitions.md)" in wider


async def test_publish_sends_exactly_so_many_and_asks_before_it_touches_production(
    broker: KafkaBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    """The count is of what Kafka has acknowledged; each record lies in the partition of its key."""
    assert await topics_command("apply", "--partitions", f"{HEAD}=2") == 0
    capsys.readouterr()
    sending = ["publish", "--simulate", "500", "--rate", "0", "--tenant", "test"]
    assert await asyncio.to_thread(main, sending) == 0
    assert f"500 to {HEAD}" in capsys.readouterr().out
    bus = KafkaBus(broker.bootstrap, "test")
    await bus.start()
    found = [(n, record) for n in range(2) async for record in bus.read(TopicPartition(HEAD, n))]
    assert len(found) == 500
    assert all(n == partition_of(record.key or b"", 2) for n, record in found)
    assert await asyncio.to_thread(main, ["publish", "--tenant", "acme"]) == 1
    assert "tenant acme does not look like a test" in capsys.readouterr().err
    assert sum((await bus.ends(HEAD)).values()) == 500
    assert await asyncio.to_thread(main, ["publish", "--tenant", "acme", "--yes"]) == 0
    assert capsys.readouterr().out == f"acknowledged: 1 to {HEAD}\n"
    await bus.stop()
