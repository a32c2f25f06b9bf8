"""A house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.runtime.migrations import migrate
from tests.integration.imagery.house import House


@pytest.fixture
async def house(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    """With the analyst Ada, her case, and a log that is being written."""
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        built = House(pool, tmp_path)
        await built.add("ada")
        await built.case()
        await built.begin()
        try:
            yield built
        finally:
            await built.end()
    finally:
        await pool.close()
