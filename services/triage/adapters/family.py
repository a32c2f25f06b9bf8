"""Cases are locked with the wholes that they are parts of, all at once and in the order of their ids."""

from collections.abc import Sequence
from typing import Any


async def locked_with_wholes(tx: Any, statement: str, *given: Any) -> Sequence[Any]:
    """Lock cases by a statement that returns them, with `part_of`, in the order of their ids; return its rows.

    Its last parameter is which cases it is to lock beside those that it finds. While it waits for one, another may
    become a part of a case that it did not look for: then it lets go of all, and locks that one, too. Nobody who waits
    for a case holds one that comes after it, so nobody waits for each other.
    """
    beside: set[str] = set()
    while True:
        point = tx.transaction()
        await point.start()
        rows: Sequence[Any] = await tx.fetch(statement, *given, sorted(beside))
        missing = {row["part_of"] for row in rows if row["part_of"]} - {row["case_id"] for row in rows}
        if not missing:
            await point.commit()
            return rows
        await point.rollback()
        beside |= missing
