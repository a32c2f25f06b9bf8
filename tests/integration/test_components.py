"""The house's own foundation: each real component does what the other tests rely on."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import redis
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.support import ahead
from tests.support.debian import ensure_programs
from tests.support.kafka_broker import MAX_RECORD_BYTES, KafkaBroker
from tests.support.native import NativeRunner, scratch_dir
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.runner import ComponentError, await_ready


def _publish(broker: KafkaBroker, topic: str, values: list[bytes], *, commit: bool = True) -> None:
    """Send the values in one transaction and commit or abort it."""
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "transactional.id": uuid4().hex,
            "message.max.bytes": MAX_RECORD_BYTES,
            "log_level": 0,
        }
    )
    producer.init_transactions(60)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(60) == 0
    if commit:
        producer.commit_transaction(60)
    else:
        producer.abort_transaction(60)


def _read_committed(broker: KafkaBroker, topic: str) -> list[bytes]:
    """Return every committed value of partition 0."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": uuid4().hex,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes] = []
    try:
        while True:
            message = consumer.poll(60)
            assert message is not None, "no record and no end of the partition within 60 s"
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                return values
            assert error is None, error
            values.append(message.value() or b"")
    finally:
        consumer.close()


def _topic(broker: KafkaBroker, config: dict[str, str] | None = None) -> str:
    return broker.create_topic(f"components-{uuid4().hex[:8]}", config=config)


def test_kafka_shows_committed_transactions_only(kafka_broker: KafkaBroker) -> None:
    """A read_committed reader sees what was committed, in order, and nothing of an aborted transaction."""
    topic = _topic(kafka_broker)
    _publish(kafka_broker, topic, [b"one", b"two"])
    _publish(kafka_broker, topic, [b"never"], commit=False)
    _publish(kafka_broker, topic, [b"three"])

    assert _read_committed(kafka_broker, topic) == [b"one", b"two", b"three"]


def test_kafka_takes_a_ten_megabyte_record_where_the_topic_allows_it(kafka_broker: KafkaBroker) -> None:
    """The broker's own limits leave 16 MB to the topics that ask for it."""
    topic = _topic(kafka_broker, {"max.message.bytes": str(MAX_RECORD_BYTES)})
    large = bytes(10 * 1024 * 1024)

    _publish(kafka_broker, topic, [large])

    assert _read_committed(kafka_broker, topic) == [large]


def test_kafka_creates_no_topic_by_accident(kafka_broker: KafkaBroker) -> None:
    """A topic exists because somebody created it, once: a second creation is an error."""
    topic = _topic(kafka_broker)

    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        kafka_broker.create_topic(topic)


def test_a_killed_broker_comes_back_with_its_data(kafka_broker: KafkaBroker) -> None:
    """After SIGKILL and start, at the same address, committed records are there and new ones can be written."""
    topic = _topic(kafka_broker)
    _publish(kafka_broker, topic, [b"before"])
    killed = kafka_broker.pid

    kafka_broker.kill()
    kafka_broker.start()
    _publish(kafka_broker, topic, [b"after"])

    assert kafka_broker.pid != killed
    assert _read_committed(kafka_broker, topic) == [b"before", b"after"]


async def _rows(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["id"] for row in await connection.fetch("SELECT id FROM kept ORDER BY id")]
    finally:
        await connection.close()


async def _store(dsn: str, row: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigint PRIMARY KEY)")
        await connection.execute("INSERT INTO kept VALUES ($1)", row)
    finally:
        await connection.close()


async def test_a_killed_postgres_comes_back_with_its_committed_rows(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    """SIGKILL of the postmaster loses no acknowledged commit, although the test server does not fsync."""
    await _store(postgres_dsn, 1)

    await asyncio.to_thread(postgres_server.kill)
    await asyncio.to_thread(postgres_server.start)
    await _store(postgres_dsn, 2)

    assert await _rows(postgres_dsn) == [1, 2]


async def test_each_test_has_a_database_of_its_own(postgres_server: PostgresServer, postgres_dsn: str) -> None:
    """What one test stores no other sees; a copy of a prepared template starts with its tables."""
    await _store(postgres_dsn, 7)
    template = postgres_dsn.split("?")[0].rsplit("/", 1)[-1]

    copy = await asyncio.to_thread(postgres_server.create_database, None, template)
    await _store(copy, 8)

    assert await _rows(copy) == [7, 8]
    assert await _rows(postgres_dsn) == [7]
    await asyncio.to_thread(postgres_server.drop_database, copy)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await _rows(copy)


def test_redis_starts_each_test_empty_and_forgets_on_a_kill(redis_server: RedisServer, redis_url: str) -> None:
    """The cache may be wiped at any time: a kill takes every key, the address stays."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.dbsize() == 0
        client.set("attempts", "3")
        assert client.get("attempts") == "3"

        redis_server.kill()
        redis_server.start()

        assert client.get("attempts") is None


_SESSION = """
import sys, time
from pathlib import Path
from tests.support.native import NativeRunner
runner = NativeRunner(["sleep", "600"], Path(sys.argv[1]))
runner.start()
print(runner.pid, flush=True)
time.sleep(600)
"""


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_components_die_with_the_session_even_by_sigkill() -> None:
    """A killed pytest leaves no process and no data directory behind."""
    scratch = scratch_dir("orphan")
    with subprocess.Popen([sys.executable, "-c", _SESSION, str(scratch)], stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        component = int(session.stdout.readline())
        assert not _gone(component)
        session.kill()

    give_up = time.monotonic() + 30
    while (scratch.exists() or not _gone(component)) and time.monotonic() < give_up:
        time.sleep(0.05)

    assert _gone(component)
    assert not scratch.exists()


def test_components_outlive_the_thread_that_started_them() -> None:
    """Fault tests start brokers from worker threads; the end of such a thread ends nothing."""
    runner = NativeRunner(["sleep", "600"], scratch_dir("thread"))
    thread = threading.Thread(target=runner.start)
    thread.start()
    thread.join()

    time.sleep(0.5)  # a parent-death signal would have come by now

    assert runner.alive()
    runner.close()
    assert not runner.alive()


def test_a_stopped_component_can_still_be_killed() -> None:
    """A frozen zombie (SIGSTOP) is no obstacle to the end of the run."""
    runner = NativeRunner(["sleep", "600"], scratch_dir("frozen"), end_with=signal.SIGTERM)
    runner.start()
    os.kill(runner.pid, signal.SIGSTOP)

    runner.close()

    assert _gone(runner.pid)


def test_a_component_that_ends_while_starting_shows_its_log() -> None:
    """Whoever reads the failed run sees the server's own last words, at once and not at the deadline."""
    runner = NativeRunner(["sh", "-c", "echo bad setting: shared_buffers >&2; exit 3"], scratch_dir("ends"))
    runner.start()

    def never() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ComponentError, match=r"(?s)Server ended while starting.*bad setting: shared_buffers"):
        await_ready("Server", runner, never)
    runner.close()


def test_every_program_of_debian_is_fetched_ahead() -> None:
    """What some component asks for while tests run, a bare machine has begun to install before."""
    support = "".join(path.read_text(encoding="utf-8") for path in Path(ahead.__file__).parent.glob("*.py"))
    asked = {
        name for names in re.findall(r"ensure_programs\(\[([^]]+)\]", support) for name in json.loads(f"[{names}]")
    }
    assert asked == set(ahead.PROGRAMS)


def test_a_missing_program_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing may be installed, the error names the program and the package, and nothing is skipped."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ComponentError, match=r"^redis-server not found: install redis-server .*Docker reachable$"):
        ensure_programs(["redis-server"], ["redis-server"])
