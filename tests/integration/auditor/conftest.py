"""The auditor on the in-process bus, a real, empty, migrated database, a file, and witnesses over HTTP."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofwatch.audit.entry import Entry
from proofwatch.audit.note import SigningKey
from proofwatch.audit.pending import enter
from proofwatch.audit.verify import Trust, Verdict, verify
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.events.types import AuditCheckpoint
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.auditor.adapters.log_reader import LogReader
from services.auditor.app import build
from services.auditor.commands.files import Folder
from services.auditor.commands.witness_server import SeenFile, Witness, server
from services.auditor.commands.write_export import write_export
from services.auditor.config import Settings
from tests.unit.audit.a_log import LOG_KEY, WITNESSES, an_entry, verifiers

LOG_MS = 1_772_355_600_000


class Audited:
    """A database with a log, and one auditor after another."""

    def __init__(self, pool: "asyncpg.Pool", folder: Path) -> None:
        self.pool, self.folder = pool, folder
        self.clock = SimulatedClock(LOG_MS)
        self.bus = self.new_bus()
        self.file = folder / "checkpoints.jsonl"
        self.running: list[Service] = []

    def new_bus(self) -> LocalBus:
        """One without records."""
        return LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, self.clock)

    async def auditor(self, *keys: SigningKey, instance: str = "a", **settings: Any) -> Service:
        """Start one."""
        built = self.built(*keys, instance=instance, **settings)
        await built.start()
        self.running.append(built)
        return built

    def built(self, *keys: SigningKey, instance: str = "a", **settings: Any) -> Service:
        given = Settings(
            audit_signing_keys="\n".join(each.text() for each in keys or (LOG_KEY,)),
            audit_checkpoints_file=self.file,
            instance_id=instance,
            **settings,
        )
        return build(given, self.bus, self.pool, self.clock)

    async def enter(self, *entries: Entry) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await enter(connection, *entries)

    async def act(self, first: int, last: int) -> None:
        """Enter [first, last), and let time go on."""
        await self.enter(*map(an_entry, range(first, last)))
        self.clock.advance_to(self.clock.now_ms() + 1000)

    async def size(self) -> int:
        return int(await self.pool.fetchval("select size from audit.log"))

    async def published(self) -> list[AuditCheckpoint]:
        at = TopicPartition(topics.AUDIT_CHECKPOINTS, 0)
        return [AUDIT_CHECKPOINT.decode(record.value) async for record in self.bus.read(at)]

    async def export(self, name: str = "export", begin: int = 0, end: int | None = None, **how: Any) -> Path:
        out = self.folder / name
        await write_export(LogReader(self.pool), out, begin, end, **how)
        return out

    async def verdict(self, trust: Trust | None = None, name: str = "export", **how: Any) -> Verdict:
        out = await self.export(name, **how)
        return verify(Folder(out), trust or Trust(verifiers(LOG_KEY)))


@pytest.fixture
async def audited(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Audited]:
    """A database with an empty log."""
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        running = Audited(pool, tmp_path)
        yield running
        for each in running.running:
            await each.stop()
    finally:
        await pool.close()


@contextmanager
def a_witness(state: Path, seconds: float = LOG_MS / 1000, place: int = 0) -> Iterator[str]:
    """Run a witness of `WITNESSES` as a process of another's would run it; give its address."""
    known = {LOG_KEY.verifier.name: verifiers(LOG_KEY)}
    answering = Witness(WITNESSES[place], known, SeenFile(state), lambda: seconds)
    with server(answering, "127.0.0.1", 0, lambda line: None) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()
