"""SIGKILL between any two acts of an erasure, on a real Kafka, PostgreSQL and Redis: it is gone on from, and once."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.runtime.migrations import migrate
from services.privacy.adapters.cache import RedisCache
from services.privacy.core.erasure import STEPS
from tests.integration.access.house import make_passwords_cheap
from tests.integration.privacy.broker import PARTITIONS, broker, coordinated
from tests.integration.privacy.house import Privacy, subject
from tests.support.kafka_broker import KafkaBroker
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    with broker() as started:
        yield started


@pytest.mark.timeout(1200)
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(
    kafka: KafkaBroker, postgres_dsn: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other dies at its n-th act, until one comes to the end; each time another goes on, and nothing is
    there twice: one receipt, with what was done, no key, no trace in the tables, tombstones last on the topics.
    """
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool, bus, client = (
        await create_pool(postgres_dsn),
        KafkaBus(kafka.bootstrap, "test"),
        Redis.from_url(redis_server.url),
    )
    await bus.start()
    await coordinated(bus)
    privacy = Privacy(pool, bus, RedisCache(client, bus))
    await privacy.staffed()
    deaths, act, ended = 0, 0, False
    while not ended:
        act += 1
        whom = subject(f"canary-{act}")
        await privacy.lived(whom)
        await client.set(f"proofwatch:subject:g:acme/{whom.subject_ref}", "{}")
        erasure = await privacy.ask(whom)
        await privacy.approve(erasure)
        command = [sys.executable, "-m", "tests.integration.privacy.dying", postgres_dsn, kafka.bootstrap]
        done = subprocess.run(  # noqa: ASYNC221 - nothing else is to happen meanwhile
            [*command, redis_server.url, erasure, str(act)], check=False, capture_output=True, text=True, timeout=120
        )
        ended = done.returncode == 0
        assert ended or done.returncode == -signal.SIGKILL, done.stderr
        deaths += not ended
        found = await privacy.erasing.run(erasure)
        assert (found.state, set(found.done)) == ("done", set(STEPS))
        receipts = [
            e for e in await privacy.of_privacy() if e.action == "subject.erased" and e.objects[0].id == erasure
        ]
        assert len(receipts) == 1
        counted = {name: receipts[0].details[name] for name in ("transactions", "cases", "consents", "ledger_rows")}
        assert counted == dict.fromkeys(counted, 1), f"killed at act {act}"
        assert receipts[0].details["keys_destroyed"] == 1
        assert not await client.keys("*canary*")
    assert deaths >= 2 * len(STEPS) + 4
    assert await pool.fetchval("select count(*) from privacy.keys") == 0
    assert await pool.fetchval("select count(*) from privacy.erasures where state <> 'done' or sealed is not null") == 0
    for table in ("ledger.transactions", "imagery.flagged", "triage.case_reasons", "consents.words", "triage.cases"):
        left = await pool.fetchval(f"select count(*) from {table} t where t::text like '%canary%'")  # noqa: S608 - ours
        assert left == 0, table
    for topic in (topics.SUBJECTS, topics.CONSENTS):
        newest: dict[bytes | None, bytes | None] = {}
        for partition in range(PARTITIONS):
            async for record in bus.read(TopicPartition(topic, partition)):
                if record.value is not None or record.key in newest:
                    newest[record.key] = record.value
        assert newest
        assert set(newest.values()) == {None}
    await bus.stop()
    await client.aclose()
    await pool.close()
