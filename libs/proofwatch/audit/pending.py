"""How whoever acts enters what it does: in the transaction of the act, so that there is neither without the other."""

from typing import Any, Protocol

from proofwatch.audit.entry import Entry, leaf_of

_ENTER = "insert into audit.pending(entry) select unnest($1::bytea[])"


class Connection(Protocol):
    """What is needed of a connection to PostgreSQL."""

    async def execute(self, query: str, *arguments: Any) -> object:
        """Run a statement."""
        ...


async def enter(connection: Connection, *entries: Entry) -> None:
    """Enter what was done; the auditor gives it its place and its time. An id that the log has is not entered again.

    Raises `InvalidLeaf`, and what the connection raises: then the act must not be.
    """
    await connection.execute(_ENTER, [leaf_of(each) for each in entries])
