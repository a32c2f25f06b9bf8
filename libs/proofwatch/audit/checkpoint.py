"""Checkpoints (C2SP tlog-checkpoint) and the cosignatures of witnesses (C2SP tlog-cosignature, Ed25519).

A checkpoint says: the log of this origin has so many entries, and this root. It carries no time; a cosignature does:
as of then, its witness had seen no larger tree of this log, and none that this one contradicts.
"""

import base64
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from proofwatch.audit.merkle import HASH_BYTES
from proofwatch.audit.note import (
    COSIGNATURE,
    InvalidNote,
    KeyId,
    Note,
    NotSigned,
    Signature,
    SigningKey,
    VerifierKey,
    decimal,
    decoded,
    sign,
)

_TIME_BYTES: Final = 8
_LATEST: Final = (1 << 63) - 1
_LEAST_LINES: Final = 3


class Checkpoint(NamedTuple):
    """The size and the root of a log at some moment."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a note's text says. Raises `InvalidNote`; extension lines, which nobody can check, are refused.

        C2SP tlog-checkpoint allows them, and recommends none.
        """
        lines = text.split("\n")
        if len(lines) != _LEAST_LINES + 1 or lines[-1] or not lines[0]:
            raise InvalidNote("a checkpoint is three lines: origin, number of entries, root")
        origin, size, root = lines[:-1]
        digest = decoded(root, "the root of a checkpoint")
        if len(digest) != HASH_BYTES:
            raise InvalidNote(f"the root of a checkpoint is {HASH_BYTES} bytes, not {len(digest)}")
        return cls(origin, number(size, "the size of a checkpoint"), digest)

    def text(self) -> str:
        """Return the text to be signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, *keys: SigningKey) -> Note:
        """Return the checkpoint under the signatures of a log's keys."""
        return sign(self.text(), *keys)


class Cosigned(NamedTuple):
    """A witness, and when it had seen nothing larger: in seconds since the Unix epoch."""

    witness: VerifierKey
    seconds: int


def cosign(text: str, key: SigningKey, seconds: int) -> Signature:
    """Return a witness's signature line under the text of a checkpoint."""
    signature = key.sign(_cosigned_message(text, seconds))
    return Signature(key.verifier.id, seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigners(note: Note, known: Iterable[VerifierKey]) -> list[Cosigned]:
    """Return who of the known witnesses (type 0x04) cosigned, and when.

    Unknown ones say nothing. Raises `NotSigned` if a cosignature of a known one is wrong.
    """
    keys: dict[KeyId, VerifierKey] = {each.id: each for each in known if each.kind == COSIGNATURE}
    found = []
    for signature in note.signatures:
        key = keys.get(signature.key)
        if key is None:
            continue
        seconds = int.from_bytes(signature.value[:_TIME_BYTES], "big")
        message = _cosigned_message(note.text, seconds)
        if not 0 < seconds <= _LATEST or not key.holds(message, signature.value[_TIME_BYTES:]):
            raise NotSigned(f"the cosignature of {key.name} ({key.id.digest.hex()}) does not hold")
        found.append(Cosigned(key, seconds))
    return found


def number(text: str, what: str) -> int:
    """Return a number in decimal digits without leading zeroes. Raises `InvalidNote`."""
    found = decimal(text, _LATEST)
    if found is None or (text != "0" and text[0] == "0"):
        raise InvalidNote(f"{what} is no decimal number without leading zeroes, of at most {_LATEST}")
    return found


def _cosigned_message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
