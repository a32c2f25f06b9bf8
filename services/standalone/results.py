"""Writes what a run published, as files that people and tools can read."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import orjson

from proofwatch.bus.records import Outgoing, Record
from proofwatch.events import topics
from proofwatch.events.codec import LABEL
from proofwatch.events.rejected import Rejected
from services.aggregator.queries.baseline_source import FILE as BASELINES
from services.standalone.folder_lock import FolderLock, Unwritable

__all__ = ["Results", "Unwritable"]

_FILES: Final = {
    topics.VERDICTS: "verdicts.jsonl",
    topics.WINDOWS: "windows.jsonl",
    topics.ANOMALIES: "anomalies.jsonl",
    topics.NOTIFICATIONS: "notifications.jsonl",
}
_INPUTS: Final = {topics.TRANSACTIONS: "transactions.jsonl", topics.LABELS: "labels.jsonl"}
_DEAD_LETTERS: Final = "dead_letters.jsonl"
_AT_THE_END: Final = (
    "cases.jsonl",
    "incidents.jsonl",
    "markers.jsonl",
    BASELINES,
    "policy.json",
    "summary.json",
    "report.html",
)
"""What is written of a run as a whole: an earlier run's is no part of this one, however it ends."""


class Results:
    """The files of one run, in `directory`; lines are exactly the bytes that were published, in that order.

    A topic has one partition here, so verdicts stand in the order of the input.
    """

    def __init__(self, directory: Path) -> None:
        """Raises `Unwritable`."""
        self.directory = directory
        self._files: dict[str, BinaryIO] = {}
        self._lock: FolderLock | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(directory)
            for name in _AT_THE_END:
                (directory / name).unlink(missing_ok=True)
            for name in (*_FILES.values(), *_INPUTS.values(), _DEAD_LETTERS):
                self._files[name] = (directory / name).open("wb")
        except OSError as error:
            self.close()
            problem = error.strerror or type(error).__name__
            raise Unwritable(f"{directory}: cannot be written to ({problem}); give another directory") from error

    def write_output(self, topic: str, records: Sequence[Record]) -> None:
        """Append what was published on a topic that has a file."""
        if name := _FILES.get(topic):
            self._write(name, (record.value for record in records if record.value is not None))

    def write_input(self, records: Iterable[Outgoing]) -> None:
        """Append what was sent: the input of `proofwatch explain` and `proofwatch backtest`.

        Labels that nobody can read are left to the dead letters: a backtest takes none of them for the truth.
        """
        for record in records:
            name = _INPUTS.get(record.topic)
            if name is None or record.value is None or (record.topic == topics.LABELS and not _readable(record.value)):
                continue
            self._write(name, (record.value,))

    def write_dead_letters(self, described: Iterable[bytes]) -> None:
        """Append dead letters as an operator reads them."""
        self._write(_DEAD_LETTERS, described)

    def write_lines(self, name: str, rows: Iterable[Any]) -> None:
        """Write a whole file of JSON lines."""
        with (self.directory / name).open("wb") as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def write_document(self, name: str, content: Any) -> None:
        """Write one indented JSON document."""
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        (self.directory / name).write_bytes(orjson.dumps(content, option=options))

    def order_notifications(self) -> None:
        """Put the notifications in the order of their causes; what is fed at once decides in which they were made."""
        path = self.directory / _FILES[topics.NOTIFICATIONS]
        self._files[path.name].flush()
        lines: list[bytes] = path.read_bytes().splitlines(keepends=True)
        lines.sort(key=_caused)
        path.write_bytes(b"".join(lines))

    def flush(self) -> None:
        """Let whoever opens the files now read all that was written."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Close the files, and let other runs write here."""
        for file in self._files.values():
            file.close()
        if self._lock is not None:
            self._lock.release()

    def _write(self, name: str, lines: Iterable[bytes]) -> None:
        self._files[name].writelines(line + b"\n" for line in lines)


class _Caused(msgspec.Struct):
    created_at: datetime
    notification_id: str


_decode_caused = msgspec.json.Decoder(_Caused).decode


def _caused(notification: bytes) -> tuple[datetime, str]:
    found = _decode_caused(notification)
    return found.created_at, found.notification_id


def _readable(label: bytes) -> bool:
    try:
        LABEL.decode(label)
    except Rejected:
        return False
    return True
