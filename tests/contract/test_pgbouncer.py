"""PostgreSQL behind a pooler of transactions: sessions are not ours, and everything works all the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.postgres.fence import PostgresFence, create_pool, fence_ddl
from proofwatch.bus.postgres.pool import DatabasePool, session, transaction
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from tests.contract.test_bus_postgres import AT, Counting, batch
from tests.e2e.alone import run_alone
from tests.e2e.day import Day
from tests.support.pgbouncer_server import PgBouncer, pgbouncer

IGNORED = "lock_timeout,idle_in_transaction_session_timeout,tcp_user_timeout"


@pytest.fixture(params=["refuses", "ignores"])
def pooler(request: pytest.FixtureRequest, postgres_dsn: str) -> Iterator[PgBouncer]:
    """As it comes (it refuses our start-up parameters), and as many set it up (it drops them in silence)."""
    made = pgbouncer(postgres_dsn, ignored=IGNORED if request.param == "ignores" else "")
    yield made
    made.close()


@pytest.fixture
async def pool(pooler: PgBouncer) -> AsyncIterator[DatabasePool]:
    made = await create_pool(pooler.dsn)
    yield made
    await made.close()


async def test_a_pooler_is_noticed_and_every_transaction_sets_its_limits(pool: DatabasePool) -> None:
    """What shuts out a frozen owner is in force in each transaction, though no session is ours."""
    assert pool.pooled
    async with transaction(pool, "test") as connection:
        assert await connection.fetchval("show lock_timeout") == "5s"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5s"


async def test_a_frozen_owner_loses_its_lock(pool: DatabasePool, postgres_dsn: str) -> None:
    """A transaction that does nothing for 5 s is ended, so that the next owner gets the fence."""
    async with session(pool, "test") as connection:
        await connection.execute(fence_ddl("stage"))
    fence = PostgresFence(pool, "stage")
    await (await fence.acquire(AT)).commit(batch(0, 0), _Passing())
    entered = asyncio.Event()

    pool.transaction_s = 60

    async def frozen() -> None:
        async with transaction(pool, "frozen") as connection:
            await connection.execute("select 1 from stage.fence for update")
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(frozen())
    await entered.wait()
    async with asyncio.timeout(90):
        while True:
            try:
                owner = await fence.acquire(AT)
                break
            except DatabaseAway:  # its own lock timeout
                continue
        assert await owner.position() == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_direct_connection_is_not_taken_for_a_pooler(postgres_dsn: str) -> None:
    """There statements are kept, and sessions have their limits."""
    pool = await create_pool(postgres_dsn)
    assert not pool.pooled
    async with session(pool, "test") as connection:
        assert await connection.fetchval("show lock_timeout") == "5s"
    await pool.close()


async def test_many_lanes_share_few_sessions(pool: DatabasePool) -> None:
    """Ten owners on three sessions of the server: whoever gets one has its own transaction, and no statement mixes."""
    async with session(pool, "test") as connection:
        await connection.execute(fence_ddl("stage") + "create table stage.seen(record bigint)")
    fence, stage = PostgresFence(pool, "stage"), Counting()

    async def own(partition: int) -> None:
        at = AT._replace(partition=partition)
        owner = await fence.acquire(at)
        for n in range(10):
            await owner.commit(batch(n, n)._replace(source=at), stage)

    await asyncio.gather(*(own(partition) for partition in range(10)))
    async with session(pool, "test") as connection:
        assert await connection.fetchval("select count(*) from stage.seen") == 100
        assert await connection.fetchval("select sum(outbox_seq) from stage.fence") == 100


async def test_all_services_do_the_same_through_a_pooler(new_database: Any, postgres_dsn: str, tmp_path: Path) -> None:
    """windows, ledger, triage and notifier, migrated and run through it: the same as without."""
    records = list(simulate(Scenario(events=1_200, seed=5)))
    pooler = pgbouncer(new_database())
    try:
        through = await run_alone(Day(records, [], []), pooler.dsn, tmp_path / "through")
    finally:
        pooler.close()
    directly = await run_alone(Day(records, [], []), postgres_dsn, tmp_path / "directly")
    for run in (through, directly):
        run.notifications.sort(key=str)  # read without an order
    assert through == directly
    assert through.windows
    assert through.notifications


class _Passing(Counting):
    async def step(self, batch: Any, tx: asyncpg.Connection) -> list[Any]:
        return []
