"""The notifier on the in-process bus and a real, empty, migrated database."""

import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events import codec, topics
from proofwatch.events.types import Escalation, Incident, Notification, PlatformAlert
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.notifier.app import build
from services.notifier.config import Settings
from services.notifier.sender import Sender

KEY = b"a-webhook-key-of-32-bytes-length"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
LOG_MS = 1_767_225_600_000
Starting = Callable[[str], Any]


class Notifier:
    """The service, a bus, and a database to look into."""

    def __init__(self, pool: "asyncpg.Pool", routes_file: Path) -> None:
        self.pool = pool
        self.clock = SimulatedClock(LOG_MS)
        self.settings = Settings(routes_file=routes_file, retry_attempts=5, send_poll_seconds=0.02)
        self.bus = LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, self.clock)
        self.service = self.built()

    def built(self) -> Service:
        return build(self.settings, self.bus, self.pool, self.clock)

    @property
    def sender(self) -> Sender:
        sender = self.service.parts[-1]
        assert isinstance(sender, Sender)
        return sender

    async def tell(self, *events: Incident | Escalation | PlatformAlert) -> None:
        """Publish the events and work until nothing is left to do."""
        for event in events:
            value = msgspec.json.encode(event)
            if isinstance(event, Incident):
                await self.publish(topics.INCIDENTS, event.tenant, value)
            elif isinstance(event, Escalation):
                await self.publish(topics.ESCALATIONS, f"{event.tenant}/{event.case_id}", value)
            else:
                await self.publish(topics.PLATFORM_ALERTS, event.service, value)
        await self.settle()

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self.bus.publish([Outgoing(topic, key.encode(), value)])

    async def settle(self) -> None:
        while await self.service.step():
            pass

    async def restart(self) -> None:
        """Stop the service, build it anew from its file, and work."""
        await self.service.stop()
        self.service = self.built()
        await self.service.start()
        for _ in range(3):  # lanes open, then read
            await self.settle()

    async def dispatched(self) -> None:
        """Read what was published and make the messages of it, but send none."""
        lanes, dispatcher, _ = self.service.parts
        while await lanes.step() + await dispatcher.step():
            pass

    async def pass_time(self, seconds: float) -> None:
        """Let the clock move on, and work."""
        self.clock.advance_to(self.clock.now_ms() + round(1000 * seconds))
        await self.settle()

    async def rows(self) -> Sequence[dict[str, Any]]:
        query = "select * from notifier.notifications order by created_at, channel, notification_id"
        return [dict(row) for row in await self.pool.fetch(query)]

    async def published(self) -> list[Notification]:
        return [codec.NOTIFICATION.decode(record.value) for record in await self.records(topics.NOTIFICATIONS)]

    async def records(self, topic: str) -> list[Record]:
        ends = await self.bus.ends(topic)
        return [record for p in sorted(ends) async for record in self.bus.read(TopicPartition(topic, p))]


@pytest.fixture
async def starting(postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starting]:
    """A function that starts the service with the routes file it is given, as a context."""
    monkeypatch.setenv("SOC_SECRET", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)

    @asynccontextmanager
    async def start(routes: str) -> AsyncIterator[Notifier]:
        file = tmp_path / "routes.yaml"
        file.write_text(routes)
        notifier = Notifier(pool, file)
        await notifier.service.start()
        try:
            yield notifier
        finally:
            await notifier.service.stop()

    try:
        yield start
    finally:
        await pool.close()
