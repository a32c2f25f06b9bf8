"""Tags of subjects by their data keys, in PostgreSQL: one round trip a batch, two where somebody is new.

What a key makes is kept by the key's id, which is random: a key that was destroyed is not asked for again, and one
that is asked for again need not be unwrapped. So a batch of people who are known costs no cipher, and no call to
where the key-encryption keys are kept; one of people who are not costs one call for all who have keys, and one for all
who get one.
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
)
from proofwatch.privacy.postgres_keys import PostgresKeys
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
        held = {(row["tenant"], row["mark"]): row for row in rows if row["mark"]}
        known = {each: tag for each, row in held.items() if (tag := self._known.get(row["key_id"]))}
        keys = PostgresKeys(self._keys)
        try:
            met = await keys.unwrapped([row for each, row in held.items() if each not in known])
            missing = [each for each in wanted if each not in held] if make else []
            made = await keys.made(tx, missing)
        except (EpochDestroyed, InvalidKeys, KeysAway, Tampered) as error:
            raise Blocked(f"data keys of data subjects cannot be used: {error}") from None
        return Tagged(known | {each: self._keep(key) for each, key in (met | made).items()}, keyed=True)

    def _keep(self, key: DataKey) -> str:
        if len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        tag = self._known[key.key_id] = tag_of(key)
        return tag
