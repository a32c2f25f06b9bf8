"""A database that is dumped, and restored to before an erasure: no service works on it until it was told again."""

import asyncio
import base64
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from proofwatch.audit.note import SigningKey
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.privacy.key_encryption import written
from proofwatch.runtime.migrations import migrate
from services.operations.run import SERVICES
from services.privacy.adapters.replay import remember
from tests.integration.access.house import make_passwords_cheap
from tests.integration.privacy.broker import broker, coordinated
from tests.integration.privacy.house import KEYS, SECRET, Privacy, subject
from tests.support.kafka_broker import KafkaBroker
from tests.support.postgres_dump import dumped, restored
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ProcessFailed, ServiceProcess, command

SOMEBODY: Final = subject()
WITHOUT: Final = {"scorer", "devices", "combine"}
"""They have no database."""
SAID: Final = (
    "the database was restored to before 1 erasure that privacy.erasures.v1 has, and holds again who was erased: "
    "nothing is read or written. Run `proofwatch erase replay`; this goes on by itself then (docs/backup.md)"
)


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    with broker() as started:
        yield started


def settings(dsn: str, kafka: KafkaBroker, folder: Path) -> Mapping[str, str]:
    """What every process and command is given."""
    key = SigningKey.generate("log.example")
    (folder / "log.pub").write_text(f"{key.verifier.text()}\n")
    (folder / "pictures").mkdir()
    return {
        "PROOFWATCH_POSTGRES_DSN": dsn,
        "PROOFWATCH_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "PROOFWATCH_SUBJECT_TAG_SECRET": base64.b64encode(SECRET).decode(),
        "PROOFWATCH_KEY_ENCRYPTION_KEYS": written(KEYS),
        "PROOFWATCH_AUDIT_SIGNING_KEYS": key.text(),
        "PROOFWATCH_AUDIT_CHECKPOINTS_FILE": str(folder / "checkpoints"),
        "PROOFWATCH_IMAGERY_LOG_KEYS_FILE": str(folder / "log.pub"),
        "PROOFWATCH_IMAGERY_FOLDER": str(folder / "pictures"),
        "PROOFWATCH_IMAGERY_PORT": "0",
        "PROOFWATCH_CONSOLE_PORT": "0",
    }


async def canaries(dsn: str) -> int:
    """Return in how many rows of cases, references and the ledger somebody is."""
    words, total = [f"%{SOMEBODY.subject_ref}%", f"%{SOMEBODY.mark}%"], 0
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("triage.cases", "triage.case_reasons", "imagery.flagged", "ledger.transactions"):
            query = f"select count(*) from {table} t where t::text like any($1)"  # noqa: S608 - ours
            total += await connection.fetchval(query, words)
    finally:
        await connection.close()
    return total


@pytest.mark.timeout(900)
async def test_every_service_waits_for_the_replay_and_says_so_in_one_sentence(
    kafka: KafkaBroker, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each process on a real dump of before: not ready, nothing read; told again, ready, and nobody is there."""
    make_passwords_cheap(monkeypatch)
    dsn = postgres_server.create_database()
    await migrate(dsn)
    pool, bus = await create_pool(dsn), KafkaBus(kafka.bootstrap, "test")
    await bus.start()
    await coordinated(bus)
    privacy = Privacy(pool, bus)
    await privacy.staffed()
    await privacy.lived(subject("canary-earlier"))
    await privacy.erase(subject("canary-earlier"))
    await remember(pool, bus)
    await privacy.lived(SOMEBODY)
    dump, again = tmp_path / "before.dump", postgres_server.create_database()
    await asyncio.to_thread(dumped, dsn, dump)
    await privacy.erase(SOMEBODY)
    await remember(pool, bus)
    await pool.close()
    await bus.stop()
    assert await canaries(dsn) == 0
    await asyncio.to_thread(restored, dump, again)
    assert await canaries(again) == 4

    env = settings(again, kafka, tmp_path)
    processes = [ServiceProcess(name, env, tmp_path) for name in sorted(SERVICES.keys() - WITHOUT)]
    try:
        for each in processes:
            each.start()
        for each in processes:
            await says_that_alone(each)
        with pytest.raises(ProcessFailed, match="holds again who was erased"):
            await asyncio.to_thread(command, "erase", "resume", "no-such", env=env)
        assert await positions(again) == set()
        said = await asyncio.to_thread(command, "erase", "replay", env=env)
        assert said == "1 erasure was told again; the database knows all that were announced\n"
        for each in processes:
            await asyncio.to_thread(each.await_ready)
        assert await canaries(again) == 0
        for each in processes:
            await asyncio.to_thread(each.stop, 60.0)
    finally:
        for each in processes:
            each.close()


async def says_that_alone(process: ServiceProcess) -> None:
    """Wait until nothing else is the matter, as while lanes begin."""
    said, until = "", time.monotonic() + 180
    while said != f"{SAID}\n":
        assert time.monotonic() < until, f"{process.name} says {said}"
        said = await asyncio.to_thread(process.await_unready, SAID)


async def positions(dsn: str) -> set[str]:
    """Return the schemas that have read something."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            schema
            for schema in ("audit", "consents", "imagery", "incidents", "ledger", "notifier", "triage", "windows")
            if await connection.fetchval(f"select count(*) from {schema}.fence where position is not null")  # noqa: S608
        }
    finally:
        await connection.close()
