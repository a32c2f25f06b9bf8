"""Files that are written for good, such as keys and proofs: where there is none yet, whole, and for their owner."""

import os
from pathlib import Path
from typing import Final

OWNER_ALONE: Final = 0o600


class NotNew(ValueError):
    """A file cannot be made where it was named; the message says why."""


def require_new(*paths: Path) -> None:
    """Raise `NotNew` unless files can be made there: to be asked before what is to be written costs anything."""
    for path in paths:
        if os.path.lexists(path):
            raise _there(path)
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK)):
            raise NotNew(f"{path} cannot be written: {path.parent} is no folder that may be written to")


def write_new(path: Path, body: bytes, mode: int = 0o644) -> None:
    """Write a file that does not exist; a link is never followed. Raises `NotNew`; then there is none of ours."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        raise _there(path) from None
    except OSError as error:
        raise NotNew(f"{path} cannot be written: {(error.strerror or 'error').lower()}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise NotNew(f"{path} cannot be written: {(error.strerror or 'error').lower()}") from None


def _there(path: Path) -> NotNew:
    return NotNew(f"{path} exists; it is never written over: name a new file")
