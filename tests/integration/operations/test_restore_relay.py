"""`proofwatch restore relay` against a real Kafka and PostgreSQL, with lanes and a relay as services run them."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.runtime.migrations import migrate
from services.operations import restore
from tests.contract.test_bus_kafka import Stored
from tests.contract.worlds import CLOCK, World, eventually, kafka_world, shows
from tests.support.kafka_broker import KafkaBroker

_OLDER = """
update ledger.fence set position = 8, outbox_seq = 4;
update ledger.outbox_relay set position = 3;
delete from ledger.outbox;
insert into ledger.outbox (source_topic, source_partition, seq, topic, partition, key, value, timestamp_ms,
                           header_names, header_values)
select topic, partition, 3, $$%s$$, null, 'k', '3', 0, '{}', '{}' from ledger.fence
"""
"""As after a restore: four outputs written, three known to be published; what follows is not written once more."""


@pytest.fixture
async def world(kafka_broker: KafkaBroker) -> AsyncIterator[World]:
    """Kafka with two topics of one partition, beside the topic of positions."""
    made = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1}, {"retention.ms": "-1"})
    yield made
    await made.close()


async def test_an_older_database_is_taken_into_service(
    world: World, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused with the command to run; refused while members are there; shown; done; the relay goes on.

    The position would come back from beside the outputs if only the group's offset were set.
    """
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    args = argparse.Namespace(act=restore.move_relay, bootstrap=world.bootstrap, dsn=postgres_dsn, schema="ledger")
    args.operator = args.note = args.session = None
    args.yes = False
    check = argparse.Namespace(act=restore.check, bootstrap=world.bootstrap, dsn=postgres_dsn)

    async def command(arguments: argparse.Namespace) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(restore.run, arguments)
        return code, *capsys.readouterr()

    async def published() -> list[bytes | None]:
        return await world.values("out")

    first, running = await _serving(world, pool)
    values = [b"%d" % n for n in range(8)]
    await world.publish("in", values)
    await shows(published, values)
    code, _, said = await command(args)
    assert code == 1
    assert "group ledger has members: stop every process of ledger first" in said
    await first.stop()
    await running

    await pool.execute(_OLDER % world.name("out"))
    second, running = await _serving(world, pool)
    wanted = "`proofwatch restore relay --schema ledger --yes --operator … --note …`"
    await eventually(lambda: any(wanted in reason for reason in second.unready()))
    stands = "select position, outbox_seq from ledger.fence"
    before = await pool.fetchrow(stands)
    await world.publish("in", [b"8"])
    await asyncio.sleep(2)
    assert await pool.fetchrow(stands) == before, "the lane waits beside its relay"
    assert len(second.unready()) == 1
    assert not running.done()
    await second.stop()
    await running

    code, said, _ = await command(check)
    assert code == 1
    assert wanted in said
    code, said, _ = await command(args)
    assert code == 1
    where = f"{world.name('in')}/0"
    assert f"group ledger-relay: {where} would be set from 8 to 3" in said
    assert "nothing was written" in said
    args.yes, args.note, args.operator = True, "restored to 09:00", "r.mehta"
    code, said, logged = await command(args)
    assert code == 0
    assert f"group ledger-relay: {where} is set from 8 to 3" in said
    assert "relay_position_set" in logged
    assert "restored to 09:00" in logged

    args.yes = False

    async def relay_stands() -> tuple[int, str]:
        return (await command(args))[:2]

    nothing = "group ledger-relay stands where the outbox stands: nothing to do\n"
    await shows(relay_stands, (0, nothing))
    await World(world.bus, "", world.bootstrap).forget("ledger-relay")
    await shows(lambda: world.bus.positions("ledger-relay", world.name("in")), {})
    await shows(relay_stands, (0, nothing))  # the record beside the outputs says the same

    third, running = await _serving(world, pool)
    await shows(published, [*values, b"3", b"8"])
    assert not third.unready()
    await third.stop()
    await running
    await pool.close()


async def _serving(world: World, pool: "asyncpg.Pool") -> tuple[Worker[Any], "asyncio.Task[None]"]:
    fence = outbox_fence(pool, "ledger", world.bus, "ledger", [world.name("in")])
    settings = LaneSettings(max_records=7, idle_s=0.2, heartbeat_s=0.1)
    made = Worker(
        world.bus,
        [world.name("in")],
        fence,
        Stored(world.name("out")),
        settings,
        CLOCK,
        companions=[relay(fence, world.bus, "ledger", settings, CLOCK)],
    )
    world.closers.append(made.stop)
    await made.start()
    return made, asyncio.create_task(made.run())
