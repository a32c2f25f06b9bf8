"""Pictures in a folder, BUCKET/KEY below it: for standalone runs and for trying things out."""

import asyncio
import errno
import os
import stat
from pathlib import Path
from typing import Final

from services.imagery.core.location import Location
from services.imagery.ports import NotThere, StoreAway, StoreRefused, TooLarge

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without waiting: a pipe would keep us until somebody writes into it."""


class FolderStore:
    """The files below `root`, without any link on the way to them: each step is opened within the one before."""

    def __init__(self, name: str, root: Path) -> None:
        self._name, self._root = name, root

    async def fetch(self, location: Location, most_bytes: int) -> bytes:
        """See `ports.ImageryStore`."""
        return await asyncio.to_thread(self._read, location, most_bytes)

    def _read(self, location: Location, most_bytes: int) -> bytes:
        parts = (location.bucket, *location.key.split("/"))
        if any(part in ("", ".", "..") or "/" in part or "\x00" in part for part in parts):
            raise StoreRefused(f"the folder {self._name} is asked for what lies outside of it")
        try:
            at = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreAway(f"the folder {self._name} cannot be opened: {error.strerror}") from None
        try:
            for part in parts[:-1]:
                at = self._step(at, part, _FOLDER)
            at = self._step(at, parts[-1], _FILE)
            return self._content(at, most_bytes)
        finally:
            os.close(at)

    def _step(self, at: int, part: str, flags: int) -> int:
        """Return `part` opened within `at`, which is closed if that went well."""
        try:
            opened = os.open(part, flags, dir_fd=at)
        except OSError as error:
            raise self._error(error, at, part) from None
        os.close(at)
        return opened

    def _error(self, error: OSError, at: int, part: str) -> Exception:
        if error.errno == errno.ENOENT:
            return NotThere(f"the folder {self._name} has no such file")
        if error.errno == errno.ENOTDIR and not _is_link(at, part):
            return NotThere(f"the folder {self._name} has no such file")
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return StoreRefused(f"the folder {self._name} has a link on the way to the file; links are not followed")
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE):
            return StoreAway(f"the folder {self._name} cannot be read now: {error.strerror}")
        return StoreRefused(f"the folder {self._name} does not give the file: {error.strerror}")

    def _content(self, at: int, most_bytes: int) -> bytes:
        found = os.fstat(at)
        if stat.S_ISDIR(found.st_mode):
            raise NotThere(f"the folder {self._name} has no such file")
        if not stat.S_ISREG(found.st_mode):
            raise StoreRefused(f"the folder {self._name} has something there that is no file")
        with os.fdopen(os.dup(at), "rb") as file:
            data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise TooLarge(f"the file in the folder {self._name} has more than {most_bytes:,} bytes")
        return data


def _is_link(at: int, part: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=at, follow_symlinks=False).st_mode)
    except OSError:
        return False
