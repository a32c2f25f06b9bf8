"""Proofs of one entry that can be checked offline (C2SP tlog-proof)."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from proofwatch.audit.checkpoint import Checkpoint, number
from proofwatch.audit.merkle import HASH_BYTES
from proofwatch.audit.merkle_proofs import check_inclusion
from proofwatch.audit.note import InvalidNote, Note, decoded

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = "index "
_EXTRA: Final = "extra "


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry `index` lies in the tree of the checkpoint. `hashes` go from the leaf's sibling up; `extra` is unproved."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Return the proof. Raises `InvalidNote`."""
        head, cut, note = body.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            lines = []
        if not cut or lines[:1] != [_HEADER]:
            raise InvalidNote(f"a proof begins with the line {_HEADER} and ends with a checkpoint")
        extra = b""
        if lines[1:2] and lines[1].startswith(_EXTRA):
            extra = decoded(lines.pop(1).removeprefix(_EXTRA), "the extra line of a proof")
        if not lines[1:2] or not lines[1].startswith(_INDEX):
            raise InvalidNote("a proof says which entry it proves: index N")
        index = number(lines[1].removeprefix(_INDEX), "the index of a proof")
        return cls(index, hashes_of(lines[2:]), Note.parse(note), extra)

    def body(self) -> bytes:
        """Return the proof as the bytes of a file, by convention `*.tlog-proof`."""
        extra = [f"{_EXTRA}{base64.b64encode(self.extra).decode()}"] if self.extra else []
        lines = [_HEADER, *extra, f"{_INDEX}{self.index}", *hash_lines(self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint.body()

    def check(self, leaf: bytes) -> Checkpoint:
        """Return the checkpoint in whose tree the leaf's hash is proved to lie; its signatures are not looked at.

        Raises `ProofRefused` or `InvalidNote`.
        """
        checkpoint = Checkpoint.parse(self.checkpoint.text)
        check_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def hash_lines(hashes: Iterable[bytes]) -> list[str]:
    """Return hashes as `hashes_of` reads them."""
    return [base64.b64encode(each).decode() for each in hashes]


def hashes_of(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Return the hashes of a proof, one in base64 on each line. Raises `InvalidNote`."""
    hashes = tuple(decoded(each, "a hash of a proof") for each in lines)
    if any(len(each) != HASH_BYTES for each in hashes):
        raise InvalidNote(f"a hash of a proof is not {HASH_BYTES} bytes long")
    return hashes
