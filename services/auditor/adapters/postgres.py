"""The log in PostgreSQL, schema `audit`: every change in one transaction, under the lock of the log's one row."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.audit.entry import BEGUN, KEY_ADDED, KEY_RETIRED, Entry, entry_of
from proofwatch.audit.keys import LogKeys
from proofwatch.audit.merkle import Nodes, Range
from proofwatch.audit.note import Note
from proofwatch.audit.stored_nodes import read_nodes
from proofwatch.bus.errors import Fenced
from proofwatch.bus.postgres.pool import session, transaction
from services.auditor.core.sequencing import Growth, Pending, Tree, read, renamed, same_act
from services.auditor.ports import Grow, Held, Published

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "auditor"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_HOLD: Final = """
update audit.log set epoch = epoch + 1, holder = $1, held_until = now() + make_interval(secs => $2)
where holder = $1 or held_until < now() returning epoch
"""
_LOCK: Final = "select epoch, size, hashes, logged_at from audit.log for update"
_TAKE: Final = "select pending_id, entry, entered_by from audit.pending order by pending_id limit $1"
_PENDING: Final = "select exists(select from audit.pending)"
_KNOWN: Final = """
select entry_id, leaf from audit.entries where entry_id = any($1::text[])
"""
_MOVE: Final = """
update audit.log set size = $1, hashes = $2, logged_at = $3, held_until = now() + make_interval(secs => $4)
"""
_ROWS: Final = ["index", "entry_id", "leaf", "leaf_hash", "logged_at", "tenant", "actor", "action", "outcome"]
_LAST: Final = "select checkpoint_index, note from audit.checkpoints order by checkpoint_index desc limit 1"
_NEWEST: Final = """
select checkpoint_index, note from audit.checkpoints where published_at is not null
order by checkpoint_index desc limit 1
"""
_UNPUBLISHED: Final = """
select checkpoint_index, note from audit.checkpoints where published_at is null order by checkpoint_index
"""
_SIGN: Final = "insert into audit.checkpoints(checkpoint_index, size, note) values ($1, $2, $3)"
_LEFT: Final = "update audit.checkpoints set published_at = now() where checkpoint_index = $1"
_COSIGN: Final = """
insert into audit.cosignatures(checkpoint_index, line) select $1, unnest($2::text[]) on conflict do nothing
"""


class PostgresLog:
    """The store of the auditor; whoever else reads does so by `log_reader`."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def hold(self, holder: str, seconds: float) -> Held | str:
        """See `ports.Store`."""
        async with transaction(self._pool, f"{_USER} hold") as connection:
            epoch = await connection.fetchval(_HOLD, holder, seconds)
            if epoch is not None:
                return Held(epoch, holder)
            return str(await connection.fetchval("select holder from audit.log"))

    async def is_pending(self) -> bool:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} pending") as connection:
            return bool(await connection.fetchval(_PENDING))

    async def grow(self, held: Held, seconds: float, limit: int, grow: Grow) -> Growth:
        """See `ports.Store`."""
        async with transaction(self._pool, f"{_USER} grow") as connection:
            tree = await _locked(connection, held)
            pending = [Pending(*row) for row in await connection.fetch(_TAKE, limit)]
            growth = grow(tree, pending, await self._known(connection, pending))
            await _write(connection, growth)
            await connection.execute(
                "delete from audit.pending where pending_id = any($1::bigint[])", [each.pending_id for each in pending]
            )
            whole = growth.tree.entries
            await connection.execute(_MOVE, whole.end, whole.hashes, growth.tree.logged_at, seconds)
            return growth

    async def keys(self) -> LogKeys:
        """See `ports.Store`."""
        keys = LogKeys()
        async with session(self._pool, f"{_USER} keys") as connection:
            rows = await connection.fetch(
                "select index, leaf from audit.entries where action = any($1::text[]) order by index",
                [BEGUN, KEY_ADDED, KEY_RETIRED],
            )
        for index, leaf in rows:
            keys.observe(index, entry_of(leaf))
        return keys

    async def tree(self) -> Tree:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} tree") as connection:
            return _tree(await connection.fetchrow("select size, hashes, logged_at from audit.log"))

    async def nodes(self, parts: Sequence[tuple[int, int]]) -> Nodes:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} nodes") as connection:
            found = await read_nodes(connection, parts)
        return lambda level, index: found[level, index]

    async def last(self) -> Published | None:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} last") as connection:
            row = await connection.fetchrow(_LAST)
        return _published(row) if row else None

    async def newest(self) -> Published | None:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} newest") as connection:
            row = await connection.fetchrow(_NEWEST)
        return _published(row) if row else None

    async def unpublished(self) -> Sequence[Published]:
        """See `ports.Store`."""
        async with session(self._pool, f"{_USER} unpublished") as connection:
            return [_published(row) for row in await connection.fetch(_UNPUBLISHED)]

    async def sign(self, held: Held, published: Published) -> None:
        """See `ports.Store`."""
        async with transaction(self._pool, f"{_USER} sign") as connection:
            await _locked(connection, held)
            size, note = published.checkpoint.size, published.note.body().decode()
            await connection.execute(_SIGN, published.place, size, note)

    async def left(self, place: int) -> None:
        """See `ports.Store`."""
        async with transaction(self._pool, f"{_USER} left") as connection:
            await connection.execute(_LEFT, place)

    async def cosigned(self, place: int, lines: Sequence[str]) -> None:
        """See `ports.Store`."""
        async with transaction(self._pool, f"{_USER} cosigned") as connection:
            await connection.execute(_COSIGN, place, list(lines))

    async def _known(self, connection: Any, pending: Sequence[Pending]) -> Mapping[str, Entry]:
        """Return what the log has under the ids of the pending, and under those that some get in their place."""
        known: dict[str, Entry] = {}
        asked = [read(each, _NEVER)[0] for each in pending]
        while asked:
            rows = await connection.fetch(_KNOWN, [each.entry_id for each in asked])
            known |= {row["entry_id"]: entry_of(row["leaf"]) for row in rows}
            first = {each.entry_id: each for each in reversed(asked)} | known
            asked = [renamed(each) for each in asked if not same_act(each, first[each.entry_id])]
        return known


async def _locked(connection: Any, held: Held) -> Tree:
    row = await connection.fetchrow(_LOCK)
    if row["epoch"] != held.epoch:
        raise Fenced("another auditor sequences now")
    return _tree(row)


async def _write(connection: Any, growth: Growth) -> None:
    rows = [
        (
            row.place,
            row.entry.entry_id,
            row.leaf,
            row.leaf_hash,
            row.entry.logged_at,
            row.entry.tenant,
            row.entry.actor.id,
            row.entry.action,
            row.entry.outcome,
        )
        for row in growth.rows
    ]
    if rows:
        await connection.copy_records_to_table("entries", schema_name="audit", columns=_ROWS, records=rows)
    if growth.nodes:
        columns = ["level", "index", "hash"]
        await connection.copy_records_to_table("nodes", schema_name="audit", columns=columns, records=growth.nodes)
    refused = [(each.pending.pending_id, each.pending.body, each.reason) for each in growth.refusals]
    if refused:
        columns = ["pending_id", "entry", "reason"]
        await connection.copy_records_to_table("refused", schema_name="audit", columns=columns, records=refused)


def _tree(row: Mapping[str, Any]) -> Tree:
    return Tree(Range.of(0, row["size"], row["hashes"]), row["logged_at"])


def _published(row: Mapping[str, Any]) -> Published:
    return Published(row["checkpoint_index"], Note.parse(row["note"].encode()))
