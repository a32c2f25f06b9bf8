"""Opening what a service with a PostgreSQL fence runs on: Kafka and PostgreSQL, closed again whatever happens."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings

if TYPE_CHECKING:
    import asyncpg


async def on_kafka_and_postgres(
    settings: Settings,
    client_id: str,
    build: Callable[[Bus, "asyncpg.Pool"], Service],
    *,
    schema: str,
    sessions: int = 10,
) -> Service:
    """Connect, and return the service that `build` wires; it owns both connections.

    `schema` is the service's own; `sessions`: the most connections to PostgreSQL. Raises `BusUnavailable` when one does
    not answer, `DatabaseUnfit` when the database is not migrated or denies what is needed, and what `build` raises.
    """
    from proofwatch.bus.kafka.bus import KafkaBus  # standalone mode does without the driver

    pool = await create_pool(settings.postgres_dsn, max_size=sessions)
    try:
        await check_schema(pool, schema)
        bus = KafkaBus.of(settings, client_id)
        service = build(bus, pool)
        await bus.start()
    except BaseException:
        await pool.close()
        raise
    return service.holding(bus.stop, pool.close)
