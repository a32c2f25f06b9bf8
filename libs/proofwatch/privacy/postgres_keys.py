"""Data keys in PostgreSQL, schema `privacy`, wrapped; asked for by functions, by who knows the subject's mark."""

import secrets
from collections.abc import Collection, Mapping, Sequence
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

    async def held(self, tx: Any, whose: Collection[Whose]) -> dict[Whose, DataKey]:
        """Return the keys that there are. Raises `EpochDestroyed`, `Tampered`."""
        return await self.unwrapped(await tx.fetch(_HELD, *_columns(sorted(set(whose)), 2)))

    async def unwrapped(self, rows: Sequence[Mapping[str, Any]]) -> dict[Whose, DataKey]:
        """Return the keys of rows, of which the ids, epochs and bodies stand there. Raises as `held`."""
        wrapped = [(Wrapped(row["epoch"], row["wrapped"]), about(row["tenant"], row["key_id"])) for row in rows]
        found = await self._keys.unwrap_all(wrapped) if wrapped else ()
        return {
            (row["tenant"], row["mark"]): DataKey(row["key_id"], secret)
            for row, secret in zip(rows, found, strict=True)
        }

    async def held_or_made(self, tx: Any, whose: Collection[Whose]) -> dict[Whose, DataKey]:
        """Return a key of each, made where there is none. Who makes one at the same time gets the same."""
        wanted = set(whose)
        found = await self.held(tx, wanted)
        return {**found, **await self.made(tx, sorted(wanted - found.keys()))}

    async def made(self, tx: Any, whose: Sequence[Whose]) -> dict[Whose, DataKey]:
        """Make a key of each who has none, and return it; of who got one meanwhile, that one."""
        if not whose:
            return {}
        new = {each: made_of(secrets.token_bytes(RANDOM_BYTES)) for each in whose}
        wrapped = await self._keys.wrap_all([(key.secret, about(who[0], key.key_id)) for who, key in new.items()])
        rows = [(*who, key.key_id, *under) for (who, key), under in zip(new.items(), wrapped, strict=True)]
        await tx.execute(_KEEP, *_columns(rows, 5))
        kept = {(row["tenant"], row["mark"]): row for row in await tx.fetch(_HELD, *_columns(whose, 2))}
        mine = {who: new[who] for who, row in kept.items() if row["key_id"] == new[who].key_id}
        return mine | await self.unwrapped([row for who, row in kept.items() if who not in mine])


def about(tenant: str, key_id: str) -> str:
    """Return what a wrapped data key says that it is."""
    return f"data key\0{tenant}\0{key_id}"


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]
