"""SIGKILL between any two acts of an erasure, on a real Kafka, PostgreSQL and Redis: the process goes on, and once."""

import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.instants import ms_of
from proofwatch.privacy.key_encryption import written
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.service import Service
from services.privacy.adapters.cache import RedisCache
from services.privacy.app import build
from services.privacy.config import Settings
from services.privacy.core.acts import PRIVACY
from services.privacy.core.erasure import STEPS
from tests.integration.privacy.broker import PARTITIONS, broker
from tests.integration.privacy.house import KEYS, SECRET, Parts, subject
from tests.support.kafka_broker import KafkaBroker
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    with broker() as started:
        yield started


@pytest.mark.timeout(1200)
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(
    kafka: KafkaBroker, parts: Parts, postgres_dsn: str, redis_server: RedisServer
) -> None:
    """One after the other dies at its n-th act, until one comes to the end; each time the process goes on by itself,
    which is an entry, and nothing is there twice: one receipt, with what was done, no key, no trace in the tables,
    tombstones last on the topics.
    """
    privacy, client, bus = parts
    pool = privacy.pool
    await privacy.staffed()
    given: dict[str, Any] = {
        "subject_tag_secret": base64.b64encode(SECRET).decode(), "key_encryption_keys": written(KEYS),
        "keep_attempts_days": 0,  # those of the house are of a time long ago: retention is not what is tried here
    }  # fmt: skip

    def process(after: timedelta) -> Service:
        clock = SimulatedClock(ms_of(datetime.now(UTC) + after))
        return build(Settings(**given), bus, pool, clock, RedisCache(client, bus))

    deaths, act, ended, resumed = 0, 0, False, 0
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
        left = await pool.fetchval("select count(*) from privacy.erasures where state = 'running'")
        if await pool.fetchval("select count(*) from privacy.steps where erasure_id = $1", erasure):
            assert await process(timedelta(0)).step() == 0, "somebody may be at work"
        assert await process(timedelta(minutes=3)).step() == left
        resumed += left
        async with pool.acquire() as connection:
            found = await privacy.requests.found(connection, erasure)
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
    entries = [each for each in await privacy.of_privacy() if each.action == "erasure.resumed"]
    assert len(entries) == resumed >= deaths - 1, "all but who died after its last act"
    assert {each.actor for each in entries} == {PRIVACY}
    assert {each.details["from"] for each in entries} == set(STEPS)
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
