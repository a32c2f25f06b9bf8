"""The checkpoints of an export: read strictly, in order, each signed by keys that the export names."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint, cosigners
from proofwatch.audit.export import InvalidExport, Keys
from proofwatch.audit.forks import ForkProof, fork_of
from proofwatch.audit.note import InvalidNote, KeyId, Note, VerifierKey


class Published(NamedTuple):
    """A checkpoint as it was published, and which of the log's keys signed it."""

    note: Note
    checkpoint: Checkpoint
    signers: tuple[VerifierKey, ...]


class Fault(Exception):
    """What makes an export invalid: in which file, at which entry or line if that can be said, and why.

    `until`: one or more of the entries from `entry` to this one are at fault; None: `entry` is.
    """

    def __init__(
        self,
        where: str,
        message: str,
        entry: int | None = None,
        fork: ForkProof | None = None,
        until: int | None = None,
    ) -> None:
        super().__init__(message)
        self.where, self.message, self.entry, self.fork = where, message, entry, fork
        self.until = entry if until is None else until


def lines_of(where: str, stream: Iterable[bytes], first: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file without their newlines. Raises `Fault` if the last has none.

    `first`: the index of the first line's entry, where lines are entries, so that the one at fault is named.
    """
    for place, line in enumerate(stream):
        if not line.endswith(b"\n"):
            entry = None if first is None else first + place
            raise Fault(where, f"line {place + 1} does not end: the file was cut off", entry)
        yield line[:-1]


def published(
    stream: Iterable[bytes], last: bytes, keys: Keys, indices: Sequence[int] | None = None
) -> list[Published]:
    """Return the checkpoints of `checkpoints.jsonl`, of which `checkpoint.txt` is the last. Raises `Fault`.

    `indices`: which of those that were published; None: all, from the first on.
    """
    found: list[Published] = []
    for line in lines_of(export.CHECKPOINTS, stream):
        place = f"line {len(found) + 1}"
        try:
            index, note = export.note_of_line(line)
            one = read(note, keys)
        except (InvalidExport, InvalidNote) as error:
            raise Fault(export.CHECKPOINTS, f"{place}: {error}") from None
        expected = len(found) if indices is None else next(iter(indices[len(found) :]), None)
        if index != expected:
            raise Fault(export.CHECKPOINTS, f"{place}: checkpoint {index} where {_said(expected)} should be")
        _check_order(found[-1:], one, place)
        found.append(one)
    if not found or len(found) < len(indices or ()):
        raise Fault(export.CHECKPOINTS, f"checkpoints are missing: the file has {len(found)}")
    if found[-1].note.body() != last:
        raise Fault(export.CHECKPOINT, f"it is not the last of {export.CHECKPOINTS}")
    return found


def read(note: Note, keys: Keys) -> Published:
    """Return a checkpoint of this log. Raises `InvalidNote` for a stranger's signature, and for one that is wrong."""
    named = {each.key.id for each in keys.log.keys} | {each.id for each in keys.witnesses}
    for signature in note.signatures:
        if signature.key not in named:
            raise InvalidNote(f"it is signed by {signature.key.name}, a key that {export.KEYS} does not name")
    cosigners(note, keys.witnesses)
    one = of_log(note, keys)
    expected = {each.id for each in keys.log.signing(one.checkpoint.size)}
    found = {each.id for each in one.signers}
    if expected - found:
        raise InvalidNote(f"it lacks the signature of {_names(expected - found)}")
    if found - expected:
        raise InvalidNote(f"it is signed by {_names(found - expected)}, not in force at {one.checkpoint.size} entries")
    return one


def of_log(note: Note, keys: Keys) -> Published:
    """Return a checkpoint that a key of this log signed, at whatever time. Raises `InvalidNote`."""
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != keys.origin:
        raise InvalidNote(f"it is of the log {checkpoint.origin}, and this is {keys.origin}")
    return Published(note, checkpoint, tuple(note.signers([each.key for each in keys.log.keys])))


def _said(index: int | None) -> str:
    return "none" if index is None else str(index)


def _names(ids: Iterable[KeyId]) -> str:
    return ", ".join(f"{each.name} ({each.digest.hex()})" for each in sorted(ids))


def _check_order(before: Sequence[Published], one: Published, place: str) -> None:
    for earlier in before:
        old, new = earlier.checkpoint, one.checkpoint
        if new.size < old.size:
            raise Fault(export.CHECKPOINTS, f"{place}: the log went back from {old.size} entries to {new.size}")
        if new.size == old.size and new.root != old.root:
            fork = fork_of(earlier.note, one.note)
            message = f"{place}: two checkpoints of {new.size} entries differ: the log has forked"
            raise Fault(export.CHECKPOINTS, message, None, fork)
