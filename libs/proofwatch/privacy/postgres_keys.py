"""Data keys in PostgreSQL, schema `privacy`, wrapped; asked for by functions, by who knows the subject's mark."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final

from proofwatch.privacy.data_keys import RANDOM_BYTES, DataKey, made_of
from proofwatch.privacy.key_encryption import KeyEncryption, Wrapped
from proofwatch.privacy.suppression import Whose

_HELD: Final = "select tenant, mark, key_id, epoch, wrapped from privacy.keys_of($1::text[], $2::text[])"
_KEEP: Final = "select privacy.keep_keys($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[])"


class PostgresKeys:
    """Data keys, as far as whoever asks may unwrap them. Every call works in the transaction that it is given."""

    def __init__(self, keys: KeyEncryption) -> None:
        """`keys`: what wraps the data keys."""
        self._keys = keys

    async def held(self, tx: Any, whose: Collection[Whose]) -> Mapping[Whose, DataKey]:
        """Return the keys that there are. Raises `EpochDestroyed`, `Tampered`."""
        rows = await tx.fetch(_HELD, *_columns(sorted(set(whose)), 2))
        return {
            (row["tenant"], row["mark"]): DataKey(
                row["key_id"],
                await self._keys.unwrap(Wrapped(row["epoch"], row["wrapped"]), about(row["tenant"], row["key_id"])),
            )
            for row in rows
        }

    async def held_or_made(self, tx: Any, whose: Collection[Whose]) -> Mapping[Whose, DataKey]:
        """Return a key of each, made where there is none. Who makes one at the same time gets the same."""
        wanted = set(whose)
        found = dict(await self.held(tx, wanted))
        missing = sorted(wanted - found.keys())
        if not missing:
            return found
        new = [made_of(secrets.token_bytes(RANDOM_BYTES)) for _ in missing]
        wrapped = [
            await self._keys.wrap(key.secret, about(tenant, key.key_id))
            for key, (tenant, _) in zip(new, missing, strict=True)
        ]
        rows = [(*each, key.key_id, *under) for each, key, under in zip(missing, new, wrapped, strict=True)]
        await tx.execute(_KEEP, *_columns(rows, 5))
        return {**found, **await self.held(tx, missing)}


def about(tenant: str, key_id: str) -> str:
    """Return what a wrapped data key says that it is."""
    return f"data key\0{tenant}\0{key_id}"


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]
