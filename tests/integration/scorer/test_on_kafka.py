"""The scorer as its process wires it, on a real Kafka and a real Redis."""

import asyncio
from functools import partial
from uuid import uuid4

import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.topics import kafka_specs
from proofwatch.governance.replica import Replica
from services.scorer import app
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.handlers import recall
from services.scorer.handlers import stage as stage_module
from services.scorer.handlers.subject_states import SubjectStates
from tests.support.kafka_broker import KafkaBroker
from tests.unit.scorer import samples
from tests.unit.scorer.samples import on, record, run, transaction

NAMES = ("VERDICTS", "GUIDANCE", "SUSPICIONS", "SUBJECTS", "STEP_UPS", "SHADOWS", "PATTERN_HITS", "LABEL_REQUESTS")


@pytest.fixture
async def own_names(monkeypatch: pytest.MonkeyPatch, kafka_broker: KafkaBroker) -> tuple[str, ...]:
    """The scorer's topics under names of this test alone, for the broker is shared; governance has its own names."""
    specs = {spec.name: spec for spec in kafka_specs()}
    await ensure_topics(kafka_broker.bootstrap, [specs[name] for name in Replica(None).topics])
    suffix = f".{uuid4().hex[:8]}"
    names = tuple(kafka_broker.create_topic(name + suffix) for name in app.CO_PARTITIONED)
    monkeypatch.setattr(app, "GROUP", app.GROUP + suffix)
    monkeypatch.setattr(app, "TOPICS", names[:1])
    monkeypatch.setattr(app, "CO_PARTITIONED", names)
    for constant, name in zip(NAMES, names[1:], strict=True):
        monkeypatch.setattr(topics, constant, name)
    monkeypatch.setattr(stage_module, "SubjectStates", partial(SubjectStates, topic=topics.SUBJECTS))
    monkeypatch.setattr(samples, "SUBJECTS", topics.SUBJECTS)
    monkeypatch.setattr(recall, "STEP_UPS", topics.STEP_UPS)
    monkeypatch.setattr(samples, "STEP_UPS", topics.STEP_UPS)
    return names


async def test_it_decides_on_kafka_as_in_process_and_goes_on_after_a_restart(
    own_names: tuple[str, ...], kafka_broker: KafkaBroker, redis_url: str
) -> None:
    """From settings alone; verdicts, guidance and suspicions are the same bytes, repeats across the restart too."""
    settings = app.Settings(kafka_bootstrap=kafka_broker.bootstrap, redis_url=redis_url, batch_max_records=17)
    events = [transaction(n % 80, f"s{n % 5}", n % 80, liveness_score=0.1 if n % 5 else 0.999) for n in range(100)]
    records = [record(n, event) for n, event in enumerate(events)]
    source = TopicPartition(own_names[0], 0)
    expected = await run(MemorySubjects(10**6), records)
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
        assert not service.unready()
        await service.stop()
        await running
    for topic in sorted({*own_names[1:]} - {topics.SUBJECTS}):
        found = [r async for r in bus.read(TopicPartition(topic, 0))]
        assert [r.value for r in found] == on(topic, expected)
        assert [r.timestamp_ms for r in found] == [out.timestamp_ms for out in expected if out.topic == topic]
    await bus.stop()
