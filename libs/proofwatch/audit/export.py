"""The files of an export, each written in one way only, so that a byte that changes is a byte that is noticed.

entries.jsonl       index, leaf in base64, and the entry that the leaf says, a line for each
checkpoints.jsonl   every checkpoint that was published for these entries, as signed notes
checkpoint.txt      the last of them
keys.json           the log's origin, the keys it signs with, and the witnesses whose lines stand in the notes
range.json          of a part of a log only: the hashes of what lies before and after
"""

import base64
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct

from proofwatch.audit.entry import UNREADABLE
from proofwatch.audit.keys import InForce, LogKeys
from proofwatch.audit.merkle import ProofRefused, Range
from proofwatch.audit.note import InvalidNote, Note, VerifierKey

T = TypeVar("T", bound=Struct)

ENTRIES: Final = "entries.jsonl"
CHECKPOINTS: Final = "checkpoints.jsonl"
CHECKPOINT: Final = "checkpoint.txt"
KEYS: Final = "keys.json"
RANGE: Final = "range.json"
FILES: Final = (ENTRIES, CHECKPOINTS, CHECKPOINT, KEYS)
"""What every export has."""


class InvalidExport(ValueError):
    """A line or a file of an export is not as an export is written; the message says how it should be."""


class _EntryLine(Struct, forbid_unknown_fields=True):
    index: int
    leaf: bytes
    entry: Raw


class _CheckpointLine(Struct, forbid_unknown_fields=True):
    index: int
    note: str


class _Key(Struct, forbid_unknown_fields=True):
    key: str
    added: int
    retired: int | None


class _Keys(Struct, forbid_unknown_fields=True):
    version: Literal[1]
    origin: str
    log_keys: list[_Key]
    witness_keys: list[str]


class _Range(Struct, forbid_unknown_fields=True):
    begin: int
    end: int
    size: int
    checkpoints: list[int]
    before: list[bytes]
    after: list[bytes]


class Keys(NamedTuple):
    """keys.json: what an export says of keys; whether the log's keys are true, its entries say."""

    origin: str
    log: LogKeys
    witnesses: list[VerifierKey]

    def body(self) -> bytes:
        """Return the file."""
        keys = [_Key(each.key.text(), each.added, each.retired) for each in self.log.keys]
        return _pretty(_Keys(1, self.origin, keys, [each.text() for each in self.witnesses]))


class Part(NamedTuple):
    """range.json: of a log of `after.end` entries, those from `before.end` to `after.begin` are in the export.

    `checkpoints`: which of those that were published; None: all, from the first on.
    """

    before: Range
    after: Range
    checkpoints: tuple[int, ...] | None = None

    def body(self) -> bytes:
        """Return the file."""
        before, after, indices = self.before, self.after, list(self.checkpoints or ())
        return _pretty(_Range(before.end, after.begin, after.end, indices, before.hashes, after.hashes))


_ENTRY: Final = msgspec.json.Decoder(_EntryLine)
_CHECKPOINT: Final = msgspec.json.Decoder(_CheckpointLine)


def entry_line(index: int, leaf: bytes) -> bytes:
    """Return the line of an entry, without its newline; the leaf is the entry's JSON as it stands."""
    return b'{"index":%d,"leaf":"%s","entry":%s}' % (index, base64.b64encode(leaf), leaf)


def leaf_of_line(line: bytes) -> tuple[int, bytes]:
    """Return the index and the leaf of a line. Raises `InvalidExport`."""
    try:
        read = _ENTRY.decode(line)
    except UNREADABLE as error:
        raise InvalidExport(str(error)) from None
    if line != entry_line(read.index, read.leaf):
        raise InvalidExport("the fields do not agree with the leaf, or the line is written in another way")
    return read.index, read.leaf


def checkpoint_line(index: int, note: Note) -> bytes:
    """Return the line of a checkpoint, without its newline."""
    return msgspec.json.encode(_CheckpointLine(index, note.body().decode()))


def note_of_line(line: bytes) -> tuple[int, Note]:
    """Return the place among the published checkpoints, and the note. Raises `InvalidExport` or `InvalidNote`."""
    try:
        read = _CHECKPOINT.decode(line)
    except UNREADABLE as error:
        raise InvalidExport(str(error)) from None
    note = note_of(read.note.encode())
    if line != checkpoint_line(read.index, note):
        raise InvalidExport("the line is written in another way")
    return read.index, note


def note_of(body: bytes) -> Note:
    """Return the note of a file. Raises `InvalidNote`, also where a note has a second way to be written."""
    note = Note.parse(body)
    if note.body() != body:
        raise InvalidNote("the note is written in another way")
    return note


def keys_of(body: bytes) -> Keys:
    """Return what keys.json says. Raises `InvalidExport` or `InvalidNote`."""
    read = _decoded(body, _Keys)
    log = LogKeys([InForce(VerifierKey.parse(each.key), each.added, each.retired) for each in read.log_keys])
    keys = Keys(read.origin, log, [VerifierKey.parse(each) for each in read.witness_keys])
    if keys.body() != body:
        raise InvalidExport("the file is written in another way")
    ids = [each.id for each in (*(one.key for one in log.keys), *keys.witnesses)]
    if len(set(ids)) < len(ids):
        raise InvalidExport("a key is there twice")
    return keys


def part_of(body: bytes) -> Part:
    """Return what range.json says. Raises `InvalidExport`."""
    read = _decoded(body, _Range)
    try:
        before, after = Range.of(0, read.begin, read.before), Range.of(read.end, read.size, read.after)
    except ProofRefused as error:
        raise InvalidExport(str(error)) from None
    part = Part(before, after, tuple(read.checkpoints))
    if read.begin > read.end or part.body() != body:
        raise InvalidExport("the file is written in another way")
    return part


def _pretty(value: Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise InvalidExport(str(error)) from None
