"""An export as a folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proofwatch.audit import export

_LONGEST: Final = 4 << 20
_KNOWN = (*export.FILES, export.RANGE)


class NotAnExport(ValueError):
    """The folder is no export; the message says what is missing or too much."""


class Folder:
    """The files of an export, as `verify` reads them."""

    def __init__(self, path: Path) -> None:
        """Raises `NotAnExport`."""
        if not path.is_dir():
            raise NotAnExport(f"{path} is no folder; give the one that `proofwatch audit export --out` wrote")
        there = {each.name for each in path.iterdir()}
        if missing := [name for name in export.FILES if name not in there]:
            raise NotAnExport(f"{path} is no export: {', '.join(missing)} is missing")
        if strange := sorted(there - set(_KNOWN)):
            raise NotAnExport(f"{path} has {strange[0]} too, which is no file of an export; take it away")
        if unusable := [name for name in _KNOWN if name in there and not _is_readable(path / name)]:
            raise NotAnExport(f"{path}: {unusable[0]} cannot be read as a file")
        self._path = path

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file, each with its newline; one that is longer than any of ours comes in pieces."""
        with (self._path / name).open("rb") as file:
            while line := file.readline(_LONGEST):
                yield line

    def body(self, name: str) -> bytes | None:
        """Return a file; None: there is none."""
        path = self._path / name
        return path.read_bytes() if path.exists() else None

    def count(self, name: str) -> int:
        """Return how many lines a file has."""
        with (self._path / name).open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
