"""Consents in PostgreSQL, schema `consents`: one statement to read and one to write a batch of any size.

Writing asks once more which word prevails, in the database: a producer with another partitioner puts one subject on two
partitions, and its withdrawal must hold all the same.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from proofwatch.governance.consents import ConsentKey, Word
from proofwatch.governance.purposes import Purpose
from proofwatch.privacy.suppression import Erased, Whose, suppressed

_LOAD: Final = """
select c.tenant, c.subject_tag, c.purpose, c.granted, c.asserted_at, c.expires_at
from unnest($1::text[], $2::text[], $3::text[]) as k(tenant, subject_tag, purpose)
join consents.words c using (tenant, subject_tag, purpose)"""
_SAVE: Final = """
insert into consents.words as w (tenant, subject_tag, purpose, granted, asserted_at, expires_at, keyed)
select u.*, $7::bool
from unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::timestamptz[], $6::timestamptz[]) as u
on conflict (tenant, subject_tag, purpose) do update
set granted = excluded.granted, asserted_at = excluded.asserted_at, expires_at = excluded.expires_at
where (excluded.asserted_at, not excluded.granted, excluded.expires_at is not null,
       coalesce(-extract(epoch from excluded.expires_at), 0))
    > (w.asserted_at, not w.granted, w.expires_at is not null, coalesce(-extract(epoch from w.expires_at), 0))"""


class PostgresConsents:
    """The `ConsentStore` of the service."""

    async def load(self, keys: Collection[ConsentKey], tx: Any) -> Mapping[ConsentKey, Word]:
        """Return the words that hold."""
        rows = await tx.fetch(_LOAD, *_columns(sorted(keys), 3))
        return {ConsentKey(row[0], row[1], Purpose(row[2])): Word(*row[3:]) for row in map(tuple, rows)}

    async def erased(self, subjects: Collection[Whose], tx: Any) -> Erased:
        """See `ConsentStore`."""
        return await suppressed(tx, subjects)

    async def save(self, words: Mapping[ConsentKey, Word], tx: Any, *, keyed: bool) -> None:
        """Write the words."""
        await tx.execute(_SAVE, *_columns([(*key, *word) for key, word in sorted(words.items())], 6), keyed)


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]
