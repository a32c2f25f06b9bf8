"""A data subject's own key: random, so that nothing can derive it again; what it makes, and what is sealed under it.

The tag by which cases know a subject follows from the key (ADR 0049). When the key is destroyed, tags stay as they are
and belong to nobody; what was sealed stays as it is and nobody can open it.
"""

import hmac
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proofwatch.audit.entry import Sealed
from proofwatch.privacy.key_encryption import KEY_BYTES, NONCE_BYTES

_TAG_DIGITS: Final = 32
_ID_BYTES: Final = 16
RANDOM_BYTES: Final = _ID_BYTES + KEY_BYTES


class Unreadable(Exception):
    """Something sealed cannot be opened: it was changed, belongs elsewhere, or was sealed under another key."""


class DataKey(NamedTuple):
    """The key of one data subject; `key_id` is random and says nothing."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.key_id})"


def made_of(random: bytes) -> DataKey:
    """Return a key made of `RANDOM_BYTES` random bytes. Raises `ValueError` for another number."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a data key is made of {RANDOM_BYTES} random bytes, not {len(random)}")
    return DataKey(random[:_ID_BYTES].hex(), random[_ID_BYTES:])


def tag_of(key: DataKey) -> str:
    """Return the subject's tag: 32 lower-case hex digits, as those of ADR 0005."""
    return hmac.digest(key.secret, b"proofwatch subject tag v2", "sha256").hex()[:_TAG_DIGITS]


def sealed(key: DataKey, plain: bytes, of: str, nonce: bytes) -> Sealed:
    """Seal what is personal (AES-256-GCM); `of`: the entry's id, `nonce`: 12 random bytes."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} random bytes, not {len(nonce)}")
    return Sealed(key.key_id, nonce, _cipher(key).encrypt(nonce, plain, _about(key, of)))


def opened(key: DataKey, found: Sealed, of: str) -> bytes:
    """Return what was sealed in the entry of that id. Raises `Unreadable`."""
    try:
        if found.key_id == key.key_id:
            return _cipher(key).decrypt(found.nonce, found.ciphertext, _about(key, of))
    except InvalidTag:
        pass
    raise Unreadable("what is sealed was changed, stands in another entry, or is under another key")


def _cipher(key: DataKey) -> AESGCM:
    return AESGCM(hmac.digest(key.secret, b"proofwatch seal v1", "sha256"))


def _about(key: DataKey, of: str) -> bytes:
    return b"proofwatch sealed v1\0%s\0%s" % (key.key_id.encode(), of.encode())
