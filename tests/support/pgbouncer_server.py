"""One real pgbouncer in transaction mode before a PostgreSQL server, from Debian's package."""

import asyncio
import os
import pwd
import shutil
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.support.debian import ensure_programs
from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import await_ready, free_port, started

_SBIN = "/usr/sbin"


class PgBouncer:
    """Handle of the running pooler."""

    def __init__(self, runner: NativeRunner, port: int, database: str, user: str) -> None:
        self._runner = runner
        self.dsn = f"postgresql://{user}@127.0.0.1:{port}/{database}"

    def start(self) -> None:
        """Start it and wait until a query passes through it."""
        self._runner.start()
        await_ready("pgbouncer", self._runner, self._probe)

    def kill(self) -> None:
        """SIGKILL it: its clients lose their connections."""
        self._runner.kill()

    def close(self) -> None:
        """End it for good."""
        self._runner.close()

    def _probe(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_look, self.dsn).result()


def _look(dsn: str) -> None:
    async def look() -> None:
        connection = await asyncpg.connect(dsn, timeout=5, statement_cache_size=0)
        try:
            await connection.execute("select 1")
        finally:
            await connection.close()

    asyncio.run(look())


def pgbouncer(dsn: str, *, ignored: str = "", sessions: int = 3) -> PgBouncer:
    """Start it before the database `dsn`, with at most `sessions` of the server for all clients.

    `ignored`: start-up parameters that it drops in silence, as many set-ups let it; by default it refuses them.
    """
    os.environ["PATH"] = f"{os.environ['PATH']}:{_SBIN}" if _SBIN not in os.environ["PATH"] else os.environ["PATH"]
    ensure_programs(["pgbouncer"], ["pgbouncer"])
    parts, scratch, port = urlsplit(dsn), scratch_dir("bouncer"), free_port()
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    database, user = parts.path.lstrip("/"), parts.username or "postgres"
    (scratch / "users").write_text(f'"{user}" ""\n')
    (scratch / "ini").write_text(
        f"[databases]\n{database} = host={host} port={parts.port or 5432} dbname={database} user={user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {scratch}/users\npool_mode = transaction\ndefault_pool_size = {sessions}\n"
        + (f"ignore_startup_parameters = {ignored}\n" if ignored else "")
    )
    uid = None
    if os.geteuid() == 0:  # it refuses to run as root
        uid = pwd.getpwnam("nobody").pw_uid
        for path in (scratch, scratch / "users", scratch / "ini"):
            os.chown(path, uid, -1)
    program = shutil.which("pgbouncer") or "pgbouncer"
    return started(PgBouncer(NativeRunner([program, str(scratch / "ini")], scratch, uid=uid), port, database, user))
