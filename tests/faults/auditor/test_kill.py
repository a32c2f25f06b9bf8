"""Two auditors on real components, killed by turns while others act: nothing lost, nothing twice, one root a size."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import pytest

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import entry_of
from proofwatch.audit.note import Note
from proofwatch.audit.pending import enter
from proofwatch.audit.verify import Trust, verify
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.runtime.migrations import migrate
from services.auditor.adapters.log_reader import LogReader
from services.auditor.commands.files import Folder
from services.auditor.commands.write_export import write_export
from tests.support.kafka_broker import KafkaBroker
from tests.support.processes import ServiceProcess, command
from tests.unit.audit.a_log import LOG_KEY, an_entry, verifiers

KILLS: Final = 20
_LONGEST_S: Final = 240.0
"""A busy machine starts a process in a minute; both may have been killed a moment ago."""
_AT: Final = TopicPartition(topics.AUDIT_CHECKPOINTS, 0)


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator["asyncpg.Pool"]:
    await migrate(postgres_dsn)
    made = await create_pool(postgres_dsn)
    yield made
    await made.close()


@pytest.fixture
def auditors(
    kafka_broker: KafkaBroker, postgres_dsn: str, pool: "asyncpg.Pool", tmp_path: Path
) -> Iterator[list[ServiceProcess]]:
    command("topics", "apply", "--bootstrap", kafka_broker.bootstrap, env={})  # it follows what is governed, too
    env = {
        "PROOFWATCH_KAFKA_BOOTSTRAP": kafka_broker.bootstrap,
        "PROOFWATCH_POSTGRES_DSN": postgres_dsn,
        "PROOFWATCH_AUDIT_SIGNING_KEYS": LOG_KEY.text(),
        "PROOFWATCH_AUDIT_CHECKPOINTS_FILE": str(tmp_path / "checkpoints.jsonl"),
        "PROOFWATCH_AUDIT_LEASE_SECONDS": "2",
        "PROOFWATCH_AUDIT_POLL_SECONDS": "0.02",
        "PROOFWATCH_AUDIT_BATCH_ENTRIES": "50",
    }
    made = [ServiceProcess("auditor", env, tmp_path, number=number) for number in range(2)]
    yield made
    for each in made:
        each.close()


class Acting:
    """Somebody who acts without pause: most acts are committed, every seventh is undone."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool
        self.committed: set[str] = set()

    async def run(self) -> None:
        for number in range(1, 10_000_000):
            entry = an_entry(number)
            async with self._pool.acquire() as connection:
                act = connection.transaction()
                await act.start()
                await enter(connection, entry)
                if number % 7:
                    await act.commit()
                    self.committed.add(entry.entry_id)
                else:
                    await act.rollback()
            await asyncio.sleep(0.002)


async def sizes(pool: "asyncpg.Pool") -> int:
    return int(await pool.fetchval("select size from audit.log"))


async def grown_by(auditors: list[ServiceProcess], pool: "asyncpg.Pool", before: int, least: int) -> int:
    async with asyncio.timeout(_LONGEST_S):
        while True:
            if (now := await sizes(pool)) >= before + least:
                return now
            for each in auditors:
                each.check()
            await asyncio.sleep(0.05)


async def test_no_entry_is_lost_or_twice_and_no_size_has_two_roots(
    auditors: list[ServiceProcess], pool: "asyncpg.Pool", kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    chance = random.Random(11)
    for each in auditors:
        each.start()
    acting = Acting(pool)
    working = asyncio.create_task(acting.run())
    size = 0
    for kill in range(KILLS):
        size = await grown_by(auditors, pool, size, 60)  # there was work before
        await asyncio.sleep(chance.random() * 0.4)
        victim = auditors[kill % 2] if chance.random() < 0.5 else await holding(pool, auditors)
        victim.kill()
        victim.start()
    await grown_by(auditors, pool, size, 60)  # and after
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await settled(pool)
    await check(pool, acting, kafka_broker, tmp_path)


async def holding(pool: "asyncpg.Pool", auditors: list[ServiceProcess]) -> ServiceProcess:
    holder = await pool.fetchval("select holder from audit.log")
    return next(each for each in auditors if each.instance == holder)


async def settled(pool: "asyncpg.Pool") -> None:
    query = """select not exists(select from audit.pending) and
    (select max(size) from audit.checkpoints where published_at is not null) = (select size from audit.log)"""
    async with asyncio.timeout(60):
        while True:
            if await pool.fetchval(query):
                return
            await asyncio.sleep(0.1)


async def check(pool: "asyncpg.Pool", acting: Acting, broker: KafkaBroker, folder: Path) -> None:
    rows = [entry_of(row["leaf"]) for row in await pool.fetch("select leaf from audit.entries order by index")]
    entered = [each.entry_id for each in rows if each.action != "log.begun"]
    assert len(entered) == len(set(entered))
    assert set(entered) == acting.committed
    await write_export(LogReader(pool), folder / "export")
    verdict = verify(Folder(folder / "export"), Trust(verifiers(LOG_KEY)))
    assert (verdict.state, verdict.entries) == ("CONSISTENT, UNWITNESSED", len(rows)), verdict
    bus = KafkaBus(broker.bootstrap, "test")
    await bus.start()
    roots = defaultdict(set)
    on_topic = [AUDIT_CHECKPOINT.decode(record.value) async for record in bus.read(_AT)]
    await bus.stop()
    for each in on_topic:
        checkpoint = Checkpoint.parse(Note.parse(each.note.encode()).text)
        roots[checkpoint.size].add(checkpoint.root)
    in_file = (folder / "checkpoints.jsonl").read_bytes().splitlines()
    for line in in_file:
        checkpoint = Checkpoint.parse(export.note_of_line(line)[1].text)
        roots[checkpoint.size].add(checkpoint.root)
    assert all(len(each) == 1 for each in roots.values())
    stored = {row["size"] for row in await pool.fetch("select size from audit.checkpoints")}
    assert stored == set(roots)
    assert {msgspec.json.decode(line)["index"] for line in in_file} == set(range(len(stored)))
