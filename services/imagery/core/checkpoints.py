"""What has surely left the database's machine: the newest checkpoint of the audit log that the bus has given back."""

from collections.abc import Sequence

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.merkle import Nodes, ProofRefused
from proofwatch.audit.merkle_proofs import check_inclusion, inclusion_proof
from proofwatch.audit.note import InvalidNote, Note, VerifierKey


class LogForked(Exception):
    """Two signed checkpoints contradict each other: nothing may be opened until people have found out why."""


class Tip:
    """The newest checkpoint of one log, signed by one of the keys that the deployment names."""

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        """`keys` are of one log: they have one name, its origin."""
        self._keys = tuple(keys)
        self.checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """Return how many entries have left."""
        return self.checkpoint.size if self.checkpoint else 0

    def take(self, note: Note) -> bool:
        """Take a checkpoint; return whether it is newer.

        What is not signed by a key of the log is as if it were not there. Raises `LogForked`.
        """
        try:
            signers = note.signers(self._keys)
            found = Checkpoint.parse(note.text)
        except InvalidNote:
            return False
        if not signers or found.origin != self._keys[0].name or found.size < self.size:
            return False
        if self.checkpoint and found.size == self.size:
            if found.root != self.checkpoint.root:
                raise LogForked(f"the log {found.origin} has two roots of {found.size} entries")
            return False
        self.checkpoint = found
        return True

    def holds(self, leaf_hash: bytes, index: int, nodes: Nodes) -> bool:
        """Return whether the checkpoint proves that the entry is in the log (RFC 6962, section 2.1.1)."""
        if self.checkpoint is None or index >= self.checkpoint.size:
            return False
        size, root = self.checkpoint.size, self.checkpoint.root
        try:
            check_inclusion(leaf_hash, index, size, inclusion_proof(index, size, nodes), root)
        except ProofRefused:
            return False
        return True
