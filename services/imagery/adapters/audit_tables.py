"""The log's tables, read: what they say is proved against a published checkpoint before anything follows from it."""

from typing import TYPE_CHECKING, Final

from proofwatch.audit.merkle_proofs import inclusion_parts
from proofwatch.bus.postgres.pool import session
from services.imagery.ports import Log

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "imagery audit"
_ENTRY: Final = "select index, leaf from audit.entries where entry_id = $1 and index < $2"
_NODES: Final = """
select 0 as level, index, leaf_hash as hash from audit.entries where index = any($1::bigint[])
union all
select n.level, n.index, n.hash from unnest($2::smallint[], $3::bigint[]) as wanted(level, index)
  join audit.nodes n using (level, index)"""


class AuditTables:
    """See `ports.AuditLog`."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def find(self, entry_id: str, size: int) -> Log | None:
        """Return the entry, if the log has it among its first `size`, and the nodes of its proof."""
        async with session(self._pool, _USER) as connection:
            row = await connection.fetchrow(_ENTRY, entry_id, size)
            if row is None:
                return None
            parts = inclusion_parts(row["index"], size)
            higher = [(level, index) for level, index in parts if level]
            rows = await connection.fetch(
                _NODES,
                [index for level, index in parts if not level],
                [level for level, _ in higher],
                [index for _, index in higher],
            )
        hashes = {(each["level"], each["index"]): bytes(each["hash"]) for each in rows}
        return Log(row["index"], bytes(row["leaf"]), lambda level, index: hashes.get((level, index), b""))
