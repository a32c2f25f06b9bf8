"""The nodes of the log's tree as PostgreSQL stores them (schema `audit`): leaves with the entries, the rest apart."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

_NODES: Final = """
select 0 as level, index, leaf_hash as hash from audit.entries where index = any($1::bigint[])
union all
select level, index, hash from audit.nodes
  join unnest($2::smallint[], $3::bigint[]) as wanted(level, index) using (level, index)
"""


class Connection(Protocol):
    """What is needed of a connection to PostgreSQL."""

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Any]:
        """Return the rows of a query."""
        ...


async def read_nodes(connection: Connection, parts: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return the hashes of these nodes (level, index) as far as the log has them; raises what the connection raises."""
    leaves: list[int] = []
    higher: list[tuple[int, int]] = []
    for level, index in parts:
        if level:
            higher.append((level, index))
        else:
            leaves.append(index)
    if not leaves and not higher:
        return {}
    rows = await connection.fetch(_NODES, leaves, [level for level, _ in higher], [index for _, index in higher])
    return {(row["level"], row["index"]): bytes(row["hash"]) for row in rows}
