"""Reading the log: for exports, proofs and people. Nothing here is locked, and nothing changes below a checkpoint."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proofwatch.audit.entry import Entry, entry_of
from proofwatch.audit.keys import LogKeys
from proofwatch.audit.merkle import Nodes
from proofwatch.audit.note import Note, decimal, signature_of
from proofwatch.bus.postgres.pool import session
from services.auditor.adapters.postgres import PostgresLog

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "audit reader"
_CHUNK: Final = 5_000
_CHECKPOINTS: Final = """
select checkpoint_index, size, note, array(
  select line from audit.cosignatures c where c.checkpoint_index = p.checkpoint_index order by line) as lines
from audit.checkpoints p where published_at is not null and (size between $1 and $2 or checkpoint_index = (
  select max(checkpoint_index) from audit.checkpoints where published_at is not null))
order by checkpoint_index
"""
FARTHEST: Final = 2**63 - 1
"""The last index that a log can have."""
_FIND: Final = """
select index, leaf from audit.entries where ($1::text is null or action like $1) and ($2::text is null or actor = $2)
and ($3::text is null or tenant = $3) and ($4::timestamptz is null or logged_at >= $4) order by index desc limit $5
"""


def index_of(entry: str) -> int | None:
    """Return the index that is named in decimal; None: it is an id, or beyond what a log can have."""
    return decimal(entry, FARTHEST)


class Wanted(NamedTuple):
    """What entries are looked for; `action` may end with %. None: any."""

    action: str | None = None
    actor: str | None = None
    tenant: str | None = None
    since: Any = None


class LogReader:
    """The log as far as its last published checkpoint."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool
        self._log = PostgresLog(pool)

    async def checkpoints(self, begin: int, end: int | None) -> list[tuple[int, int, Note]]:
        """Return index, size and note of what was published of [begin, end], and the last of all, with cosignatures."""
        async with session(self._pool, _USER) as connection:
            rows = await connection.fetch(_CHECKPOINTS, begin, (1 << 62) if end is None else end)
        return [(row["checkpoint_index"], row["size"], _cosigned(row["note"], row["lines"])) for row in rows]

    async def leaves(self, begin: int, end: int) -> AsyncIterator[tuple[int, bytes]]:
        """Yield index and leaf of the entries [begin, end)."""
        for first in range(begin, end, _CHUNK):
            async with session(self._pool, _USER) as connection:
                rows = await connection.fetch(
                    "select index, leaf from audit.entries where index >= $1 and index < $2 order by index",
                    first,
                    min(first + _CHUNK, end),
                )
            for row in rows:
                yield row["index"], row["leaf"]

    async def leaf(self, index: int) -> bytes:
        """Return the leaf of an entry that is there."""
        async with session(self._pool, _USER) as connection:
            return bytes(await connection.fetchval("select leaf from audit.entries where index = $1", index))

    async def keys(self) -> LogKeys:
        """Return the keys that the entries name."""
        return await self._log.keys()

    async def nodes(self, parts: Sequence[tuple[int, int]]) -> Nodes:
        """Return these roots of perfect subtrees."""
        return await self._log.nodes(parts)

    async def place_of(self, entry: str) -> int | None:
        """Return the index of an entry by its id, or by its index in decimal; None: there is none."""
        async with session(self._pool, _USER) as connection:
            place = index_of(entry)
            if place is not None:
                found = await connection.fetchval("select index from audit.entries where index = $1", place)
            else:
                found = await connection.fetchval("select index from audit.entries where entry_id = $1", entry)
        return None if found is None else int(found)

    async def find(self, wanted: Wanted, limit: int) -> list[tuple[int, Entry]]:
        """Return the newest entries that are looked for, the newest first."""
        async with session(self._pool, _USER) as connection:
            rows = await connection.fetch(_FIND, *wanted, limit)
        return [(row["index"], entry_of(row["leaf"])) for row in rows]


def _cosigned(note: str, lines: Sequence[str]) -> Note:
    return Note.parse(note.encode()).signed(*(signature_of(each.removesuffix("\n")) for each in lines))
