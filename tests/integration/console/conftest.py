"""A console over the tables of a running triage, with people, cases, and a clock that the test moves."""

from collections.abc import AsyncIterator

import pytest

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.runtime.migrations import migrate
from tests.integration.access.house import make_passwords_cheap
from tests.integration.console.house import Console
from tests.integration.triage.conftest import Triage


@pytest.fixture
async def console(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Console]:
    """Listening; nobody is signed in."""
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        triage = Triage(pool)
        await triage.service.start()
        built = Console(triage)
        await built.begin()
        try:
            yield built
        finally:
            await built.end()
            await triage.service.stop()
    finally:
        await pool.close()
