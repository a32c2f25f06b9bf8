"""Whether a database knows every erasure that was announced: one that was restored to before has those people again.

The topic of erasures keeps one record for each, for good; its key is the id. The database keeps up to which offset it
knew all (schema `privacy`), so that only what was announced since its moment is read, which is nothing as a rule.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.bus.errors import ErasuresUnknown, UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import session
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics

if TYPE_CHECKING:
    import asyncpg

_POSITIONS: Final = "select partition, topic_id, known from privacy.erasure_positions()"
_UNKNOWN: Final = "select * from privacy.erasures_unknown($1::text[])"


class Announced(NamedTuple):
    """Where the topic of erasures ends, by partition, which topic that is, and which ids the database lacks."""

    topic_id: str | None
    ends: Mapping[int, int]
    unknown: Sequence[str]


class _Read(NamedTuple):
    begin: int
    end: int
    ids: tuple[str, ...]


class ErasureLog:
    """The topic of erasures as one process asks for it; all of its lanes share one."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._read: dict[int, _Read] = {}

    async def announced(self, pool: "asyncpg.Pool", user: str) -> Announced:
        """Compare the database with the topic; `user`: who asks. Raises `BusUnavailable`, `DatabaseAway`."""
        try:
            topic_id = (await self._bus.topic(topics.ERASURES)).id
            ends = await self._bus.ends(topics.ERASURES)
        except UnknownTopic:  # nothing can have been announced
            return Announced(None, {}, ())
        if not any(ends.values()):
            return Announced(topic_id, ends, ())
        async with session(pool, user) as connection:
            rows = await connection.fetch(_POSITIONS)
        known = {row["partition"]: row["known"] for row in rows if row["topic_id"] == (topic_id or "")}
        ids: set[str] = set()
        for partition, end in sorted(ends.items()):
            begin = known.get(partition, 0)
            ids.update(await self._ids(partition, begin if begin <= end else 0, end))
        if not ids:
            return Announced(topic_id, ends, ())
        async with session(pool, user) as connection:  # asked last: whoever announces has entered it before
            unknown = [row[0] for row in await connection.fetch(_UNKNOWN, sorted(ids))]
        return Announced(topic_id, ends, sorted(unknown))

    async def require_known(self, pool: "asyncpg.Pool", user: str) -> None:
        """Raise `ErasuresUnknown` while the database lacks an erasure; else as `announced`."""
        found = await self.announced(pool, user)
        if found.unknown:
            raise ErasuresUnknown(topics.ERASURES, len(found.unknown))

    async def _ids(self, partition: int, begin: int, end: int) -> Sequence[str]:
        read = self._read.get(partition)
        if read is None or (read.begin, read.end) != (begin, end):
            at, found = TopicPartition(topics.ERASURES, partition), []
            if begin < end:
                found = [(record.key or b"").decode("utf-8", "replace") async for record in self._bus.read(at, begin)]
            self._read[partition] = read = _Read(begin, end, tuple(found))
        return read.ids
