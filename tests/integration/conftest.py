"""One database server for the runs of standalone mode, which else start and end one each."""

from collections.abc import Iterator

import pytest

from services.standalone import runner
from tests.support.postgres_server import PostgresServer
from tests.support.standalone_databases import StandaloneDatabases


@pytest.fixture(scope="session")
def shared_server(postgres_server: PostgresServer) -> Iterator[None]:
    """Every run gets an empty database of its own on the session's server; `day` of standalone's tests does not."""
    databases = StandaloneDatabases(postgres_server)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "EmbeddedPostgres", databases.one)
        yield
