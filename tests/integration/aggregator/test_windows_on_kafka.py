"""windows as a process, carried by Faust, on a real Kafka and PostgreSQL, killed in the middle."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Window
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters import postgres_windows as store
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.merge import totals
from tests.integration.aggregator.traffic import expected, records, traffic
from tests.support.kafka_broker import KafkaBroker

EVENTS = 6_000
DEADLINE_S = 150


class Process:
    """`python -m services.aggregator NAME`, its log in a file."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self._arguments = [sys.executable, "-m", "services.aggregator", name]
        self._environment = os.environ | environment
        self._log = log
        self._running = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(self._arguments, env=self._environment, stdout=log, stderr=log)

    def kill_and_restart(self) -> None:
        self._running.kill()
        self._running.wait(10)
        self._running = self._start()

    def restart_if_ended(self) -> None:
        if self._running.poll() is not None:
            self._running = self._start()

    def terminate(self) -> int:
        self._running.terminate()
        try:
            return self._running.wait(40)
        except subprocess.TimeoutExpired:
            self._running.kill()
            return self._running.wait(10)

    def log(self) -> str:
        return self._log.read_text()[-6000:]


async def test_a_killed_windows_process_loses_and_repeats_nothing(
    own_broker: KafkaBroker, postgres_dsn: str, tmp_path: Path
) -> None:
    """SIGKILL in the middle: last revisions equal a direct count, and no (window, revision) is published twice."""
    await migrate(postgres_dsn)
    bus = KafkaBus(own_broker.bootstrap, "test")
    await bus.start()
    environment = {
        "PROOFWATCH_KAFKA_BOOTSTRAP": own_broker.bootstrap,
        "PROOFWATCH_POSTGRES_DSN": postgres_dsn,
        "PROOFWATCH_HEALTH_PORT": "0",
        "PROOFWATCH_LIVE_PROGRESS": "false",
        "PROOFWATCH_BATCH_MAX_RECORDS": "100",
        "PROOFWATCH_SMALL_CELL": "1",
        "PROOFWATCH_INSTANCE_ID": "w0",
    }
    verdicts = traffic(EVENTS, seed=3)
    published = list(records(verdicts, await bus.partitions(topics.VERDICTS)))
    combine = Process("combine", environment, tmp_path / "combine.log")
    windows = Process("windows", environment, tmp_path / "windows.log")
    try:
        half = EVENTS // 2
        for begin in range(0, half, 200):
            await bus.publish(published[begin : begin + 200])
        await _until(lambda: _merged(postgres_dsn), half // 4, [combine, windows])
        windows.kill_and_restart()
        for begin in range(half, EVENTS, 200):
            await bus.publish(published[begin : begin + 200])
        await _until(lambda: _merged(postgres_dsn), EVENTS, [combine, windows])
        await _until(lambda: _outbox_is_empty(postgres_dsn), 1, [combine, windows])
        assert windows.terminate() == 0, windows.log()
        found = await _published(bus)
    finally:
        combine.terminate()
        windows.terminate()
        await bus.stop()

    assert max(Counter((each.window_id, each.revision) for each in found).values()) == 1
    last = {
        (w.tenant, w.segment_name, w.segment_value, w.length_s, round(w.start.timestamp() * 1000)): w
        for w in sorted(found, key=lambda each: each.revision)
    }
    for key, counts in expected(verdicts).items():
        if key in last:
            assert Counter({name: last[key].counts.get(name, 0) for name in counts}) == counts, key
    minutes = [key for key in expected(verdicts) if key[3] == 60]
    assert len([key for key in minutes if key in last]) > len(minutes) * 0.9, "all but the last minutes are closed"


async def _merged(dsn: str) -> int:
    """Return how many transactions the stored days hold."""
    connection = await asyncpg.connect(dsn)
    try:
        total = 0
        for partition in range(4):
            for bucket in (await store.load_open(connection, partition, utc_days)).buckets.values():
                if bucket.key.length_s == 86_400:
                    total += totals(bucket.segments[None, None]).counts["transactions"]
        return total
    finally:
        await connection.close()


async def _outbox_is_empty(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("select count(*) from windows.outbox") == 0)
    finally:
        await connection.close()


async def _until(measure: Callable[[], Awaitable[int]], wanted: int, processes: list[Process]) -> None:
    deadline, value = time.monotonic() + DEADLINE_S, 0
    while value < wanted:
        if time.monotonic() > deadline:
            pytest.fail(f"{value} of {wanted} after {DEADLINE_S} s\n" + "\n".join(each.log() for each in processes))
        for process in processes:
            process.restart_if_ended()
        await asyncio.sleep(0.3)
        value = await measure()
    assert value >= wanted


async def _published(bus: KafkaBus) -> list[Window]:
    return [
        WINDOW.decode(record.value)
        for partition in range(await bus.partitions(topics.WINDOWS))
        async for record in bus.read(TopicPartition(topics.WINDOWS, partition))
    ]
