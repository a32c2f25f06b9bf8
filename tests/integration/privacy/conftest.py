"""A migrated database with people of the role privacy, beside an in-process bus or a real Kafka and Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.events import topics
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.privacy.adapters.cache import RedisCache
from tests.integration.access.house import START, make_passwords_cheap
from tests.integration.privacy.broker import coordinated
from tests.integration.privacy.house import Parts, Privacy
from tests.support.kafka_broker import KafkaBroker
from tests.support.redis_server import RedisServer


@pytest.fixture
async def privacy(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Privacy]:
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, SimulatedClock(ms_of(START)))
    try:
        house = Privacy(pool, bus)
        await house.staffed()
        yield house
    finally:
        await pool.close()


@pytest.fixture
async def parts(
    kafka: KafkaBroker, postgres_dsn: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Parts]:
    """`kafka` is the module's: brokers differ in how long they keep."""
    make_passwords_cheap(monkeypatch)
    redis_server.flush()
    await migrate(postgres_dsn)
    pool, client = await create_pool(postgres_dsn), Redis.from_url(redis_server.url)
    bus = KafkaBus(kafka.bootstrap, "test")
    try:
        await bus.start()
        await coordinated(bus)
        yield Parts(Privacy(pool, bus, RedisCache(client, bus)), client, bus)
    finally:
        await bus.stop()
        await client.aclose()
        await pool.close()
