"""The database before a service starts: not migrated, another one, of an older release, closed to the user."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from proofwatch.bus.errors import DatabaseUnfit
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator import app as aggregator
from services.consents import app as consents
from services.notifier import app as notifier
from services.triage import app as triage

NOBODY = "127.0.0.1:1"
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE="


async def _windows(dsn: str) -> Service:
    return await aggregator.connect_windows(aggregator.GovernedSettings(postgres_dsn=dsn, kafka_bootstrap=NOBODY))


async def _ledger(dsn: str) -> Service:
    return await aggregator.connect_ledger(aggregator.LedgerSettings(postgres_dsn=dsn, kafka_bootstrap=NOBODY))


async def _incidents(dsn: str) -> Service:
    return await aggregator.connect_incidents(aggregator.Settings(postgres_dsn=dsn, kafka_bootstrap=NOBODY))


async def _triage(dsn: str) -> Service:
    return await triage.connect(triage.Settings(postgres_dsn=dsn, kafka_bootstrap=NOBODY, subject_tag_secret=SECRET))


async def _notifier(dsn: str) -> Service:
    return await notifier.connect(notifier.Settings(postgres_dsn=dsn, kafka_bootstrap=NOBODY))


async def _consents(dsn: str) -> Service:
    return await consents.connect(
        consents.Settings(postgres_dsn=dsn, kafka_bootstrap=NOBODY, subject_tag_secret=SECRET)
    )


CONNECT = {
    "windows": _windows,
    "ledger": _ledger,
    "incidents": _incidents,
    "triage": _triage,
    "notifier": _notifier,
    "consents": _consents,
}
every_service = pytest.mark.parametrize(("schema", "connect"), CONNECT.items(), ids=CONNECT)
Connect = Callable[[str], Awaitable[Service]]


async def refusal(connect: Connect, dsn: str) -> str:
    """Return the one line with which the service does not start."""
    with pytest.raises(DatabaseUnfit) as caught:
        await connect(dsn)
    said = str(caught.value)
    assert "\n" not in said
    return said


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@every_service
async def test_before_the_migration_a_service_does_not_start(postgres_dsn: str, schema: str, connect: Connect) -> None:
    """One line says what to run; nothing is tried twenty times a second."""
    said = await refusal(connect, postgres_dsn)
    assert f"has no schema '{schema}': run `proofwatch migrate` first" in said


@every_service
async def test_a_database_that_does_not_exist_is_named(postgres_dsn: str, schema: str, connect: Connect) -> None:
    """A mistyped DSN is not waited for."""
    said = await refusal(connect, postgres_dsn.replace("/test_", "/text_", 1))
    assert "has no such database: check PROOFWATCH_POSTGRES_DSN" in said


@every_service
async def test_an_older_schema_is_refused_and_a_newer_one_taken(
    postgres_dsn: str, schema: str, connect: Connect
) -> None:
    """While an upgrade rolls, the database is migrated first and both releases work on it; not the other way round."""
    await migrate(postgres_dsn)
    await execute(postgres_dsn, "update proofwatch.migrations set revision = 0")
    said = await refusal(connect, postgres_dsn)
    assert f"schema '{schema}'" in said
    assert "has revision 0, this release needs" in said
    await execute(postgres_dsn, "update proofwatch.migrations set revision = 99, digest = 'of a later release'")
    assert await migrate(postgres_dsn) == [], "a later release's tables are left alone"
    with pytest.raises(Exception, match="Kafka does not answer"):  # so far it came
        await connect(postgres_dsn)


@every_service
async def test_a_user_without_rights_is_told_which_table(postgres_dsn: str, schema: str, connect: Connect) -> None:
    """Neither the schema nor its tables may be used: each is one line."""
    await migrate(postgres_dsn)
    name = urlsplit(postgres_dsn).path.lstrip("/")
    await execute(postgres_dsn, f'create role "{name}" login')
    mine = postgres_dsn.replace("postgres@", f"{name}@", 1)
    try:
        assert f"permission denied for schema {schema}" in await refusal(connect, mine)
        await execute(postgres_dsn, f'grant usage on schema {schema} to "{name}"')
        assert f"denies this user to read and write {schema}." in await refusal(connect, mine)
    finally:
        await execute(postgres_dsn, f'drop owned by "{name}"; drop role "{name}"')
