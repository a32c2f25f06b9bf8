"""Key-encryption keys in epochs, and the port behind which they are kept: a file, an environment, a KMS.

What is stored in the database is wrapped under the newest epoch. Backups hold what was wrapped before, so that an epoch
that is destroyed takes with it everything that was ever wrapped in it, wherever it was copied to.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE: Final = "PROOFWATCH_KEY_ENCRYPTION_KEYS"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_ABOUT: Final = b"proofwatch wrap v1"
_HOW: Final = "make the first with: proofwatch keys begin FILE"


class InvalidKeys(ValueError):
    """Key-encryption keys cannot be used: stop at start-up. The message never holds one."""


class KeysAway(Exception):
    """Where the keys are kept does not answer now: nothing can be wrapped or unwrapped; whoever calls again goes on."""


class EpochDestroyed(Exception):
    """What is asked for was wrapped in an epoch that is no more: nobody can read it."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(f"epoch {epoch} of the key-encryption keys is not here: what was wrapped in it is unreadable")


class Tampered(Exception):
    """What is wrapped is not what was wrapped, or not for this: somebody changed it, or the key is another."""


class Wrapped(NamedTuple):
    """A secret under an epoch's key; `body`: nonce, ciphertext and tag of AES-256-GCM, end to end."""

    epoch: int
    body: bytes


class KeyEncryption(Protocol):
    """Where key-encryption keys are kept. They never leave it."""

    async def epochs(self) -> tuple[int, ...]:
        """Return the epochs that are there, the newest last."""
        ...

    async def wrap(self, secret: bytes, of: str) -> Wrapped:
        """Wrap a secret in the newest epoch; `of`: what it is, without which it cannot be unwrapped."""
        ...

    async def unwrap(self, wrapped: Wrapped, of: str) -> bytes:
        """Return the secret. Raises `EpochDestroyed`, `Tampered`."""
        ...

    async def wrap_all(self, secrets: Sequence[tuple[bytes, str]]) -> Sequence[Wrapped]:
        """Wrap each as `wrap` does, in one go: where keys are asked for over a network, that is a call for many."""
        ...

    async def unwrap_all(self, wrapped: Sequence[tuple[Wrapped, str]]) -> Sequence[bytes]:
        """Return each secret as `unwrap` does, in one go; raises for the first that there is none of."""
        ...


class EpochKeys:
    """Key-encryption keys in memory, as a setting or a file gave them."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """`keys`: 32 bytes for each epoch, at least one. Raises `InvalidKeys`."""
        if not keys:
            raise InvalidKeys(f"{VARIABLE} has no key; {_HOW}")
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise InvalidKeys(f"{VARIABLE}: each key has {KEY_BYTES} bytes")
        self._ciphers = {epoch: AESGCM(keys[epoch]) for epoch in sorted(keys)}

    async def epochs(self) -> tuple[int, ...]:
        """See `KeyEncryption`."""
        return tuple(self._ciphers)

    async def wrap(self, secret: bytes, of: str) -> Wrapped:
        """See `KeyEncryption`."""
        epoch, nonce = max(self._ciphers), secrets.token_bytes(NONCE_BYTES)
        return Wrapped(epoch, nonce + self._ciphers[epoch].encrypt(nonce, secret, _about(epoch, of)))

    async def unwrap(self, wrapped: Wrapped, of: str) -> bytes:
        """See `KeyEncryption`."""
        cipher = self._ciphers.get(wrapped.epoch)
        if cipher is None:
            raise EpochDestroyed(wrapped.epoch)
        nonce, body = wrapped.body[:NONCE_BYTES], wrapped.body[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, body, _about(wrapped.epoch, of))
        except (InvalidTag, ValueError):
            raise Tampered(f"a secret that was wrapped in epoch {wrapped.epoch} cannot be unwrapped") from None

    async def wrap_all(self, secrets: Sequence[tuple[bytes, str]]) -> Sequence[Wrapped]:
        """See `KeyEncryption`."""
        return [await self.wrap(secret, of) for secret, of in secrets]

    async def unwrap_all(self, wrapped: Sequence[tuple[Wrapped, str]]) -> Sequence[bytes]:
        """See `KeyEncryption`."""
        return [await self.unwrap(each, of) for each, of in wrapped]


def parse_keys(text: str | None) -> dict[int, bytes]:
    """Return the keys of a text with a line `epoch:base64` for each. Raises `InvalidKeys`, without what it holds."""
    found: dict[int, bytes] = {}
    for number, line in enumerate((text or "").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        epoch, colon, key = line.strip().partition(":")
        if not (colon and epoch.isascii() and epoch.isdigit() and len(epoch) <= 9 and int(epoch) >= 1):
            raise InvalidKeys(f"{VARIABLE}, line {number}: must be EPOCH:BASE64, the epochs counted from 1; {_HOW}")
        try:
            secret = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise InvalidKeys(f"{VARIABLE}, line {number}: the key is not base64; {_HOW}") from None
        if len(secret) != KEY_BYTES:
            raise InvalidKeys(f"{VARIABLE}, line {number}: the key has {len(secret)} bytes, not {KEY_BYTES}; {_HOW}")
        if int(epoch) in found:
            raise InvalidKeys(f"{VARIABLE}, line {number}: epoch {int(epoch)} is there twice")
        found[int(epoch)] = secret
    if not found:
        raise InvalidKeys(f"{VARIABLE} is not set; {_HOW}")
    return found


def written(keys: Mapping[int, bytes]) -> str:
    """Return the text that `parse_keys` reads."""
    lines = [f"{epoch}:{base64.b64encode(keys[epoch]).decode()}\n" for epoch in sorted(keys)]
    return (
        "# Key-encryption keys of Proofwatch, a line for each epoch. Keep them apart from the database's backups.\n"
        + ("".join(lines))
    )


def _about(epoch: int, of: str) -> bytes:
    return b"%s\0%d\0%s" % (_ABOUT, epoch, of.encode())
