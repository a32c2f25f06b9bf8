"""Tags of subjects by their data keys, in PostgreSQL: one round trip a batch, two where somebody is new.

What a key makes is kept by the key's id, which is random: a key that was destroyed is not asked for again, and one
that is asked for again need not be unwrapped. So a batch of people who are known costs no cipher, and no call to
where the key-encryption keys are kept.
"""

from collections.abc import Collection
from typing import Any, Final

from proofwatch.bus.errors import Blocked
from proofwatch.privacy.data_keys import DataKey, tag_of
from proofwatch.privacy.key_encryption import (
    VARIABLE,
    EpochDestroyed,
    InvalidKeys,
    KeyEncryption,
    KeysAway,
    Tampered,
    Wrapped,
)
from proofwatch.privacy.postgres_keys import PostgresKeys, about
from proofwatch.privacy.suppression import Whose
from proofwatch.privacy.tags import Tagged

_KEYS: Final = "select moved, tenant, mark, key_id, epoch, wrapped from privacy.tag_keys_of($1::text[], $2::text[])"
_KNOWN: Final = 100_000


class PostgresTags:
    """See `privacy.tags.Tags`."""

    def __init__(self, keys: KeyEncryption | None) -> None:
        """`keys`: what wraps data keys; None: they are needed once tags were moved."""
        self._keys = keys
        self._known: dict[str, str] = {}

    async def of(self, tx: Any, whose: Collection[Whose], *, make: bool = True) -> Tagged:
        """See `Tags`."""
        wanted = sorted(set(whose))
        rows = await tx.fetch(_KEYS, [tenant for tenant, _ in wanted], [mark for _, mark in wanted])
        if not any(row["moved"] for row in rows):
            return Tagged({each: each[1] for each in wanted}, keyed=False)
        if self._keys is None:
            raise Blocked(
                f"tags of data subjects are under their data keys: set {VARIABLE}, or {VARIABLE}_FILE, the same as for "
                "`proofwatch run privacy`, and start this process again"
            )
        try:
            found = {(row["tenant"], row["mark"]): await self._tag(row, self._keys) for row in rows if row["mark"]}
            missing = [each for each in wanted if each not in found] if make else []
            if missing:
                made = await PostgresKeys(self._keys).held_or_made(tx, missing)
                found |= {each: self._keep(key) for each, key in made.items()}
        except (EpochDestroyed, InvalidKeys, KeysAway, Tampered) as error:
            raise Blocked(f"data keys of data subjects cannot be used: {error}") from None
        return Tagged(found, keyed=True)

    async def _tag(self, row: Any, keys: KeyEncryption) -> str:
        if known := self._known.get(row["key_id"]):
            return known
        of = about(row["tenant"], row["key_id"])
        secret = await keys.unwrap(Wrapped(row["epoch"], row["wrapped"]), of)
        return self._keep(DataKey(row["key_id"], secret))

    def _keep(self, key: DataKey) -> str:
        if len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        tag = self._known[key.key_id] = tag_of(key)
        return tag
