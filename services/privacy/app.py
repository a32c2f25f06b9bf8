"""The composition root of privacy, the process: retention. Erasures and holds are acts of people, at a command line."""

from typing import TYPE_CHECKING, Final

from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.events.stores import load_stores
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.privacy.adapters.replay import remember
from services.privacy.adapters.retention import PostgresRetention
from services.privacy.config import RetentionSettings
from services.privacy.core.retention import rules_of
from services.privacy.handlers.retention import Retention

if TYPE_CHECKING:
    import asyncpg

__all__ = ["SCHEMA", "RetentionSettings", "build", "connect"]

SCHEMA: Final = "privacy"


def build(settings: RetentionSettings, bus: Bus, pool: "asyncpg.Pool", clock: Clock) -> Service:
    """Wire retention; the rules are those of the stores' manifests, the days those of the settings."""
    erasures, rules = ErasureLog(bus), rules_of(load_stores().values(), settings.days())

    async def known() -> None:
        await erasures.require_known(pool, SCHEMA)
        await remember(pool, bus)  # so that services need not read again what is known

    return Service("privacy", [Retention(PostgresRetention(pool), rules, clock, known)])


async def connect(settings: RetentionSettings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `on_kafka_and_postgres` raises."""
    return await on_kafka_and_postgres(
        settings, "privacy", lambda bus, _, pool: build(settings, bus, pool, SystemClock()), schema=SCHEMA, sessions=3
    )
