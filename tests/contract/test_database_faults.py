"""A PostgreSQL that goes away, or comes back otherwise: everybody waits, is not ready, says so once, and goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog

from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import PostgresFence, create_pool, fence_ddl
from proofwatch.bus.postgres.outbox import relay
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.runtime.clock import SystemClock
from services.aggregator.adapters.fenced_lanes import FencedLanes
from tests.support.postgres_server import PostgresServer

AT = TopicPartition("in", 0)
OUT = TopicPartition("out", 0)
WAIT_S = 90
_END = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()
"""


class Fault(NamedTuple):
    """What befalls the database, what mends it, and what the operator reads."""

    hurt: str
    heal: str
    words: str
    ends_sessions: bool = True


FAULTS = {
    "read-only after a failover": Fault(
        'alter database "{name}" set default_transaction_read_only = on',
        'alter database "{name}" reset default_transaction_read_only',
        "is read-only: after a failover this is no longer the primary",
    ),
    "the login is refused": Fault('alter role "{name}" nologin', 'alter role "{name}" login', "refuses the login"),
    "no connection is left": Fault(
        'alter role "{name}" connection limit 0', 'alter role "{name}" connection limit -1', "out of connections"
    ),
    "transactions are cut short": Fault(
        "alter database \"{name}\" set transaction_timeout = '1ms'",
        'alter database "{name}" reset transaction_timeout',
        "gave up a transaction",
    ),
    "a table is gone": Fault(
        "alter table stage.seen rename to away",
        "alter table stage.away rename to seen",
        "lacks tables or columns: run `proofwatch migrate`",
        ends_sessions=False,
    ),
    "a right is gone": Fault(
        'revoke insert on stage.seen from "{name}"',
        'grant insert on stage.seen to "{name}"',
        "denies this user what the service needs",
        ends_sessions=False,
    ),
}


class Stage:
    """Adds every record to a table and passes it on."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: Any) -> Sequence[Outgoing]:
        await tx.fetch("select * from stage.seen limit 1")
        await tx.executemany("insert into stage.seen(record) values ($1)", [(r.offset,) for r in batch.records])
        return [Outgoing("out", r.key, r.value, 0, r.timestamp_ms) for r in batch.records]


class Database:
    """A database of its own, used by a role of its own that is no superuser."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._owner = server.create_database()
        self.name = urlsplit(self._owner).path.lstrip("/")
        self.dsn = self._owner.replace("postgres@", f"{self.name}@", 1)

    async def execute(self, sql: str, *, ends_sessions: bool = False) -> None:
        # whoever mends it is not to be stopped by the fault
        whole = {"default_transaction_read_only": "off", "transaction_timeout": "0"}
        connection = await asyncpg.connect(self._owner, server_settings=whole)
        try:
            await connection.execute(sql.replace("{name}", self.name))
            if ends_sessions:
                await connection.execute(_END.replace("{name}", self.name))
        finally:
            await connection.close()

    async def seen(self) -> list[int]:
        connection = await asyncpg.connect(self._owner)
        try:
            return [row[0] for row in await connection.fetch("select record from stage.seen order by record")]
        finally:
            await connection.close()


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    made = Database(postgres_server)
    await made.execute('create role "{name}" login')
    await made.execute(fence_ddl("stage") + "create table stage.seen(record bigint)")
    await made.execute('grant all on schema stage to "{name}"; grant all on all tables in schema stage to "{name}"')
    yield made
    postgres_server.drop_database(made.dsn)


class Running:
    """A worker with its relay, at work."""

    def __init__(self, bus: LocalBus, pool: Any, worker: Worker[Any], task: "asyncio.Task[None]") -> None:
        self.bus, self.pool, self.worker, self.task = bus, pool, worker, task
        self.sent = 0

    async def send(self, count: int) -> None:
        numbers = range(self.sent, self.sent + count)
        await self.bus.publish([Outgoing("in", b"k", b"%d" % n, 0, 1000 + n) for n in numbers])
        self.sent += count

    async def all_arrived(self) -> bool:
        return [r.value async for r in self.bus.read(OUT)] == [b"%d" % n for n in range(self.sent)]

    def waits(self) -> str:
        return "; ".join(self.worker.unready())


@pytest.fixture
async def running(database: Database) -> AsyncIterator[Running]:
    pool, clock = await create_pool(database.dsn), SystemClock()
    bus = LocalBus({"in": 1, "out": 1}, clock)
    fence, settings = PostgresFence(pool, "stage", group="g"), LaneSettings(max_records=4, idle_s=0.2, stuck_s=0.0)
    worker = Worker(bus, ["in"], fence, Stage(), settings, clock, companions=[relay(fence, bus, "g", settings, clock)])
    await worker.start()
    made = Running(bus, pool, worker, asyncio.create_task(worker.run()))
    yield made
    await worker.stop()
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)
    await pool.close()


async def until(true: Callable[[], Awaitable[bool] | bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


def warnings(logs: Sequence[Any]) -> list[str]:
    """Return what an operator is told: no more than one line for each state the database went through."""
    assert not [log for log in logs if log["event"] == "lane_failed"], logs
    said = [log for log in logs if log["event"] == "database_away"]
    assert len({log["state"] for log in said}) == len(said), said
    return [str(log["reason"]) for log in said]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_database_that_is_otherwise_is_waited_for(database: Database, running: Running, fault: Fault) -> None:
    """Not ready with a sentence, one warning for each state, nobody ends (not even with `stuck_s` at 0); then it goes
    on by itself, with nothing lost and nothing twice."""
    await running.send(6)
    await until(running.all_arrived)
    with structlog.testing.capture_logs() as logs:
        await database.execute(fault.hurt, ends_sessions=fault.ends_sessions)
        await running.send(6)
        await until(lambda: fault.words in running.waits())
        await asyncio.sleep(1.5)  # a few more attempts, which are to say nothing
        assert not running.task.done()
        await database.execute(fault.heal)
        await until(running.all_arrived)
        await until(lambda: not running.waits())
    assert any(fault.words in said for said in warnings(logs))
    assert [log["event"] for log in logs].count("database_away_over") == 1
    assert await database.seen() == list(range(12))


async def test_a_migration_under_a_running_service_is_one_retry(database: Database, running: Running) -> None:
    """Statements that were prepared before a column was added are prepared anew; nothing ends."""
    await running.send(6)
    await until(running.all_arrived)
    with structlog.testing.capture_logs() as logs:
        await database.execute(
            "alter table stage.seen add column more int; alter table stage.seen alter record type numeric"
        )
        await running.send(6)
        await until(running.all_arrived)
        await until(lambda: not running.waits())
    assert len(warnings(logs)) <= 1
    assert not running.task.done()
    assert await database.seen() == list(range(12))


async def test_a_server_that_is_stopped_for_a_while_ends_nobody(database: Database, running: Running) -> None:
    """Killed and started again: lane and relay wait meanwhile."""
    await running.send(6)
    await until(running.all_arrived)
    with structlog.testing.capture_logs() as logs:
        database.server.kill()
        try:
            await running.send(6)
            await until(lambda: "does not answer" in running.waits())
            await asyncio.sleep(2)
        finally:
            database.server.start()
        await until(running.all_arrived)
        await until(lambda: not running.waits())
    assert len(warnings(logs)) <= 2  # it also refuses while it starts
    assert await database.seen() == list(range(12))


async def test_a_carrier_waits_for_the_repair_of_an_older_database(database: Database) -> None:
    """Nothing is written, and no error reaches Faust: it would end the process, again and again."""
    pool, ahead = await create_pool(database.dsn), {"published": 7}

    async def published(at: TopicPartition) -> dict[TopicPartition, int]:
        return {at: ahead["published"]}

    lanes = FencedLanes(PostgresFence(pool, "stage", published=published), Stage(), SystemClock())
    with structlog.testing.capture_logs() as logs:
        applying = asyncio.create_task(lanes.apply(AT, [Record(n, n, None, b"") for n in range(3)]))
        await until(lambda: any("proofwatch restore relay --schema stage" in said for said in lanes.unready()))
        await asyncio.sleep(1)
        assert await database.seen() == []
        ahead["published"] = 0
        await applying
    assert len([each for each in logs if each["log_level"] == "warning"]) == 1
    assert not lanes.unready()
    assert await database.seen() == list(range(3))
    await pool.close()


async def test_a_carrier_that_must_see_no_error_waits_likewise(database: Database) -> None:
    """The windows stage hangs below Faust: `apply` returns when the records are durable, whatever happened."""
    pool = await create_pool(database.dsn)
    lanes = FencedLanes(PostgresFence(pool, "stage"), Stage(), SystemClock())
    await lanes.apply(AT, [Record(n, n, None, b"") for n in range(3)])
    fault = FAULTS["read-only after a failover"]
    with structlog.testing.capture_logs() as logs:
        await database.execute(fault.hurt, ends_sessions=True)
        applying = asyncio.create_task(lanes.apply(AT, [Record(n, n, None, b"") for n in range(3, 6)]))
        await until(lambda: any(fault.words in said for said in lanes.unready()))
        assert await lanes.position(AT) == 3
        await database.execute(fault.heal)
        await applying
    assert any(fault.words in said for said in warnings(logs))
    assert not lanes.unready()
    assert await database.seen() == list(range(6))
    await pool.close()
