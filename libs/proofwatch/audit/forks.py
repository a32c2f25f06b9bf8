"""A fork: two checkpoints of one log, each signed by a key of its, that no single history can have.

The proof is portable: whoever has the keys can check it, without the log and without trusting who found it. Of one size
the two roots differ. Of two sizes, the hashes of the entries that the larger tree begins with lead to the root of the
larger one, and are not the smaller one.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import UNREADABLE
from proofwatch.audit.merkle import ProofRefused, Range
from proofwatch.audit.note import InvalidNote, Note, VerifierKey
from proofwatch.audit.proof import hash_lines

_KIND: Final = "proofwatch-fork@v1"


class ForkProof(Struct, frozen=True, forbid_unknown_fields=True):
    """Two notes, the smaller first; `begin`, `rest`: the parts of the larger tree up to the smaller size, and after."""

    kind: Literal["proofwatch-fork@v1"]
    smaller: str
    larger: str
    begin: list[str]
    rest: list[str]

    def body(self) -> bytes:
        """Return the proof as the bytes of a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def fork_of(first: Note, second: Note, begin: Range | None = None, rest: Range | None = None) -> ForkProof:
    """Return the proof of two notes; where their sizes differ, with the ranges that the larger consists of."""
    smaller, larger = sorted((first, second), key=lambda each: Checkpoint.parse(each.text).size)
    return ForkProof(_KIND, smaller.body().decode(), larger.body().decode(), _texts(begin), _texts(rest))


def read_fork(body: bytes) -> ForkProof:
    """Return the proof of a file. Raises `InvalidNote`."""
    try:
        return msgspec.json.decode(body, type=ForkProof)
    except UNREADABLE as error:
        raise InvalidNote(f"no proof of a fork: {error}") from None


def check_fork(proof: ForkProof, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints, each signed by one of the log's keys. Raises `InvalidNote` or `ProofRefused`."""
    known = list(keys)
    notes = [Note.parse(each.encode()) for each in (proof.smaller, proof.larger)]
    smaller, larger = (Checkpoint.parse(each.text) for each in notes)
    if not all(each.signers(known) for each in notes) or smaller.origin != larger.origin:
        raise ProofRefused("no key that is known signed both checkpoints for one log")
    if smaller.size == larger.size:
        if smaller.root == larger.root:
            raise ProofRefused("the two checkpoints agree")
        return smaller, larger
    _check_sizes(proof, smaller, larger)
    return smaller, larger


def _check_sizes(proof: ForkProof, smaller: Checkpoint, larger: Checkpoint) -> None:
    if smaller.size > larger.size:
        raise ProofRefused("the smaller checkpoint comes first")
    begin = Range.of(0, smaller.size, _hashes(proof.begin))
    root = begin.root()
    begin.join(Range.of(smaller.size, larger.size, _hashes(proof.rest)))
    if begin.root() != larger.root:
        raise ProofRefused("the hashes do not lead to the root of the larger checkpoint")
    if root == smaller.root:
        raise ProofRefused("the larger tree begins with the smaller one")


def _texts(hashes: Range | None) -> list[str]:
    return hash_lines(hashes.hashes) if hashes else []


def _hashes(texts: Sequence[str]) -> list[bytes]:
    try:
        return [base64.b64decode(each, validate=True) for each in texts]
    except ValueError:
        raise ProofRefused("a hash is no base64") from None
