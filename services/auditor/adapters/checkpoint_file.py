"""The append-only file of checkpoints: a line for each, as in an export; it should lie on another machine's disk."""

import os
from pathlib import Path

from proofwatch.audit.export import InvalidExport, checkpoint_line, note_of_line
from proofwatch.audit.note import InvalidNote
from proofwatch.bus.errors import Halted
from services.auditor.ports import Published


class FileUnusable(Halted):
    """The file is not one of ours, or cannot be written; the message names it and what would be right."""


class CheckpointFile:
    """Appends; never writes over what is there but for a last line that a crash cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"the file {path}"

    async def last(self) -> Published | None:
        """Return the last whole line. Raises `FileUnusable`."""
        try:
            body = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileUnusable(f"{self.name} cannot be read: {error.strerror}") from None
        lines = body.split(b"\n")[:-1]
        if not lines:
            return None
        try:
            return Published(*note_of_line(lines[-1]))
        except (InvalidExport, InvalidNote) as error:
            raise FileUnusable(f"{self.name}, line {len(lines)}: {error}; it must be a file of checkpoints") from None

    async def publish(self, published: Published) -> None:
        """Append a line, and wait until the disk has it. Raises `FileUnusable`."""
        line = checkpoint_line(published.place, published.note) + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                self._cut_torn_line(file)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise FileUnusable(f"{self.name} cannot be written: {error.strerror}") from None

    @staticmethod
    def _cut_torn_line(file) -> None:  # type: ignore[no-untyped-def]
        end = file.seek(0, os.SEEK_END)
        if not end:
            return
        file.seek(max(0, end - 65_536))
        tail = file.read()
        if not tail.endswith(b"\n"):
            file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
