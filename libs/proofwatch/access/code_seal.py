"""Secrets of one-time codes as they are stored: sealed under a key that the database does not have.

AES-256-GCM, bound to the account: a sealed secret that is moved to another account opens nothing. Without keys they
are stored as they are. The first key seals; all of them open, so that a key is replaced by one that stands before it.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE: Final = "PROOFWATCH_ACCESS_CODE_KEYS"
KEY_BYTES: Final = 32
_PREFIX: Final = "sealed-1:"
_NONCE_BYTES: Final = 12


class InvalidCodeKeys(ValueError):
    """The keys cannot be used: stop at start-up. The message never holds one."""


class CodesSealed(Exception):
    """A secret is stored under a key that is not here: nobody can be judged by it. The message says what to do."""


class CodeSeal:
    """Seals and opens secrets of one-time codes."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """`keys`: of 32 bytes each; none: secrets are stored as they are."""
        self._keys = {sha256(b"proofwatch code seal" + key).hexdigest()[:8]: AESGCM(key) for key in keys}

    def sealed(self, secret: str, person_id: str) -> str:
        """Return what is stored of a person's secret."""
        for name, key in self._keys.items():
            nonce = secrets.token_bytes(_NONCE_BYTES)
            hidden = nonce + key.encrypt(nonce, secret.encode(), person_id.encode())
            return f"{_PREFIX}{name}:{base64.b64encode(hidden).decode()}"
        return secret

    def opened(self, stored: str, person_id: str) -> str:
        """Return the secret of what is stored. Raises `CodesSealed`."""
        if not stored.startswith(_PREFIX):
            return stored
        name, _, text = stored.removeprefix(_PREFIX).partition(":")
        key = self._keys.get(name)
        if key is None:
            raise CodesSealed(
                f"one-time codes are sealed under the key {name}, which is not among those of {VARIABLE}: give it to "
                "this process as well, behind the newer ones"
            )
        try:
            hidden = base64.b64decode(text, validate=True)
            return key.decrypt(hidden[:_NONCE_BYTES], hidden[_NONCE_BYTES:], person_id.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise CodesSealed(
                f"what is stored of the one-time codes of account {person_id} was changed by somebody who has not the "
                "key: enrol the account anew, and find out who writes to the database"
            ) from None

    def is_outdated(self, stored: str) -> bool:
        """Return whether it would be stored in another way today."""
        newest = next(iter(self._keys), None)
        return newest is not None and not stored.startswith(f"{_PREFIX}{newest}:")


PLAIN: Final = CodeSeal()
"""Stores them as they are."""


def parse_code_keys(text: str | None) -> CodeSeal:
    """Return the seal of a setting: base64 of 32 random bytes on each line, or nothing. Raises `InvalidCodeKeys`."""
    lines = [each.strip() for each in (text or "").splitlines() if each.strip()]
    try:
        keys = [base64.b64decode(each, validate=True) for each in lines]
    except (binascii.Error, ValueError):
        keys = [b""]
    if any(len(each) != KEY_BYTES for each in keys):
        raise InvalidCodeKeys(
            f"{VARIABLE}: each line must be base64 of {KEY_BYTES} random bytes, the newest first. Make one with: "
            f"head -c {KEY_BYTES} /dev/urandom | base64"
        )
    return CodeSeal(keys)
