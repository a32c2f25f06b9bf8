"""A console over the tables of a running triage, with people, cases, and a clock that the test moves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.aggregator.app import Settings, build_combine, build_ledger, build_windows
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from tests.integration.access.house import make_passwords_cheap
from tests.integration.aggregator.test_queries import COUNTS, DAY, settle, transaction_of
from tests.integration.console.house import Console
from tests.integration.console.place import Place, placed
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


@pytest.fixture
async def counting(console: Console) -> Console:
    """Two days of a tenant `bank`, counted; Ada may see all tenants, Otto another one."""
    clock = SimulatedClock(ms_of(DAY))
    bus, policy, settings = LocalBus(COUNTS, clock), load_policy(), Settings(small_cell=1)
    services = [
        build_combine(settings, bus, policy, clock),
        build_windows(settings, bus, console.pool, policy, clock, calendars=EVERYBODY_IN_UTC),
        build_ledger(settings, bus, console.pool, policy, clock, calendars=EVERYBODY_IN_UTC),
    ]
    for each in services:
        await each.start()
    for hour in range(48):
        at = DAY + timedelta(hours=hour)
        clock.advance_to(ms_of(at))
        await bus.publish([each for n in range(12) for each in transaction_of(n + 12 * hour, at)])
        await settle(services)
    clock.advance_to(ms_of(DAY + timedelta(days=5)))
    await settle(services)
    for each in reversed(services):
        await each.stop()
    await console.person("ada", Role.ANALYST)
    await console.person("otto", Role.ANALYST, tenants=("other",))
    return console


@pytest.fixture
async def place(console: Console, tmp_path: Path) -> AsyncIterator[Place]:
    """With a provider, which knows Ada."""
    async with placed(console, tmp_path) as built:
        yield built
