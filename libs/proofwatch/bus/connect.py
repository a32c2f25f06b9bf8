"""Opening what a service runs on: in one order for all of them, and closed again when a later step fails.

The wire (a schema registry, if one is configured), PostgreSQL and what its tables must be, Kafka; then the service is
built, before Kafka is asked for anything, so that what is wrong with its settings is said first.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from proofwatch.bus.port import Bus
from proofwatch.events.wire import Wire, connect_wire
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings

if TYPE_CHECKING:
    import asyncpg


async def on_kafka(settings: Settings, client_id: str, build: Callable[[Bus, Wire], Service]) -> Service:
    """Connect, and return the service that `build` wires; it owns the connections.

    Raises `BusUnavailable` when Kafka does not answer, and what `connect_wire` and `build` raise.
    """
    async with AsyncExitStack() as opened:
        wire = await _wire(settings, opened)
        return await _wired(settings, client_id, opened, lambda bus: build(bus, wire))


async def on_kafka_and_postgres(
    settings: Settings,
    client_id: str,
    build: Callable[[Bus, Wire, "asyncpg.Pool"], Service],
    *,
    schema: str,
    sessions: int = 10,
    owns: bool = True,
) -> Service:
    """Connect, and return the service that `build` wires; it owns the connections.

    `schema` is the service's own; `owns` False: another's, whose code it runs with fewer rights; `sessions`: the most
    connections to PostgreSQL. Raises `BusUnavailable` when one does not answer, `DatabaseUnfit` when the database is
    not migrated or denies what is needed, and what `connect_wire` and `build` raise.
    """
    # a service without tables does without the driver
    from proofwatch.bus.postgres.pool import create_pool
    from proofwatch.bus.postgres.schema import check_schema

    async with AsyncExitStack() as opened:
        wire = await _wire(settings, opened)
        pool = await create_pool(settings.postgres_dsn, max_size=sessions)
        opened.push_async_callback(pool.close)
        await check_schema(pool, schema, writes=owns)
        return await _wired(settings, client_id, opened, lambda bus: build(bus, wire, pool))


async def _wire(settings: Settings, opened: AsyncExitStack) -> Wire:
    wire = await connect_wire(settings)
    opened.push_async_callback(wire.close)
    return wire


async def _wired(
    settings: Settings, client_id: str, opened: AsyncExitStack, build: Callable[[Bus], Service]
) -> Service:
    from proofwatch.bus.kafka.bus import KafkaBus  # standalone mode does without the driver

    bus = KafkaBus.of(settings, client_id)
    opened.push_async_callback(bus.stop)
    service = build(bus)
    try:
        await bus.start()
    except BaseException:
        await service.stop()  # its parts may hold something of their own, such as a client of a channel
        raise
    return service.holding(opened.pop_all().aclose)
