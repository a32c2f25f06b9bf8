"""A database with tables and the roles of `proofwatch acls`: commands are tried with the rights that they get."""

import asyncio
from collections.abc import Iterator, Mapping

from proofwatch.runtime.migrations import migrate
from services.operations.access import PROCESSES, principal_of
from services.operations.access_text import as_sql
from tests.support.postgres_roles import executed, forgotten
from tests.support.postgres_server import PostgresServer


def with_roles(server: PostgresServer) -> Iterator[Mapping[str, str]]:
    """Give the DSN of each role, and that of the superuser; afterwards all of it is gone."""
    dsn = server.create_database()
    database = dsn.partition("?")[0].rpartition("/")[2]
    asyncio.run(executed(dsn, as_sql(database)))
    users = {name: principal_of(name).removeprefix("User:") for name, each in PROCESSES.items() if each.on_postgres()}
    users["migrate"] = principal_of("migrate").removeprefix("User:")
    made = {name: dsn.replace("postgres@", f"{user}@", 1) for name, user in users.items()}
    asyncio.run(migrate(made["migrate"]))
    asyncio.run(executed(dsn, as_sql(database)))
    yield {**made, "superuser": dsn}
    server.drop_database(dsn)
    asyncio.run(forgotten(server.dsn()))
