"""The example of docs/escalations.md, as it stands there, reads what a real triage tells on a real Kafka."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing
from proofwatch.events import codec, topics
from proofwatch.runtime.migrations import migrate
from services.triage import app
from tests.integration.triage.conftest import LOG_MS, SETTINGS, outgoing
from tests.support.kafka_broker import KafkaBroker
from tests.support.stack import Stack
from tests.unit.triage.events import suspicion

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "follow_escalations.py"
PATIENCE_S = 60
MOST_LINES = 40


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    """A broker of its own, because the topic has a fixed name."""
    with Stack(lambda _: None) as stack:
        stack.kafka.create_topics(topics.kafka_specs(timestamp_type="CreateTime"))
        yield stack.kafka


class Following:
    """The example while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> list[str]:
        """Return the next line in words."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self._process.stdout.readline()).decode().split()

    async def over(self) -> str:
        """Wait until it ends by itself; return what it says then."""
        async with asyncio.timeout(PATIENCE_S):
            _, said = await self._process.communicate()
        assert self._process.returncode == 1
        return said.decode()


@asynccontextmanager
async def following(broker: KafkaBroker) -> AsyncIterator[Following]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), broker.bootstrap, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield Following(process)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_it_prints_a_line_for_each_escalation(own_broker: KafkaBroker, postgres_dsn: str) -> None:
    """Once, whatever is read again; a new process of the group goes on; another version ends it with a word."""
    assert len(EXAMPLE.read_text().splitlines()) <= MOST_LINES
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    bus = KafkaBus(own_broker.bootstrap, "test")
    await bus.start()
    where: dict[str, Any] = {"kafka_bootstrap": own_broker.bootstrap, "postgres_dsn": postgres_dsn}
    triage = await app.connect(SETTINGS.model_copy(update=where))
    await triage.start()
    running = asyncio.create_task(triage.run())

    async def raised(number: int, subject_ref: str) -> str:
        await bus.publish([outgoing(suspicion(number, severity="high", subject_ref=subject_ref), LOG_MS + number)])
        return f"{suspicion(number).occurred_at:%Y-%m-%dT%H:%M:%SZ}"

    async def told(revision: int, **changed: Any) -> None:
        """Tell of the first case as triage did, or nearly."""
        value = msgspec.json.encode({**msgspec.to_builtins(first_told), "revision": revision, **changed})
        await bus.publish([Outgoing(topics.ESCALATIONS, f"acme/{case}".encode(), value, timestamp_ms=LOG_MS)])

    try:
        async with following(own_broker) as example:
            at = await raised(1, "s-1")
            line = await example.line()
            case = line[3]
            assert line == [at, "high", "acme", case, "1", "liveness_failures_persist"]
            at = await raised(2, "s-1")
            assert await example.line() == [at, "high", "acme", case, "2", "liveness_failures_persist"]
            row = await pool.fetchrow("select case_id from triage.cases")
            assert row["case_id"] == case
            first_told = codec.ESCALATION.decode((ROOT / "schemas/examples/escalation/full.json").read_bytes())
            await told(2, case_id=case)
            await told(1, case_id=case)
            await told(3, case_id=case, title="what, where and since when")
            assert (await example.line())[4:] == ["3", "what,", "where", "and", "since", "when"]
        async with following(own_broker) as example:
            at = await raised(3, "s-2")
            again = await example.line()
            if again[3:5] == [case, "3"]:  # it was stopped between the line and the commit
                again = await example.line()
            assert (again[0], again[4]) == (at, "1")
            assert again[3] != case
            await told(4, schema_version=2)
            assert await example.over() == "version 2 of an escalation: this reads version 1\n"
    finally:
        await triage.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bus.stop()
        await pool.close()
