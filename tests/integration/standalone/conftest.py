"""What the tests of standalone mode share: a database server for their runs, and one day for what only looks at it."""

import fcntl
import io
import os
from contextlib import redirect_stdout

import pytest

from services.cli import main
from services.standalone import runner
from services.standalone.adapters.embedded_postgres import EmbeddedPostgres
from tests.integration.standalone.a_day import EVENTS, ADay


@pytest.fixture(scope="session", autouse=True)
def one_server(shared_server: None) -> None:
    """Before any fixture of a module that runs a command."""


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> ADay:
    """The demo's day on a database server of its own, as a user runs it; once for all processes of a test run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    out, said = shared / "day", shared / "day-said"
    with (shared / "day-lock").open("w") as lock, pytest.MonkeyPatch.context() as patched:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one runs it
        if not said.exists():
            patched.setattr(runner, "EmbeddedPostgres", EmbeddedPostgres)
            with redirect_stdout(io.StringIO()) as closing:
                assert main(["demo", "--events", str(EVENTS), "--headless", "--out", str(out)]) == 0
            said.write_text(closing.getvalue(), encoding="utf-8")
    return ADay(out, said.read_text(encoding="utf-8"))
