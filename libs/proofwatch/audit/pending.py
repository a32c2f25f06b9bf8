"""How whoever acts enters what it does: in the transaction of the act, so that there is neither without the other."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from proofwatch.audit.entry import SALT_BYTES, Actor, Entry, Object, Outcome, entry, leaf_of

Draw: TypeAlias = Callable[[int], bytes]
"""Draws so many bytes for the ids and salts of entries. They are no secrets of anybody's; a run that is to be repeated
seeds them."""
_ENTER = "insert into audit.pending(entry) select unnest($1::bytea[])"


class Connection(Protocol):
    """What is needed of a connection to PostgreSQL."""

    async def execute(self, query: str, *arguments: Any) -> object:
        """Run a statement."""
        ...


def act(
    action: str,
    by: Actor,
    now: datetime,
    *objects: Object,
    tenant: str | None = None,
    reason: str = "",
    details: Mapping[str, str | int] | None = None,
    outcome: Outcome = "done",
    draw: Draw = secrets.token_bytes,
) -> Entry:
    """Return the entry of an act that is not entered twice: its id and its salt are drawn."""
    return entry(
        by,
        action,
        draw(16).hex(),
        now.astimezone(UTC),
        draw(SALT_BYTES),
        objects=objects,
        tenant=tenant,
        reason=reason,
        details=details,
        outcome=outcome,
    )


async def enter(connection: Connection, *entries: Entry) -> None:
    """Enter what was done; the auditor gives it its place and its time. An id that the log has is not entered again.

    Raises `InvalidLeaf`, and what the connection raises: then the act must not be.
    """
    await connection.execute(_ENTER, [leaf_of(each) for each in entries])
