"""Devices as a process on a real Kafka, killed in the middle of its work."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from aiokafka.errors import GroupCoordinatorNotAvailableError

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.topics import DEVICE_PROOFS, SUSPICIONS, kafka_specs
from proofwatch.governance.policy import load_policy
from proofwatch.governance.replica import Replica
from tests.integration.devices.process import NAMES
from tests.support.kafka_broker import KafkaBroker
from tests.unit.devices.samples import Alone, later, outgoing, transaction

ROOT = Path(__file__).parents[3]
PROOFS = 600


def records() -> list[Outgoing]:
    """A dozen handsets that cross the default rule of 20 an hour, repeats, and some without a handset."""
    made: list[Outgoing] = []
    for n in range(PROOFS):
        device = None if n % 50 == 7 else f"d-{n * n % 30}"
        made.append(outgoing(transaction(n, device, n / 12), later(n / 12)))
        if n % 9 == 0:
            made.append(made[-1]._replace(timestamp_ms=later(n / 12)))
    return made


def start(broker: KafkaBroker, suffix: str) -> "subprocess.Popen[bytes]":
    code = [sys.executable, "-m", "tests.integration.devices.process", broker.bootstrap, suffix]
    return subprocess.Popen(code, cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}/libs:{ROOT}"})


async def position(bus: KafkaBus, group: str, topic: str) -> int:
    try:
        return sum((await bus.positions(group, topic)).values())
    except (GroupCoordinatorNotAvailableError, BusUnavailable):
        return 0  # the broker is as young as the test


async def test_a_killed_process_is_succeeded_without_a_suspicion_lost_or_told_twice(kafka_broker: KafkaBroker) -> None:
    """Two SIGKILLs between start and end: the same device proofs and suspicions as undisturbed, byte for byte."""
    specs = {spec.name: spec for spec in kafka_specs()}
    await ensure_topics(kafka_broker.bootstrap, [specs[name] for name in Replica(None).topics])
    suffix = f".{uuid4().hex[:8]}"
    transactions, proofs, suspicions = (
        kafka_broker.create_topic(name + suffix, partitions) for name, partitions in zip(NAMES, (1, 2, 1), strict=True)
    )
    kafka_broker.create_topic(f"{proofs}.dlq", 2)
    given = records()
    alone = Alone(load_policy())
    await alone.work(given)
    expected = await alone.values(DEVICE_PROOFS)
    bus = KafkaBus(kafka_broker.bootstrap, "test")
    await bus.start()
    await bus.publish([each._replace(topic=transactions) for each in given])
    process = start(kafka_broker, suffix)
    try:
        for kill_at in (150, 450):
            while await position(bus, "devices" + suffix, proofs) < kill_at:
                assert process.poll() is None
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = start(kafka_broker, suffix)
        while await position(bus, "devices-rekey" + suffix, transactions) < len(given):
            assert process.poll() is None
            await asyncio.sleep(0.05)
        found = [[r async for r in bus.read(TopicPartition(proofs, partition))] for partition in range(2)]
        end = sum(each[-1].offset + 1 for each in found)
        while await position(bus, "devices" + suffix, proofs) < end:
            assert process.poll() is None
            await asyncio.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert [r.value for partition in found for r in partition] == expected
    raised = [r.value async for r in bus.read(TopicPartition(suspicions, 0))]
    told = await alone.values(SUSPICIONS)
    assert sorted(value or b"" for value in raised) == sorted(told)
    assert len(told) >= 10
    await bus.stop()
