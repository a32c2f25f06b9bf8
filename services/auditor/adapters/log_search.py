"""Reading the log for pages: filtered and a part at a time, who acted by name, and the checkpoint that proves it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from proofwatch.audit.entry import Entry, InvalidLeaf, Object, entry_of
from proofwatch.bus.postgres.pool import session

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "audit pages"
_FIND: Final = """
select index, leaf from audit.entries
where logged_at >= $1 and index < $2
  and ($3::text is null or action like $3) and ($4::text[] is null or action like any($4))
  and ($5::text[] is null or actor = any($5)) and ($6::text[] is null or tenant = any($6))
  and ($7::text is null or outcome = $7) and ($8::bytea is null or position($8 in leaf) > 0)
order by index desc limit $9
"""
_ONE: Final = "select leaf, leaf_hash from audit.entries where index = $1"
_SIGNED: Final = "select coalesce(max(size), 0) from audit.checkpoints where published_at is not null"
_HOLDING: Final = """
select size, note, published_at, (
  select count(*) from audit.cosignatures c where c.checkpoint_index = p.checkpoint_index) as cosigned
from audit.checkpoints p where published_at is not null and size > $1 order by size limit 1
"""
_NAMES: Final = "select person_id, name from access.directory where person_id = any($1::text[])"
_IDS: Final = "select person_id from access.directory where name = $1"
FARTHEST: Final = 2**62


class Sought(NamedTuple):
    """What entries are looked for; None: any. `among`: actions of which one must fit; % stands for anything."""

    since: datetime
    before: int = FARTHEST
    action: str | None = None
    among: Sequence[str] | None = None
    actors: Sequence[str] | None = None
    tenants: Sequence[str] | None = None
    outcome: str | None = None
    about: Object | None = None


class Leaf(NamedTuple):
    """An entry as it is stored, and the hash that the tree holds."""

    body: bytes
    hash: bytes


class Holding(NamedTuple):
    """A checkpoint that has left."""

    size: int
    note: str
    left_at: datetime
    cosigned: int


def read(leaf: bytes) -> Entry | None:
    """Return the entry of a leaf; None: it is none, so somebody changed it."""
    try:
        return entry_of(bytes(leaf))
    except InvalidLeaf:
        return None


class LogSearch:
    """Asks the tables of the log, and who is who; nothing is locked."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def find(self, sought: Sought, limit: int) -> list[tuple[int, Entry | None]]:
        """Return the newest entries that are looked for, the newest first; None: what is there is no entry."""
        since, before, action, among, actors, tenants, outcome, about = sought
        written = None if about is None else msgspec.json.encode(about)
        rows = await self._fetch(_FIND, since, before, action, among, actors, tenants, outcome, written, limit)
        return [(row["index"], read(row["leaf"])) for row in rows]

    async def leaf(self, index: int) -> Leaf | None:
        """Return an entry; None: the log has none there."""
        rows = await self._fetch(_ONE, index)
        return Leaf(bytes(rows[0]["leaf"]), bytes(rows[0]["leaf_hash"])) if rows else None

    async def signed(self) -> int:
        """Return how many entries, from the first on, are in a checkpoint that has left."""
        return int((await self._fetch(_SIGNED))[0][0])

    async def holding(self, index: int) -> Holding | None:
        """Return the first checkpoint with an entry that has left; None: none has."""
        rows = await self._fetch(_HOLDING, index)
        return Holding(*rows[0]) if rows else None

    async def names(self, ids: Sequence[str]) -> dict[str, str]:
        """Return accounts by the ids of people, as far as they are there."""
        return dict(await self._fetch(_NAMES, sorted(set(ids))))

    async def ids(self, name: str) -> list[str]:
        """Return what entries may call an account or a service: itself, and the id of the person of that name."""
        return [name, *(row[0] for row in await self._fetch(_IDS, name))]

    async def _fetch(self, query: str, *given: Any) -> Sequence[Any]:
        async with session(self._pool, _USER) as connection:
            found: Sequence[Any] = await connection.fetch(query, *given)
        return found
