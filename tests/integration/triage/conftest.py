"""Triage on the in-process bus and a real, empty, migrated database."""

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events import codec, topics
from proofwatch.events.types import Escalation, Incident, PlatformAlert, Suspicion
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.triage.app import build
from services.triage.config import Settings
from tests.integration.access.house import make_passwords_cheap
from tests.integration.triage.house import Desk

SECRET = bytes(range(32))
SETTINGS = Settings(subject_tag_secret=base64.b64encode(SECRET).decode())
LOG_MS = 1_767_225_600_000


class Triage:
    """The service, a bus, and a database to look into."""

    def __init__(self, pool: "asyncpg.Pool", max_records: int = 5) -> None:
        self.pool = pool
        self.settings = SETTINGS.model_copy(update={"batch_max_records": max_records})
        self.clock = SimulatedClock(LOG_MS)
        self.bus = LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, self.clock)
        self.service = self.built()

    def built(self) -> Service:
        return build(self.settings, self.bus, self.pool, self.clock)

    async def tell(self, *events: Suspicion | Incident | PlatformAlert, settle: bool = True) -> None:
        for number, event in enumerate(events):
            await self.bus.publish([outgoing(event, LOG_MS + number)])
        if settle:
            await self.settle()

    async def settle(self) -> None:
        while await self.service.step():
            pass

    async def rows(self, query: str) -> Sequence[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(query)]

    async def escalations(self) -> list[Escalation]:
        return [codec.ESCALATION.decode(record.value) for record in await self.records(topics.ESCALATIONS)]

    async def records(self, topic: str) -> list[Record]:
        ends = await self.bus.ends(topic)
        return [record for p in sorted(ends) async for record in self.bus.read(TopicPartition(topic, p))]

    async def everything(self) -> str:
        """All rows of every table of the schema, as text."""
        tables = await self.pool.fetch("select tablename from pg_tables where schemaname = 'triage' order by 1")
        found = [await self.pool.fetch(f'select t::text from triage."{name}" t order by 1') for (name,) in tables]  # noqa: S608 — names from the catalogue
        return "\n".join(row[0] for rows in found for row in rows)


def outgoing(event: Suspicion | Incident | PlatformAlert, timestamp_ms: int) -> Outgoing:
    if isinstance(event, PlatformAlert):
        return Outgoing(topics.PLATFORM_ALERTS, b"imagery", msgspec.json.encode(event), timestamp_ms=timestamp_ms)
    if isinstance(event, Suspicion):
        key = f"{event.tenant}/{event.subject_ref}".encode()
        return Outgoing(topics.SUSPICIONS, key, msgspec.json.encode(event), timestamp_ms=timestamp_ms)
    return Outgoing(topics.INCIDENTS, event.tenant.encode(), msgspec.json.encode(event), timestamp_ms=timestamp_ms)


@pytest.fixture
async def triage(postgres_dsn: str) -> AsyncIterator[Triage]:
    """The service, started."""
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        running = Triage(pool)
        await running.service.start()
        yield running
        await running.service.stop()
    finally:
        await pool.close()


@pytest.fixture
def desk(triage: Triage, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """People at the service's desk, whose passwords cost nothing."""
    make_passwords_cheap(monkeypatch)
    return Desk(triage)
