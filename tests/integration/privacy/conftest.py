"""A migrated database with people of the role privacy, beside an in-process bus."""

from collections.abc import AsyncIterator

import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.events import topics
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from tests.integration.access.house import START, make_passwords_cheap
from tests.integration.privacy.house import Privacy


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
