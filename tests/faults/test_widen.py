"""`proofwatch topics widen` on a real broker: more partitions without losing anything (docs/partitions.md)."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION, VERDICT
from proofwatch.events.types import Verdict
from services.cli import main
from services.operations.widen import READERS
from services.scorer import app
from tests.support.kafka_broker import KafkaBroker, native_kafka
from tests.unit.scorer.samples import transaction

SUBJECTS = [f"s{n}" for n in range(24)]
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


@pytest.fixture
async def bus(broker: KafkaBroker) -> AsyncIterator[KafkaBus]:
    """The bus as upstream and a reader have it; counts are asked for anew."""
    made = KafkaBus(broker.bootstrap, "test")
    await made.start()
    yield made
    await made.stop()


async def topics_command(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["topics", *arguments])


async def decide(bus: KafkaBus, minute: int, *, until: int) -> None:
    """Publish a failure of every subject, and run the scorer until there are so many verdicts."""
    count = await bus.partitions(HEAD)
    for number, subject in enumerate(SUBJECTS):
        event = transaction(1000 * minute + number, subject, minute, liveness_score=0.1)
        key = f"{event.tenant}/{subject}".encode()
        await bus.publish([Outgoing(HEAD, key, TRANSACTION.encode(event), partition_of(key, count))])
    service = await app.connect(app.Settings.read())
    await service.start()
    running = asyncio.create_task(service.run())
    async with asyncio.timeout(120):
        while len(await verdicts(bus)) < until:
            assert not running.done()
            await asyncio.sleep(0.2)
    await service.stop()
    await running


async def verdicts(bus: KafkaBus) -> list[tuple[int, Verdict]]:
    return [
        (partition, VERDICT.decode(record.value))
        for partition in range(await bus.partitions(topics.VERDICTS))
        async for record in bus.read(TopicPartition(topics.VERDICTS, partition))
    ]


async def work_off(bus: KafkaBus) -> None:
    """What the other readers would do."""

    async def ignore(partitions: frozenset[TopicPartition]) -> None: ...

    for topic, groups in READERS.items():
        for group in groups:
            if group == "scorer":
                continue
            consumer = bus.consumer(group, [topic])
            await consumer.start(ignore, ignore)
            await consumer.announce({TopicPartition(topic, n): end for n, end in (await bus.ends(topic)).items()})
            await consumer.stop()


async def test_more_partitions_lose_nothing_and_forget_nobody(
    bus: KafkaBus, broker: KafkaBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drained, widened with all its partners, restarted: each transaction one verdict, in the partition of its key,
    and a third failure is a third failure wherever the subject is now.
    """
    assert await topics_command("apply", "--partitions", f"{HEAD}=2") == 0
    await decide(bus, 1, until=24)
    await decide(bus, 2, until=48)
    capsys.readouterr()
    assert await topics_command("widen", "--partitions", f"{HEAD}=5") == 1
    assert f"group combine has not worked off {topics.VERDICTS}/0 from 0 on" in capsys.readouterr().err
    await work_off(bus)
    assert await topics_command("widen", "--partitions", f"{HEAD}=5") == 0
    said = capsys.readouterr().out
    assert f"widened: {topics.SUBJECTS} from 2 to 5 partitions" in said
    assert re.search(r"moved: the states of [1-9]\d* subjects", said)
    wide = KafkaBus(broker.bootstrap, "test")
    await wide.start()
    family = [*app.CO_PARTITIONED, f"{HEAD}.dlq", f"{topics.VERDICTS}.dlq"]
    assert {topic: await wide.partitions(topic) for topic in family} == dict.fromkeys(family, 5)
    await decide(wide, 3, until=72)
    found = await verdicts(wide)
    assert set(Counter(verdict.transaction_id for _, verdict in found).values()) == {1}
    assert await topics_command("widen", "--partitions", f"{HEAD}=4") == 1
    assert f"{HEAD} has 5 partitions and cannot have 4: a topic never shrinks" in capsys.readouterr().err
    third = [(at, verdict) for at, verdict in found if verdict.transaction_id.startswith("tx-3")]
    assert {at for at, _ in third} > {2}
    assert all(at == partition_of(f"{each.tenant}/{each.subject_ref}".encode(), 5) for at, each in third)
    assert {each.basis.attempts_before.liveness for _, each in third} == {2}
    await wide.stop()
