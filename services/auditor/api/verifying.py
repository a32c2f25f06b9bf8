"""One entry, checked against the tree: its bytes, its hash, its place under a checkpoint that has left, and who signed.

Keys are those that the log itself names, so this finds what was changed beneath a checkpoint; whether the log is the
one that outsiders know, they find with the key that they keep (docs/audit.md).
"""

from typing import NamedTuple

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import InvalidLeaf, entry_of
from proofwatch.audit.merkle import ProofRefused, leaf_hash
from proofwatch.audit.merkle_proofs import inclusion_parts, inclusion_proof
from proofwatch.audit.note import InvalidNote, Note
from proofwatch.audit.proof import Proof
from services.auditor.adapters.log_reader import LogReader


class Checked(NamedTuple):
    """Something that was checked, in a sentence, and whether it holds."""

    holds: bool
    says: str


class Proved(NamedTuple):
    """What was checked; the proof as a file, None: no checkpoint has left with the entry."""

    steps: list[Checked]
    proof: bytes | None
    leaf: bytes


async def proved(reader: LogReader, index: int, leaf: bytes, stored: bytes) -> Proved:
    """Return what is found of an entry; `stored`: its hash as the database has it."""
    steps = [_written(leaf), _hashed(leaf, stored)]
    checkpoints = await reader.checkpoints(0, 0)
    if not checkpoints or checkpoints[-1][1] <= index:
        return Proved([*steps, Checked(False, "no checkpoint has left the house with it yet: try again in a minute")],
                      None, leaf)  # fmt: skip
    _, size, note = checkpoints[-1]
    steps.append(await _signed(reader, size, note))
    try:
        nodes = await reader.nodes(inclusion_parts(index, size))
        proof = Proof(index, tuple(inclusion_proof(index, size, nodes)), note)
        proof.check(leaf_hash(leaf))
    except (ProofRefused, InvalidNote, KeyError) as error:
        why = "a node of the tree is missing" if isinstance(error, KeyError) else str(error)
        return Proved([*steps, Checked(False, f"it is not proved to lie in that tree: {why}")], None, leaf)
    steps.append(Checked(True, f"its hash leads to the root of that tree, by {len(proof.hashes)} further hashes"))
    return Proved(steps, proof.body(), leaf)


def _written(leaf: bytes) -> Checked:
    try:
        entry_of(leaf)
    except InvalidLeaf as error:
        return Checked(False, f"its bytes are no entry: {error}")
    return Checked(True, "its bytes are an entry, written in the one way that there is")


def _hashed(leaf: bytes, stored: bytes) -> Checked:
    if leaf_hash(leaf) == stored:
        return Checked(True, "the hash of its bytes is the one that the tree holds")
    return Checked(False, "the hash of its bytes is another than the tree holds: it was changed after it was entered")


async def _signed(reader: LogReader, size: int, note: Note) -> Checked:
    """Return whether every key that the log has in force at that size signed it."""
    try:
        checkpoint = Checkpoint.parse(note.text)
        expected = {each.id for each in (await reader.keys()).signing(size)}
        found = {each.id for each in note.signers(each.key for each in (await reader.keys()).keys)}
    except InvalidNote as error:
        return Checked(False, f"the checkpoint cannot be read: {error}")
    if not expected or expected - found:
        return Checked(False, f"the checkpoint of {size:,} entries lacks the signature of a key in force")
    names = f"{checkpoint.origin}, {len(expected)} {'key' if len(expected) == 1 else 'keys'}"
    return Checked(True, f"a checkpoint of {size:,} entries has left the house, signed by {names}")
