"""A witness's answers (C2SP tlog-witness): pure; who serves it keeps the state, before the answer leaves.

A request is refused with a status: 400 malformed, 403 not signed by a key that the witness knows for this log, 404
unknown log, 409 another size was the last (the answer says which), 422 the new tree does not begin with the old one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from proofwatch.audit.checkpoint import Checkpoint, cosign, number
from proofwatch.audit.merkle import EMPTY_ROOT, ProofRefused
from proofwatch.audit.merkle_proofs import check_consistency
from proofwatch.audit.note import InvalidNote, Note, NotSigned, SigningKey, VerifierKey
from proofwatch.audit.proof import hash_lines, hashes_of

_OLD: Final = "old "
_MOST_HASHES: Final = 63


class Request(NamedTuple):
    """POST add-checkpoint: a checkpoint, and the proof that its tree begins with that of `old` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> "Request":
        """Return the request of a body. Raises `InvalidNote`."""
        head, cut, note = body.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        if not cut or not lines[0].startswith(_OLD):
            raise InvalidNote("a request is: old N, the hashes of a proof, an empty line, a checkpoint")
        if len(lines) > _MOST_HASHES + 1:
            raise InvalidNote(f"more than {_MOST_HASHES} hashes")
        return cls(number(lines[0].removeprefix(_OLD), "the old size"), hashes_of(lines[1:]), Note.parse(note))

    def body(self) -> bytes:
        """Return the request as bytes."""
        return "\n".join([f"{_OLD}{self.old}", *hash_lines(self.proof), "", ""]).encode() + self.note.body()


class Seen(NamedTuple):
    """The largest tree of a log that a witness cosigned."""

    size: int
    root: bytes


NOTHING_SEEN: Final = Seen(0, EMPTY_ROOT)


class Refused(NamedTuple):
    """The status of a refusal, and the text that goes with it; of a conflict it is the size alone."""

    status: int
    text: str


class Cosignature(NamedTuple):
    """The witness's lines, which may leave once `seen` is durable."""

    origin: str
    seen: Seen
    lines: str


def answer(
    body: bytes,
    logs: Mapping[str, Sequence[VerifierKey]],
    seen: Mapping[str, Seen],
    keys: Iterable[SigningKey],
    seconds: int,
) -> Cosignature | Refused:
    """Return what a witness answers. `logs`: by origin the keys it knows; `seen`: by origin what it cosigned last."""
    try:
        request = Request.parse(body)
        checkpoint = Checkpoint.parse(request.note.text)
    except InvalidNote as error:
        return Refused(400, str(error))
    known = logs.get(checkpoint.origin)
    if known is None:
        return Refused(404, "this witness does not know the log")
    try:
        signers = request.note.signers(known)
    except NotSigned as error:
        return Refused(403, str(error))
    if not signers:
        return Refused(403, "no key that this witness knows for the log has signed")
    last = seen.get(checkpoint.origin, NOTHING_SEEN)
    refused = _refusal(request, checkpoint, last)
    if refused:
        return refused
    lines = "".join(cosign(request.note.text, key, seconds).line() for key in keys)
    return Cosignature(checkpoint.origin, Seen(checkpoint.size, checkpoint.root), lines)


def _refusal(request: Request, checkpoint: Checkpoint, last: Seen) -> Refused | None:
    if request.old > checkpoint.size:
        return Refused(400, "the old size is larger than the checkpoint's")
    if request.old != last.size:
        return Refused(409, str(last.size))
    try:
        check_consistency(request.old, checkpoint.size, request.proof, last.root, checkpoint.root)
    except ProofRefused as error:
        return Refused(422, str(error))
    if not checkpoint.size and checkpoint.root != EMPTY_ROOT:
        return Refused(422, "the root of an empty tree is another")
    return None
