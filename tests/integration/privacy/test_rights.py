"""An erasure with the rights of the role `privacy` and no others, on a real PostgreSQL; and nobody else may forget."""

import asyncio
from collections.abc import Iterator, Mapping

import asyncpg
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.events import topics
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.operations.access import PROCESSES
from services.operations.access_text import as_sql
from services.privacy.adapters.requests import About
from tests.integration.access.house import START, make_passwords_cheap
from tests.integration.privacy.house import Privacy, subject
from tests.support.postgres_roles import executed, forgotten
from tests.support.postgres_server import PostgresServer

SOMEBODY = subject()


@pytest.fixture
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    """A database with the roles and, made by the role of the migrations, the tables; the DSN of each role."""
    dsn = postgres_server.create_database()
    database = dsn.partition("?")[0].rpartition("/")[2]
    asyncio.run(executed(dsn, as_sql(database)))
    names = (*(name for name, each in PROCESSES.items() if each.schema or each.reads_schemas), "migrate")
    made = {name: dsn.replace("postgres@", f"proofwatch-{name}@", 1) for name in names}
    asyncio.run(migrate(made["migrate"]))
    asyncio.run(executed(dsn, as_sql(database)))
    yield {**made, "superuser": dsn}
    postgres_server.drop_database(dsn)
    asyncio.run(forgotten(postgres_server.dsn()))


async def test_the_role_privacy_erases_and_no_other_can(
    dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads and writes its own schema, calls what each schema has for it, and changes no other table by itself."""
    make_passwords_cheap(monkeypatch)
    everything, own = await create_pool(dsns["superuser"]), await create_pool(dsns["privacy"])
    await check_schema(own, "privacy")
    bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, SimulatedClock(ms_of(START)))
    house, limited = Privacy(everything, bus), Privacy(own, bus)
    await house.staffed()
    await house.lived(SOMEBODY)
    about = About(SOMEBODY, frozenset())
    erasure = await limited.requests.request(house.tokens["pia"], about, "asked", house.now)
    await limited.requests.approve(house.tokens["paul"], erasure, house.now)
    done = await limited.erasing.run(erasure)
    assert (done.state, done.done["unlinked"]["ledger_rows"]) == ("done", 1)
    for statement in (
        "delete from triage.cases",
        "update ledger.transactions set transaction_id = 'x'",
        "select * from consents.words",
        "select * from access.people",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await own.execute(statement)
    calls = {
        "triage": "select triage.forget('acme', '{}', now())",
        "imagery": "select imagery.forget('acme', '{}', '{}', now())",
        "consents": "select consents.forget('acme', '{}')",
        "ledger": "select ledger.forget('acme', '{}')",
    }
    for schema in ("triage", "imagery", "consents"):  # retention
        calls[f"{schema} by age"] = f"select * from {schema}.retire(now(), '{{}}', '{{}}', 1)"  # noqa: S608 - ours
    for functions in ("attempts_", "pattern_hits_"):
        calls[f"triage {functions}"] = f"select * from triage.{functions}retire(now(), '{{}}', '{{}}', 1)"  # noqa: S608
    calls["triage attempts of a person"] = "select triage.forget_attempts('acme', '{}')"
    for schema, call in calls.items():
        await own.execute(call)
        for role in ("triage", "imagery", "consents", "ledger"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await executed(dsns[role], call)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsns["fraud"], f"select ledger.ids_of('acme', '', 1) -- {schema}")
    for role in ("triage", "consents", "imagery"):
        await executed(dsns[role], "select * from privacy.suppressed_of('{}', '{}')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await executed(dsns[role], "select * from privacy.keys")
    await own.close()
    await everything.close()
