"""Key-encryption keys in a file that its owner alone may read: the port's simplest form, and what `keys` writes.

The file is written beside its place, synced and renamed, so that it is there whole. It is read anew for each act: an
epoch that was destroyed is gone at once. Destroying overwrites nothing on the disk: keep the file where deleted blocks
are not kept (a memory file system, an encrypted volume), or use a KMS.
"""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proofwatch.privacy.key_encryption import KEY_BYTES, EpochKeys, InvalidKeys, Wrapped, parse_keys, written

_MODE: Final = 0o600


class KeyFile:
    """A `KeyEncryption` whose keys lie in a file, and the acts on its epochs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def epochs(self) -> tuple[int, ...]:
        """See `KeyEncryption`."""
        return await self._keys().epochs()

    async def wrap(self, secret: bytes, of: str) -> Wrapped:
        """See `KeyEncryption`."""
        return await self._keys().wrap(secret, of)

    async def unwrap(self, wrapped: Wrapped, of: str) -> bytes:
        """See `KeyEncryption`."""
        return await self._keys().unwrap(wrapped, of)

    async def wrap_all(self, secrets: Sequence[tuple[bytes, str]]) -> Sequence[Wrapped]:
        """See `KeyEncryption`."""
        return await self._keys().wrap_all(secrets)

    async def unwrap_all(self, wrapped: Sequence[tuple[Wrapped, str]]) -> Sequence[bytes]:
        """See `KeyEncryption`."""
        return await self._keys().unwrap_all(wrapped)

    def begin(self) -> int:
        """Begin an epoch, the first one where there is no file; return its number. Raises `InvalidKeys`, `OSError`."""
        keys = self._read() if self.path.exists() else {}
        epoch = max(keys, default=0) + 1
        self._write({**keys, epoch: secrets.token_bytes(KEY_BYTES)})
        return epoch

    def destroy(self, epoch: int) -> None:
        """Destroy an epoch's key. Raises as `require_older`."""
        keys = self.require_older(epoch)
        del keys[epoch]
        self._write(keys)

    def require_older(self, epoch: int) -> dict[int, bytes]:
        """Return the keys. Raises `InvalidKeys` for an epoch that is not there, and for the newest."""
        keys = self._read()
        if epoch not in keys:
            there = ", ".join(map(str, sorted(keys)))
            raise InvalidKeys(f"{self.path} has no epoch {epoch}; it has {there}")
        if epoch == max(keys):
            raise InvalidKeys(f"epoch {epoch} is the newest: begin another first, and wrap what is in this one anew")
        return keys

    def _keys(self) -> EpochKeys:
        return EpochKeys(self._read())

    def _read(self) -> dict[int, bytes]:
        try:
            return parse_keys(self.path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            said = (getattr(error, "strerror", None) or "it is not text").lower()
            raise InvalidKeys(f"{self.path} cannot be read: {said}") from None

    def _write(self, keys: dict[int, bytes]) -> None:
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(written(keys))
            file.flush()
            os.fsync(descriptor)
        beside.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
