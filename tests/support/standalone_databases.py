"""Databases for runs of standalone mode on a server that is there, in place of a server for each run."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Final
from uuid import uuid4

from proofwatch.runtime.migrations import migrate
from tests.support.postgres_server import PostgresServer

_LASTS: Final = "synchronous_commit = off"
"""As on a run's own server, whose database nobody reads after a crash."""


class StandaloneDatabases:
    """What stands for `EmbeddedPostgres`: a copy of a database that is migrated once."""

    def __init__(self, server: PostgresServer) -> None:
        """`server` runs already: to announce its start while a test has redirected what is written undoes that."""
        self._server = server

    @contextmanager
    def one(self) -> Iterator["_Database"]:
        """Give an empty database with all tables; it is dropped at the end."""
        server = self._server
        name = f"standalone_{uuid4().hex[:12]}"
        dsn = server.create_database(name, self._template)
        try:
            server.execute(f'alter database "{name}" set {_LASTS}')
            yield _Database(dsn)
        finally:
            server.drop_database(dsn)

    @cached_property
    def _template(self) -> str:
        name = f"template_{uuid4().hex[:12]}"
        dsn = self._server.create_database(name)
        with ThreadPoolExecutor(1) as thread:  # a run has an event loop already
            thread.submit(asyncio.run, migrate(dsn)).result()
        return name


class _Database:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
