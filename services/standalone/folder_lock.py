"""Whose results go into a folder: one process at a time, as long as it lives.

The lock is the kernel's (flock(2)) on a file of the folder: it goes with the process that holds it, however that ends,
so a file that a dead one left blocks nobody. The file names the process, for whoever has to wait.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

FILE: Final = ".run.lock"


class Unwritable(Exception):
    """The results cannot be written where they should go; the message says why."""


class FolderLock:
    """Holds `directory` from now until `release`."""

    def __init__(self, directory: Path) -> None:
        """Raises `Unwritable` where another process holds it, `OSError` where nothing can be written there."""
        self._path = directory / FILE
        self._file = _locked(directory, self._path)
        os.truncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Let others in; a second time it is nothing."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)  # while it is held: whoever waits for this file looks for it again
            os.close(self._file)
            self._file = -1


def _locked(directory: Path, path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(file, path):
                return file
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode(errors="replace")
            os.close(file)
            who = f" (process {holder})" if holder.isdigit() else ""
            raise Unwritable(
                f"{directory}: another run{who} is writing its results here; wait until it is done, or give another "
                "directory"
            ) from None
        os.close(file)


def _is_there(file: int, path: Path) -> bool:
    """Return whether the open file is still the one of that name: its holder may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
