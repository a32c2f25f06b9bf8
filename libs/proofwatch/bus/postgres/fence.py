"""The PostgreSQL fence: a stage's state, its outbox and its position in one database transaction.

The fence row of (topic, partition) is locked for the length of the transaction. Records below its position are
ignored, a batch that begins beyond it is refused, and the outbox sequence is assigned under the same lock, so that
rows become visible in the order of their sequence.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import asyncpg
import structlog

from proofwatch.bus.dead_letters.letter import with_letters
from proofwatch.bus.errors import DatabaseOlder, Fenced, Gap, NotMigrated, PositionLost
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.outbox_signals import OutboxSignals
from proofwatch.bus.postgres.pool import create_pool, is_limited, session, transaction
from proofwatch.bus.postgres.setup import fence_ddl, fence_progress, in_schema
from proofwatch.bus.records import Batch, Outgoing, Topic, TopicPartition
from proofwatch.bus.stage import Owner, Stage
from proofwatch.bus.topics import require_same

__all__ = ["PostgresFence", "PostgresOwner", "create_pool", "fence_ddl", "fence_progress"]

_log = structlog.get_logger(__name__)
Published = Callable[[TopicPartition], Awaitable[Mapping[TopicPartition, int]]]
_COLUMNS = [
    "source_topic",
    "source_partition",
    "seq",
    "topic",
    "partition",
    "key",
    "value",
    "timestamp_ms",
    "header_names",
    "header_values",
]
_ACQUIRE = """
insert into {schema}.fence as f (topic, partition, epoch) values ($1, $2, 1)
on conflict (topic, partition) do update set epoch = f.epoch + 1 returning epoch
"""
_LOCK = """
select epoch, position, progress_ms, outbox_seq, topic_id from {schema}.fence
where topic = $1 and partition = $2 for update
"""
_MOVE = """
update {schema}.fence set position = $3, progress_ms = $4, outbox_seq = $5 where topic = $1 and partition = $2
"""
_RESERVE = """
update {schema}.fence set outbox_seq = outbox_seq + $3 where topic = $1 and partition = $2
returning outbox_seq - $3
"""
_IDENTIFY = "update {schema}.fence set topic_id = $3, position = $4 where topic = $1 and partition = $2"
_WRITTEN = "select topic, partition, outbox_seq from {schema}.fence"
_MIGRATED = """
select exists(select from information_schema.columns
              where table_schema = $1 and table_name = 'fence' and column_name = 'topic_id')
"""
_RELAYED = "select position from {schema}.outbox_relay where source_topic = $1 and source_partition = $2"


class PostgresFence:
    """The fence of one schema; one stage per schema, because the fence is keyed by topic and partition alone."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        schema: str,
        topic: Callable[[str], Awaitable[Topic]] | None = None,
        published: Published | None = None,
        *,
        group: str | None = None,
        publish: Callable[[Sequence[Outgoing]], Awaitable[None]] | None = None,
        erasures: ErasureLog | None = None,
    ) -> None:
        """`group`: the consumer group; None: it is called as the schema is.

        `topic` tells what a topic is now, so that one made anew is noticed; None: nobody looks.

        `published` tells up to which sequence each partition's outbox is on the bus, so that a database that was
        restored to before is noticed, and nothing is written to it; None: nobody looks.

        `publish` is given the outputs right after each transaction, instead of the outbox: for a bus that shares the
        database's fate; None: there is an outbox.

        `erasures`: those that were announced, so that a database which was restored to before one is noticed, and
        nothing is read or written; None: nobody looks.
        """
        self._erasures = erasures
        self.publish = publish
        self.group = group or schema
        self._topic = topic
        self._published = published
        self._acquire = in_schema(_ACQUIRE, schema)
        self.pool = pool
        self.schema = schema
        self.written = OutboxSignals()

    @property
    def is_limited(self) -> bool:
        """Whether a transaction of its lanes has but so much time."""
        return is_limited(self.pool)

    async def check(self) -> None:
        """Make sure that the schema has its tables. Raises `NotMigrated`, or `DatabaseAway`."""
        async with session(self.pool, f"{self.schema} check") as connection:
            if not await connection.fetchval(_MIGRATED, self.schema):
                raise NotMigrated(
                    f"PostgreSQL has no {self.schema}.fence as this release needs it: run `proofwatch migrate` before "
                    f"this service"
                )

    async def acquire(self, source: TopicPartition) -> Owner[Any]:
        """Count a new owner; waits for the previous one's transaction in hand, at most for the lock timeout.

        Raises `DatabaseAway`, `ErasuresUnknown`.
        """
        await self.require_erasures(source)
        # asked first: what is published now, the database has known before
        published = await self._published(source) if self._published else {}
        async with session(self.pool, self.user(source, "acquire")) as connection:
            epoch = await connection.fetchval(self._acquire, *source)
        self.written.set(source)  # the owner before may have written something right up to now
        topic = await self._topic(source.topic) if self._topic else Topic(0)
        return PostgresOwner(self, source, epoch, topic, published)

    async def require_erasures(self, source: TopicPartition) -> None:
        """Raise `ErasuresUnknown` while the database lacks an erasure that was announced; `BusUnavailable`."""
        if self._erasures:
            await self._erasures.require_known(self.pool, self.user(source, "erasures"))

    async def append(self, source: TopicPartition, outputs: Sequence[Outgoing], connection: Any) -> None:
        """Add to the outbox of a partition, in a transaction that is no lane's; `appended` tells its relay.

        The partition must have been committed once: its row is locked until the transaction ends, as lanes do.
        """
        if outputs and self.publish is None:
            seq = await connection.fetchval(in_schema(_RESERVE, self.schema), *source, len(outputs))
            await _write(connection, self.schema, source, outputs, seq)

    async def appended(self, source: TopicPartition, outputs: Sequence[Outgoing]) -> None:
        """Say that what `append` wrote is committed."""
        if outputs and self.publish is not None:
            await self.publish(outputs)
        elif outputs:
            self.written.set(source)

    def user(self, source: TopicPartition, act: str) -> str:
        """Return the name under which a partition's owner does something with the database."""
        return f"{self.schema} {act} {source.topic}/{source.partition}"


class PostgresOwner:
    """The right to commit for one partition until the epoch moves on. Holds no connection between commits.

    Usable without a lane: `owner = await fence.acquire(at)`, then `await owner.commit(batch, stage)` for each batch.
    """

    def __init__(
        self,
        fence: PostgresFence,
        source: TopicPartition,
        epoch: int,
        topic: Topic,
        published: Mapping[TopicPartition, int],
    ) -> None:
        self._topic = topic
        self._published = published
        self._fence = fence
        self._source = source
        self._epoch = epoch
        self._lock_row = in_schema(_LOCK, fence.schema)
        self._move = in_schema(_MOVE, fence.schema)
        self._identify = in_schema(_IDENTIFY, fence.schema)
        self._relayed = in_schema(_RELAYED, fence.schema)

    async def position(self) -> int | None:
        """Return the stored position.

        Raises `Fenced`, `DatabaseAway`, `TopicReplaced`, `DatabaseOlder` when more is published than was ever written
        to any partition, and `PositionLost` when the outbox was published further.
        """
        async with transaction(self._fence.pool, self._fence.user(self._source, "position")) as connection:
            row = await self._lock(connection)
            await self._require_as_new(connection)
            if row["position"] is None and await connection.fetchval(self._relayed, *self._source):
                raise PositionLost(
                    f"{self._where()}: {self._fence.schema}.fence has lost the position, but outputs were published "
                    f"from {self._fence.schema}.outbox: a start from the beginning would count everything twice. "
                    f"Restore {self._fence.schema}.fence from a backup, or empty all tables of the schema together"
                )
            position: int | None = row["position"]
            if not require_same(self._where(), row["topic_id"], self._topic):
                position = 0
                names = {"topic": self._source.topic, "partition": self._source.partition}
                _log.warning("new_topic_accepted", schema=self._fence.schema, **names, topic_id=self._topic.id)
            if self._topic.id not in (None, row["topic_id"]):
                await connection.execute(self._identify, *self._source, self._topic.id, position)
            return position

    async def commit(self, batch: Batch, stage: Stage[Any]) -> None:
        """Run the step on what lies at or beyond the stored position, and store everything in one transaction.

        The batch that the stage sees has the greater of the stored and the given progress.
        Raises `Fenced`, `Gap` and `DatabaseAway`; after any of them acquire anew.
        """
        async with transaction(self._fence.pool, self._fence.user(self._source, "commit")) as connection:
            row = await self._lock(connection)
            fresh = self._fresh(batch, row["position"], row["progress_ms"])
            if fresh is None:
                return
            parts = with_letters(await stage.step(fresh, connection), batch.source, self._fence.group)
            outputs, seq, publish = [*chain.from_iterable(parts)], row["outbox_seq"], self._fence.publish
            if outputs and publish is None:
                await _write(connection, self._fence.schema, self._source, outputs, seq)
                seq += len(outputs)
            await connection.execute(self._move, *self._source, fresh.position_after, fresh.progress_ms, seq)
        if outputs and publish is not None:
            await publish(outputs)
        elif outputs:
            self._fence.written.set(self._source)

    async def close(self) -> None:
        """Hold nothing, release nothing."""

    async def _require_as_new(self, connection: Any) -> None:
        if not self._published:
            return
        rows = await connection.fetch(in_schema(_WRITTEN, self._fence.schema))
        written = {TopicPartition(topic, partition): seq for topic, partition, seq in rows}
        for at, published in sorted(self._published.items()):  # so that all lanes say the same
            if published > written.get(at, 0):
                where = f"{at.topic}/{at.partition}"
                raise DatabaseOlder(self._fence.schema, where, published, written.get(at, 0))

    async def _lock(self, connection: Any) -> Any:
        row = await connection.fetchrow(self._lock_row, *self._source)
        if row is None or row["epoch"] != self._epoch:
            raise Fenced(f"{self._where()}: another owner has acquired this partition")
        return row

    def _fresh(self, batch: Batch, stored: int | None, progress_ms: int | None) -> Batch | None:
        """Cut off what is stored already; None when that is all."""
        known = [each for each in (batch.progress_ms, progress_ms) if each is not None]
        batch = batch._replace(progress_ms=max(known, default=None))
        if stored is None or stored == batch.position_before:
            return batch
        if stored < batch.position_before:
            raise Gap(
                f"{self._where()}: the batch begins at {batch.position_before} but only records below {stored} are "
                f"stored in {self._fence.schema}: read from {stored} on"
            )
        if not batch.records:
            return batch._replace(position_before=stored, position_after=stored)
        if stored >= batch.position_after:
            return None
        records = [record for record in batch.records if record.offset >= stored]
        return batch._replace(records=records, position_before=stored)

    def _where(self) -> str:
        return f"{self._source.topic}/{self._source.partition}"


async def _write(connection: Any, schema: str, source: TopicPartition, outputs: Sequence[Outgoing], seq: int) -> None:
    rows = [
        (
            *source,
            seq + index,
            record.topic,
            record.partition,
            record.key,
            record.value,
            record.timestamp_ms,
            [name for name, _ in record.headers],
            [value for _, value in record.headers],
        )
        for index, record in enumerate(outputs)
    ]
    await connection.copy_records_to_table("outbox", schema_name=schema, columns=_COLUMNS, records=rows)
