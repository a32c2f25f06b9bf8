"""The incident stage on a real PostgreSQL, and as a process on a real Kafka that is killed in the middle."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.detection.findings import WHOLE
from proofwatch.events import codec, topics
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.aggregator.app import Settings, build_incidents
from tests.integration.aggregator.test_windows_on_kafka import Process
from tests.support.kafka_broker import KafkaBroker
from tests.unit.aggregator.incidents.a_log import HORIZON_MS, START_MS, Log, Run, add, log_of, window

DEADLINE_S = 120


def whole(seed: int) -> Log:
    """Return a log after which time goes on a little, for every tenant."""
    log = log_of(seed)
    end_ms = max(record.timestamp_ms for records in log.values() for record in records) + 60_000
    for tenant in ("bank", "telco"):
        add(log, window(WHOLE, 2_000, 1, 1_000, tenant=tenant), end_ms)
    return log


def chunks_of(log: Log, size: int) -> Iterator[list[Outgoing]]:
    """Yield the log in the order of its times; of one time anomalies come first, as windows publishes them."""
    ordered = sorted(
        ((record.timestamp_ms, topic, record) for topic, records in log.items() for record in records),
        key=lambda each: (each[0], each[1], each[2].offset),
    )
    outgoing = [Outgoing(topic, record.key, record.value, timestamp_ms=at_ms) for at_ms, topic, record in ordered]
    for begin in range(0, len(outgoing), size):
        yield outgoing[begin : begin + size]


async def _expected(seed: int) -> Counter[tuple[bytes | None, bytes | None]]:
    run = Run(whole(seed))
    await run.rest()
    return Counter((each.key, each.value) for each in run.output)


@pytest.mark.parametrize(("size", "batch"), [(1_000, 1_000), (7, 3)])
async def test_what_is_stored_says_what_memory_says(postgres_dsn: str, size: int, batch: int) -> None:
    """Whatever the batches, and with processes that come and go: each step may be another one's."""
    await migrate(postgres_dsn)
    counts = {spec.name: spec.partitions for spec in topics.kafka_specs()}
    clock, pool = SimulatedClock(START_MS), await create_pool(postgres_dsn)
    bus, settings = LocalBus(counts, clock), Settings(batch_max_records=batch)
    service = build_incidents(settings, bus, pool, clock)
    await service.start()
    try:
        for number, chunk in enumerate(chunks_of(whole(2), size)):
            await bus.publish(chunk)
            clock.advance_to(max(each.timestamp_ms or 0 for each in chunk))
            if number % 5 == 4:
                await service.stop()
                service = build_incidents(settings, bus, pool, clock)
                await service.start()
            while await service.step():
                pass
        clock.advance_to(clock.now_ms() + 60_000)
        while await service.step(idle=True):
            pass
        told: list[tuple[bytes | None, bytes | None]] = []
        for partition in range(4):
            log = bus.log(TopicPartition(topics.INCIDENTS, partition))
            told += [(record.key, record.value) for record in log.slice(0, 1_000_000)]
        assert Counter(told) == await _expected(2)
        assert await pool.fetchval("select count(*) from incidents.arrivals") == 0
        ended = await pool.fetchval("select count(*) from incidents.incidents where state <> 'firing'")
        assert ended > 0
    finally:
        await service.stop()
        await pool.close()


async def test_counts_that_are_kept_no_longer_are_removed(postgres_dsn: str) -> None:
    """By the alert horizon, hour by hour."""
    await migrate(postgres_dsn)
    counts = {spec.name: spec.partitions for spec in topics.kafka_specs()}
    clock, pool = SimulatedClock(START_MS), await create_pool(postgres_dsn)
    bus = LocalBus(counts, clock)
    service = build_incidents(Settings(), bus, pool, clock)
    await service.start()
    try:
        for day in range(9):
            log: Log = {topics.ANOMALIES: [], topics.WINDOWS: []}
            at_ms = START_MS + day * 86_400_000
            add(log, window(WHOLE, day * 1_440, 1, 1_000), at_ms + 330_000)
            for chunk in chunks_of(log, 10):
                await bus.publish(chunk)
            clock.advance_to(at_ms + 400_000)
            while await service.step(idle=True):
                pass
        kept = await pool.fetchval("select count(*) from incidents.windows")
        assert kept == HORIZON_MS // 86_400_000 + 1
    finally:
        await service.stop()
        await pool.close()


async def test_a_killed_process_loses_and_repeats_nothing(
    own_broker: KafkaBroker, postgres_dsn: str, tmp_path: Path
) -> None:
    """SIGKILL in the middle: the topic has each incident's revisions once, those of a run without."""
    await migrate(postgres_dsn)
    bus = KafkaBus(own_broker.bootstrap, "test")
    await bus.start()
    environment = {
        "PROOFWATCH_KAFKA_BOOTSTRAP": own_broker.bootstrap,
        "PROOFWATCH_POSTGRES_DSN": postgres_dsn,
        "PROOFWATCH_HEALTH_PORT": "0",
        "PROOFWATCH_LIVE_PROGRESS": "false",
        "PROOFWATCH_IDLE_SECONDS": "0.2",
        "PROOFWATCH_BATCH_MAX_RECORDS": "9",
        "PROOFWATCH_INSTANCE_ID": "i0",
    }
    chunks = list(chunks_of(whole(3), 25))
    wanted = await _expected(3)
    process = Process("incidents", environment, tmp_path / "incidents.log")
    try:
        for chunk in chunks[: len(chunks) // 2]:
            await bus.publish(chunk)
        await _until(bus, 1, process)
        process.kill_and_restart()
        for chunk in chunks[len(chunks) // 2 :]:
            await bus.publish(chunk)
        await _until(bus, wanted.total(), process)
        await asyncio.sleep(2)
        assert process.terminate() == 0, process.log()
        told = await _told(bus)
    finally:
        process.terminate()
        await bus.stop()
    assert told == wanted


async def _told(bus: KafkaBus) -> Counter[tuple[bytes | None, bytes | None]]:
    found: Counter[tuple[bytes | None, bytes | None]] = Counter()
    for partition in range(await bus.partitions(topics.INCIDENTS)):
        async for record in bus.read(TopicPartition(topics.INCIDENTS, partition)):
            assert codec.INCIDENT.decode(record.value).schema_version == 1
            found[record.key, record.value] += 1
    return found


async def _until(bus: KafkaBus, wanted: int, process: Process) -> None:
    deadline, value = time.monotonic() + DEADLINE_S, 0
    while (value := (await _told(bus)).total()) < wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"{value} of {wanted} after {DEADLINE_S} s\n{process.log()}")
        process.restart_if_ended()
        await asyncio.sleep(0.5)
