"""People in a real, empty, migrated database."""

from collections.abc import AsyncIterator

import pytest

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.runtime.migrations import migrate
from tests.integration.access.house import House, make_passwords_cheap


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that cost no time."""
    make_passwords_cheap(monkeypatch)


@pytest.fixture
async def house(postgres_dsn: str, cheap_passwords: None) -> AsyncIterator[House]:
    """An empty register."""
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        yield House(pool)
    finally:
        await pool.close()
