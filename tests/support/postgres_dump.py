"""A database as a backup keeps it: pg_dump and pg_restore of the wheel's own release."""

import subprocess
from pathlib import Path

from tests.support.postgres_server import wheel_binaries


def dumped(dsn: str, to: Path) -> None:
    """Write all of a database to a file."""
    _run("pg_dump", "--format=custom", "--file", str(to), dsn)


def restored(dump: Path, dsn: str) -> None:
    """Restore a dump into a database that is empty."""
    _run("pg_restore", "--exit-on-error", "--dbname", dsn, str(dump))


def _run(program: str, *arguments: str) -> None:
    subprocess.run([str(wheel_binaries() / program), *arguments], check=True, timeout=120)
