"""The scorer as its process wires it, on a real Kafka and a real Redis."""

import asyncio
from uuid import uuid4

import pytest

from proofwatch.bus.kafka import KafkaBus
from proofwatch.bus.port import Outgoing, TopicPartition
from services.scorer import app, handlers
from services.scorer.adapters.memory import MemoryAttempts
from tests.support.kafka_broker import KafkaBroker
from tests.unit.scorer.samples import on, record, run, transaction


@pytest.fixture
def own_names(monkeypatch: pytest.MonkeyPatch, kafka_broker: KafkaBroker) -> tuple[str, ...]:
    """The four topics under names of this test alone, for the broker is shared."""
    suffix = f".{uuid4().hex[:8]}"
    names = tuple(kafka_broker.create_topic(name + suffix) for name in app.CO_PARTITIONED)
    transactions, verdicts, guidance, suspicions = names
    monkeypatch.setattr(app, "GROUP", app.GROUP + suffix)
    monkeypatch.setattr(app, "TOPICS", (transactions,))
    monkeypatch.setattr(app, "CO_PARTITIONED", names)
    monkeypatch.setattr(handlers, "VERDICTS", verdicts)
    monkeypatch.setattr(handlers, "GUIDANCE_TOPIC", guidance)
    monkeypatch.setattr(handlers, "SUSPICIONS", suspicions)
    return names


async def test_it_decides_on_kafka_as_in_process_and_goes_on_after_a_restart(
    own_names: tuple[str, ...], kafka_broker: KafkaBroker, redis_url: str
) -> None:
    """From settings alone; verdicts, guidance and suspicions are the same bytes, repeats across the restart too."""
    settings = app.Settings(kafka_bootstrap=kafka_broker.bootstrap, redis_url=redis_url, batch_max_records=17)
    events = [transaction(n % 80, f"s{n % 5}", n % 80, liveness_score=0.1 if n % 5 else 0.999) for n in range(100)]
    records = [record(n, event) for n, event in enumerate(events)]
    source = TopicPartition(own_names[0], 0)
    expected = await run(MemoryAttempts(10**6), records)
    bus = KafkaBus(kafka_broker.bootstrap, "test")
    await bus.start()
    for part in (records[:60], records[60:]):
        await bus.publish([Outgoing(source.topic, r.key, r.value, 0, r.timestamp_ms) for r in part])
        service = await app.connect(settings)
        await service.start()
        running = asyncio.create_task(service.run())
        while (await bus.positions(app.GROUP, source.topic)).get(0) != part[-1].offset + 1:
            assert not running.done()
            await asyncio.sleep(0.05)
        assert service.ready()
        await service.stop()
        await running
    for topic in own_names[1:]:
        found = [r async for r in bus.read(TopicPartition(topic, 0))]
        assert [r.value for r in found] == on(topic, expected)
        assert [r.timestamp_ms for r in found] == [out.timestamp_ms for out in expected if out.topic == topic]
    await bus.stop()
