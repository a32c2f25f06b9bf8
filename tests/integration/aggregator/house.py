"""combine and windows on the in-process bus and a real PostgreSQL, stepped like standalone does."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, WINDOW
from proofwatch.events.types import Anomaly, Verdict, Window
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import load_policy
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator.app import Settings, build_combine, build_windows
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from tests.integration.aggregator.traffic import START, WindowKey, records
from tests.unit.governance.scene import KEYRING, LEAD_MS

PARTITIONS = 3


@dataclass
class House:
    """Both processes and what they stand on."""

    bus: LocalBus
    clock: SimulatedClock
    pool: Any
    settings: Settings
    combine: Service
    windows: Service

    async def feed(self, verdicts: Iterable[Verdict]) -> None:
        """Publish verdicts, and move the clock to the last of them."""
        published = list(records(verdicts, PARTITIONS))
        await self.bus.publish(published)
        self.clock.advance_to(max(each.timestamp_ms or 0 for each in published))

    async def settle(self) -> None:
        """Work until nothing is left to do, idle work included."""
        while await self.round() or await self.round(idle=True):
            pass

    async def round(self, *, idle: bool = False) -> int:
        """Let every service take one batch a lane."""
        return await self.combine.step(idle=idle) + await self.windows.step(idle=idle)

    async def pass_time(self, seconds: int) -> None:
        """Let time pass without traffic."""
        self.clock.advance_to(self.clock.now_ms() + seconds * 1000)
        await self.settle()

    async def join_windows(self) -> None:
        """Let a second process join the group, and be the one that is stepped from now on."""
        self.windows = build_windows(
            self.settings, self.bus, self.pool, load_policy(), self.clock, calendars=EVERYBODY_IN_UTC
        )
        await self.windows.start()

    def published(self) -> list[Window]:
        """Return every window on the topic."""
        return [WINDOW.decode(record) for record in self.values(topics.WINDOWS)]

    def last(self) -> dict[WindowKey, Window]:
        """Return the last revision of every window."""
        ordered = sorted(self.published(), key=lambda each: each.revision)
        return {
            (w.tenant, w.segment_name, w.segment_value, w.length_s, round(w.start.timestamp() * 1000)): w
            for w in ordered
        }

    def anomalies(self) -> list[Anomaly]:
        """Return every anomaly on the topic."""
        return [ANOMALY.decode(record) for record in self.values(topics.ANOMALIES)]

    def values(self, topic: str) -> Sequence[bytes]:
        """Return what lies on a topic, by partition."""
        found: list[bytes] = []
        for partition in range(4):
            log = self.bus.log(TopicPartition(topic, partition))
            found += [record.value for record in log.slice(0, 1_000_000) if record.value]
        return found


@asynccontextmanager
async def house(
    dsn: str, *, batch: int = 500, start_ms: int | None = None, governed: Sequence[Outgoing] = (), **settings: Any
) -> AsyncIterator[House]:
    """Build everything on an empty database; `governed`: what lies on the topics of governance, by `KEYRING`."""
    await migrate(dsn)
    counts = {spec.name: spec.partitions for spec in topics.kafka_specs()} | dict.fromkeys(
        (topics.TRANSACTIONS, topics.VERDICTS), PARTITIONS
    )
    clock = SimulatedClock(round(START.timestamp() * 1000) if start_ms is None else start_ms)
    bus = LocalBus(counts, clock)
    follower = Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), clock) if governed else None
    await bus.publish(governed)
    pool = await create_pool(dsn)
    chosen = Settings(batch_max_records=batch, **({"small_cell": 1, "grace_seconds": 30} | settings))
    policy = load_policy()
    made = House(
        bus,
        clock,
        pool,
        chosen,
        build_combine(chosen, bus, policy, clock),
        build_windows(chosen, bus, pool, policy, clock, calendars=follower or EVERYBODY_IN_UTC),
    )
    try:
        await made.combine.start()
        await made.windows.start()
        yield made
    finally:
        await made.windows.stop()
        await made.combine.stop()
        await pool.close()


def poison(topic: str, partition: int, value: bytes) -> Outgoing:
    """Return a record that no schema accepts."""
    return Outgoing(topic, b"k", value, partition, 1_000)
