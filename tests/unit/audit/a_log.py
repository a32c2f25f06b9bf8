"""A small log as an auditor would leave it, its keys from fixed seeds, and the same with what adversaries can do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint, cosign
from proofwatch.audit.entry import (
    BEGUN,
    KEY_ADDED,
    KEY_RETIRED,
    Actor,
    Authority,
    Entry,
    Object,
    Sealed,
    entry_of,
    leaf_of,
    of_auditor,
)
from proofwatch.audit.export import Keys, Part
from proofwatch.audit.keys import LogKeys
from proofwatch.audit.merkle import Range, leaf_hash
from proofwatch.audit.note import COSIGNATURE, Note, SigningKey, VerifierKey
from proofwatch.governance.purposes import Purpose

ORIGIN: Final = "audit.example/proofwatch"
BEGIN: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def key(name: str, kind: int = 1) -> SigningKey:
    return SigningKey.from_seed(name, sha256(f"{name}/{kind}".encode()).digest(), kind)


LOG_KEY: Final = key(ORIGIN)
NEXT_KEY: Final = SigningKey.from_seed(ORIGIN, sha256(b"next").digest())
WITNESSES: Final = tuple(key(f"witness.example/{place}", COSIGNATURE) for place in range(3))


def salt(index: int) -> bytes:
    return sha256(f"salt {index}".encode()).digest()[:16]


def at(index: int) -> datetime:
    return BEGIN + timedelta(seconds=20 * index)


def an_entry(index: int, logged: datetime | None = None, reason: str = "the selfie was flagged") -> Entry:
    return Entry(
        version=1,
        entry_id=f"entry-{index}",
        logged_at=logged or at(index),
        acted_at=at(index),
        tenant="kestrel-telecom",
        actor=Actor("person", f"p-{index % 3}"),
        action="imagery.viewed",
        outcome="granted",
        objects=(Object("case", f"case-{index}"),),
        purpose=Purpose.PROVIDE_FEATURES,
        reason=reason,
        authority=Authority("ab" * 32, f"lease-{index}", None),
        details={"views": 1},
        sealed=Sealed("key-1", b"n" * 12, b"c" * 40) if index % 2 else None,
        salt=salt(index),
    )


def of_key(action: str, signing: SigningKey, index: int) -> Entry:
    return of_auditor(action, signing.verifier.text(), ORIGIN, at(index), salt(index), f"entry-{index}")


@dataclass
class Log:
    """A log in the making: entries as leaves, keys in force, checkpoints with who cosigned."""

    signing: list[SigningKey] = field(default_factory=lambda: [LOG_KEY])
    leaves: list[bytes] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    witnesses: Sequence[SigningKey] = ()

    def append(self, *entries: Entry) -> None:
        for entry in entries:
            self.leaves.append(leaf_of(entry))

    def checkpoint(self, seconds: int | None = None) -> Note:
        size = len(self.leaves)
        note = Checkpoint(ORIGIN, size, self.root(size)).signed(*self.signing)
        time = seconds or int(at(size - 1).timestamp()) + 2
        note = note.signed(*(cosign(note.text, each, time) for each in self.witnesses))
        self.notes.append(note)
        return note

    def root(self, size: int) -> bytes:
        return self.range(0, size).root()

    def range(self, begin: int, end: int) -> Range:
        found = Range.empty(begin)
        for leaf in self.leaves[begin:end]:
            found.append(leaf_hash(leaf))
        return found

    def keys(self) -> LogKeys:
        keys = LogKeys()
        for index, leaf in enumerate(self.leaves):
            keys.observe(index, entry_of(leaf))
        return keys

    def export(self, begin: int = 0, end: int | None = None) -> dict[str, bytes]:
        size = Checkpoint.parse(self.notes[-1].text).size
        end = size if end is None else end
        lines = [export.entry_line(index, self.leaves[index]) for index in range(begin, end)]
        sizes = [Checkpoint.parse(each.text).size for each in self.notes]
        notes = [
            (index, each)
            for index, each in enumerate(self.notes)
            if begin <= sizes[index] <= end or sizes[index] == size
        ]
        files = {
            export.ENTRIES: _joined(lines),
            export.CHECKPOINTS: _joined(export.checkpoint_line(*each) for each in notes),
            export.CHECKPOINT: notes[-1][1].body(),
            export.KEYS: Keys(ORIGIN, self.keys(), [each.verifier for each in self.witnesses]).body(),
        }
        if (begin, end) != (0, size):
            indices = tuple(index for index, _ in notes)
            files[export.RANGE] = Part(self.range(0, begin), self.range(end, size), indices).body()
        return files


def a_log(entries: int = 12, every: int = 4, witnesses: Sequence[SigningKey] = ()) -> Log:
    """Return a log of one key; a checkpoint after so many entries, and at the end."""
    log = Log(witnesses=witnesses)
    log.append(of_key(BEGUN, LOG_KEY, 0))
    for index in range(1, entries):
        log.append(an_entry(index))
        if not (index + 1) % every:
            log.checkpoint()
    if entries % every:
        log.checkpoint()
    return log


def a_rotated_log() -> Log:
    """Return a log of 12 entries whose key is replaced: entry 4 adds the next one, entry 8 retires the first."""
    log = a_log(4)
    log.append(of_key(KEY_ADDED, NEXT_KEY, 4))
    log.signing = [LOG_KEY, NEXT_KEY]
    log.checkpoint()
    log.append(*map(an_entry, range(5, 8)))
    log.checkpoint()
    log.append(of_key(KEY_RETIRED, LOG_KEY, 8))
    log.signing = [NEXT_KEY]
    log.checkpoint()
    log.append(*map(an_entry, range(9, 12)))
    log.checkpoint()
    return log


class InMemory:
    """The files of an export."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def lines(self, name: str) -> Iterable[bytes]:
        return (self._files.get(name) or b"").splitlines(keepends=True)

    def body(self, name: str) -> bytes | None:
        return self._files.get(name)


def verifiers(*keys: SigningKey) -> list[VerifierKey]:
    return [each.verifier for each in keys]


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(each + b"\n" for each in lines)
