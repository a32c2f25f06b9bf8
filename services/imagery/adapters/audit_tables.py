"""The log's tables, read: what they say is proved against a published checkpoint before anything follows from it."""

from typing import TYPE_CHECKING, Final

from proofwatch.audit.merkle_proofs import inclusion_parts
from proofwatch.audit.stored_nodes import read_nodes
from proofwatch.bus.postgres.pool import session
from services.imagery.ports import Log

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "imagery audit"
_ENTRY: Final = "select index, leaf from audit.entries where entry_id = $1 and index < $2"


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
            found = await read_nodes(connection, inclusion_parts(row["index"], size))
        return Log(row["index"], bytes(row["leaf"]), lambda level, index: found.get((level, index), b""))
