"""A backup from beginning to end on a real Kafka and PostgreSQL: checked, lost, restored, taken into service again."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from confluent_kafka.admin import AdminClient

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import WINDOW
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator.app import LedgerSettings, connect_ledger
from services.cli import main
from tests.contract.worlds import eventually, shows
from tests.integration.aggregator.test_ledger import DAY, label, verdict
from tests.support.kafka_broker import KafkaBroker, native_kafka
from tests.support.postgres_server import PostgresServer

NARROW = [part for topic in (topics.TRANSACTIONS, topics.LABELS) for part in ("--partitions", f"{topic}=1")]
SOURCE = TopicPartition(topics.VERDICTS, 0)
OLDER = "`proofwatch restore relay --schema ledger --yes --operator … --note …`"


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    """A broker of its own: topics have the names of a deployment here."""
    started = native_kafka()
    yield started
    started.close()


class Deployment:
    """The ledger of a deployment, its database and its topics; commands as an operator gives them."""

    def __init__(self, bootstrap: str, server: PostgresServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.bootstrap, self.server, self.dsn = bootstrap, server, server.create_database()
        self._capsys = capsys

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Return exit code and everything that was said."""
        self._capsys.readouterr()
        code = await asyncio.to_thread(main, [*arguments, "--bootstrap", self.bootstrap])
        return code, "".join(self._capsys.readouterr())

    async def check(self, what: str) -> tuple[int, str]:
        return await self.command(what, "check", "--dsn", self.dsn)

    def copied(self, dsn: str) -> str:
        """Return a copy of a database, as a backup and a restore make one."""
        return self.server.create_database(template=urlsplit(dsn).path.removeprefix("/"))

    @asynccontextmanager
    async def ledger(self, accept: str = "") -> AsyncIterator[Service]:
        """The service as its process runs it."""
        settings = LedgerSettings(
            postgres_dsn=self.dsn, kafka_bootstrap=self.bootstrap, idle_seconds=0.2, accept_new_topics=accept
        )
        service = await connect_ledger(settings)
        await service.start()
        running = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            await service.stop()
            await asyncio.wait([running], timeout=20)

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[KafkaBus]:
        bus = KafkaBus(self.bootstrap, "test")
        await bus.start()
        yield bus
        await bus.stop()

    async def send(self, records: Sequence[Outgoing]) -> None:
        async with self.bus() as bus:
            await bus.publish(records)

    async def values(self, topic: str) -> list[bytes]:
        async with self.bus() as bus:
            return [
                record.value
                for partition in range(await bus.partitions(topic))
                async for record in bus.read(TopicPartition(topic, partition))
                if record.value
            ]

    async def windows(self) -> set[tuple[str, int]]:
        """Return id and revision of every window that was published, by which receivers drop what comes again."""
        read = [WINDOW.decode(value) for value in await self.values(topics.WINDOWS)]
        return {(each.window_id, each.revision) for each in read}

    async def more_windows_than(self, count: int) -> set[tuple[str, int]]:
        async def more() -> bool:
            return len(await self.windows()) > count

        await shows(more, True)
        return await self.windows()

    async def stands(self) -> list[list[tuple[Any, ...]]]:
        """Return what the database holds: its positions and its transactions."""
        connection = await asyncpg.connect(self.dsn)
        try:
            fence = await connection.fetch("select topic, partition, position, outbox_seq from ledger.fence order by 1")
            rows = await connection.fetch(
                "select transaction_id, pair_class, logged_ms from ledger.transactions order by 1"
            )
        finally:
            await connection.close()
        return [list(map(tuple, fence)), list(map(tuple, rows))]

    async def known(self) -> list[str]:
        """Return the transactions whose verdict the database has."""
        return [transaction for transaction, _, logged in (await self.stands())[-1] if logged]

    async def made_anew(self, topic: str, values: Sequence[bytes]) -> str:
        """Restore a topic: made anew, with these values from its first offset on; return `name=id`."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        await asyncio.to_thread(admin.delete_topics([topic])[topic].result)

        async def applied() -> int:
            return (await self.command("topics", "apply", *NARROW))[0]

        await shows(applied, 0)
        await self.send([Outgoing(topic, b"bank/s", value, 0) for value in values])
        async with self.bus() as bus:
            return f"{topic}={(await bus.topic(topic)).id}"


@pytest.fixture
async def deployed(
    broker: KafkaBroker, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> Deployment:
    made = Deployment(broker.bootstrap, postgres_server, capsys)
    await migrate(made.dsn)
    assert (await made.command("topics", "apply", *NARROW))[0] == 0
    return made


def day(number: int) -> list[Outgoing]:
    """Three labelled transactions of a day."""
    at = DAY + timedelta(days=number)
    ids = [f"d{number}-{n}" for n in range(3)]
    return [*(verdict(each, at=at) for each in ids), *(label(each, at=at, pair="genuine") for each in ids)]


IDS = [[f"d{number}-{n}" for n in range(3)] for number in range(3)]


async def test_a_database_and_a_topic_are_lost_restored_and_taken_into_service(deployed: Deployment) -> None:
    """Checked before; the older database alone; then both, the topic no further than the database."""
    assert (await deployed.check("backup"))[0] == 0
    async with deployed.ledger() as service:
        await deployed.send(day(0))
        await shows(deployed.known, IDS[0])
        await eventually(lambda: not service.unready())
        first = await deployed.more_windows_than(0)
    code, said = await deployed.check("backup")
    assert code == 0, said
    assert "what is needed can be restored" in said
    row = next(line.split() for line in said.splitlines() if line.startswith(f"ledger of {topics.VERDICTS}"))
    assert row[3:5] == ["PostgreSQL", "1"]
    assert row[-1] == "yes"
    backup = deployed.copied(deployed.dsn)

    async with deployed.ledger():
        await deployed.send(day(1))
        await shows(deployed.known, IDS[0] + IDS[1])
        both = await deployed.more_windows_than(len(first))

    # The database is lost, Kafka is not.
    deployed.dsn = deployed.copied(backup)
    code, said = await deployed.check("backup")
    assert code == 0, said
    assert "yes, with restore relay" in said
    assert OLDER in said
    code, said = await deployed.check("restore")
    assert code == 1
    assert OLDER in said
    before = await deployed.stands()
    async with deployed.ledger() as service:
        wanted = OLDER.removesuffix("`").removeprefix("`")
        await eventually(lambda: any(wanted in reason for reason in service.unready()))
        await asyncio.sleep(2)
        assert await deployed.stands() == before, "nothing is written meanwhile"
    relayed = ["restore", "relay", "--schema", "ledger", "--dsn", deployed.dsn, "--yes", "--operator", "r.mehta"]
    relayed += ["--note", "restored"]
    await shows(lambda: _code(deployed, *relayed), 0)
    assert (await deployed.check("restore"))[0] == 0
    async with deployed.ledger() as service:
        await shows(deployed.known, IDS[0] + IDS[1])
        await eventually(lambda: not service.unready())
        await shows(deployed.windows, both)

    # The topic is lost too, and its mirror holds less than the database was read up to.
    values = await deployed.values(topics.VERDICTS)
    assert len(values) == 6
    await deployed.made_anew(topics.VERDICTS, values[:3])
    code, said = await deployed.check("restore")
    assert code == 1
    assert f"ledger: {topics.VERDICTS}/0 was read up to 6, but the topic ends at 3" in said
    code, said = await deployed.check("backup")
    assert code == 1
    assert "something that is needed cannot be restored" in said

    # So the database goes back as far, and the operator says that the topic is the one to read.
    deployed.dsn = deployed.copied(backup)
    code, said = await deployed.check("restore")
    assert code == 1
    accept = said.partition("PROOFWATCH_ACCEPT_NEW_TOPICS=")[2].split()[0]
    assert accept.startswith(f"{topics.VERDICTS}=")
    relayed[5] = deployed.dsn
    await shows(lambda: _code(deployed, *relayed), 0)
    async with deployed.ledger(accept) as service:
        await deployed.send(day(2))
        await shows(deployed.known, IDS[0] + IDS[2])
        await eventually(lambda: not service.unready())
    assert (await deployed.check("restore"))[0] == 0
    assert (await deployed.check("backup"))[0] == 0


async def _code(deployed: Deployment, *arguments: str) -> int:
    return (await deployed.command(*arguments))[0]
