"""The outbox relay: an outbox is a source like any other, its sequence is the position, a lane publishes it.

The sequence is committed on the bus in the transaction that publishes the rows (group `<group>-relay`), so each row
is published exactly once. Rows that are certainly committed are deleted, and how far is kept in the database too,
because a bus forgets the offsets of idle groups.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

import asyncpg

from proofwatch.bus.errors import DatabaseOlder, Gap, UnknownTopic
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.worker import Companion
from proofwatch.bus.port import Bus, Look
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.outbox_signals import OutboxSignals
from proofwatch.bus.postgres.pool import session
from proofwatch.bus.postgres.setup import in_schema
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.runtime.clock import Clock

RELAY: Final = "-relay"
"""What the group of an outbox's relay has behind the name of the group that writes it."""
_POLL_S: Final = 15.0
"""Seconds between two looks that nothing has caused; the fence tells of everything that it knows of."""
_NO_TIMESTAMP = -1  # as in Kafka's record format
_TOPIC, _PARTITION = "proofwatch.outbox.topic", "proofwatch.outbox.partition"
_READ = """
select seq, topic, partition, key, value, timestamp_ms, header_names, header_values from {schema}.outbox
where source_topic = $1 and source_partition = $2 and seq >= $3 order by seq limit $4
"""
_RELAYED = "select position from {schema}.outbox_relay where source_topic = $1 and source_partition = $2"
_END = "select outbox_seq from {schema}.fence where topic = $1 and partition = $2"
_FORGET = """
with gone as (
  delete from {schema}.outbox where source_topic = $1 and source_partition = $2 and seq < $3
)
insert into {schema}.outbox_relay as r values ($1, $2, $3)
on conflict (source_topic, source_partition) do update set position = greatest(r.position, excluded.position)
"""


class EmptyHistory:
    """What is published is deleted: there is nothing to look back on."""

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield nothing."""
        none: Sequence[Sequence[Record]] = ()
        for records in none:
            yield records


class OutboxSource:
    """Reads the outbox rows of one schema; a source partition is the partition whose batches wrote the rows.

    A fetched record names its destination in two leading headers, which `RelayStage` takes off.
    """

    def __init__(self, pool: "asyncpg.Pool", schema: str, written: OutboxSignals | None = None) -> None:
        """`written`: the signals of the fence that writes the outbox in this process; None: ask every time."""
        self._pool = pool
        self._schema = schema
        self._written = written
        self._cursors: dict[TopicPartition, int] = {}
        self._released: dict[TopicPartition, int] = {}
        self._user = f"{schema} outbox"
        self._read = in_schema(_READ, schema)
        self._relayed = in_schema(_RELAYED, schema)
        self._end = in_schema(_END, schema)
        self._forget = in_schema(_FORGET, schema)

    async def beginning(self, source: TopicPartition) -> int:
        """Return the sequence up to which the database knows everything to be published."""
        return await self._value(self._relayed, source)

    async def seek(self, source: TopicPartition, position: int) -> None:
        """Read from `position` on. Raises `DatabaseOlder` when the outbox never came that far."""
        end = await self._value(self._end, source)
        if position > end:
            raise DatabaseOlder(self._schema, f"{source.topic}/{source.partition}", position, end)
        self._cursors[source] = position
        if self._written:
            self._written.set(source)

    async def fetch(self, source: TopicPartition, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next rows, or none after `timeout_s`.

        Whoever asks again has committed what it got before; those rows are deleted.
        """
        cursor = self._cursors[source]
        if self._written and not self._written.take(source):
            if timeout_s <= 0:
                return ()
            await self._written.wait(source, timeout_s)
            self._written.take(source)
        async with session(self._pool, f"{self._user} {source.topic}/{source.partition}") as connection:
            if cursor > self._released.get(source, 0):
                await connection.execute(self._forget, *source, cursor)
                self._released[source] = cursor
            rows = await connection.fetch(self._read, *source, cursor, max_records)
        if not rows:
            return ()
        if rows[0]["seq"] != cursor or rows[-1]["seq"] != cursor + len(rows) - 1:
            raise Gap(f"outbox of {source.topic}/{source.partition}: rows are missing from sequence {cursor} on")
        self._cursors[source] = cursor + len(rows)
        if self._written:
            self._written.set(source)  # there may be more, and these are to be deleted
        return [_record(row) for row in rows]

    def look(self, source: TopicPartition) -> Look | None:
        """Return None: an outbox tells no time."""
        return None

    def history(self, source: TopicPartition, position: int) -> History:
        """Return an empty view."""
        return EmptyHistory()

    async def _value(self, query: str, source: TopicPartition) -> int:
        async with session(self._pool, self._user) as connection:
            return await connection.fetchval(query, *source) or 0


class RelayStage:
    """Publishes outbox rows where they want to go."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return the rows as they were written."""
        return [_outgoing(record) for record in batch.records]

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""


def outbox_fence(pool: "asyncpg.Pool", schema: str, bus: Bus, group: str, topics: Sequence[str]) -> PostgresFence:
    """Return the fence of a schema whose outbox `relay` publishes: it refuses a database older than what is published,
    and one that does not know who was erased.

    Otherwise a lane would go on beside a relay that refuses, until its outbox has come as far again with other records.
    `topics`: what the group reads. What was published of any partition of them keeps all lanes waiting, for they share
    their tables. Of its own partition that is known for sure, of the others as far as the relay's offsets are there.
    """

    async def published(source: TopicPartition) -> dict[TopicPartition, int]:
        relay_group, found = f"{group}{RELAY}", {}
        for topic in topics:
            positions = await bus.positions(relay_group, topic)
            found.update({TopicPartition(topic, partition): position for partition, position in positions.items()})
        if source not in found:
            try:
                position = await bus.position(relay_group, source)
            except UnknownTopic:  # neither an offset nor a topic of positions: nothing was ever published
                position = None
            found |= {source: position} if position is not None else {}
        return found

    publish = bus.publish if bus.shares_fate else None
    erasures = None if bus.shares_fate else ErasureLog(bus)
    return PostgresFence(pool, schema, bus.topic, published, group=group, publish=publish, erasures=erasures)


def relay(fence: PostgresFence, bus: Bus, group: str, settings: LaneSettings, clock: Clock) -> Companion:
    """Return the companion of a worker on `fence`: for each of its partitions a lane that publishes the outbox."""
    source = OutboxSource(fence.pool, fence.schema, fence.written)
    published, stage = bus.fence(f"{group}{RELAY}", of_topic=False), RelayStage()
    # the database may know more than the bus, whose offsets expire; that is no loss
    relaying = replace(settings, live_progress=False, skip_lost=True, idle_s=max(settings.idle_s, _POLL_S))

    def companion(at: TopicPartition) -> Lane[None]:
        return Lane(at, source, published, stage, relaying, clock)

    return companion


def _record(row: Any) -> Record:
    partition = b"" if row["partition"] is None else b"%d" % row["partition"]
    destination = ((_TOPIC, row["topic"].encode()), (_PARTITION, partition))
    headers = zip(row["header_names"], row["header_values"], strict=True)
    timestamp_ms = _NO_TIMESTAMP if row["timestamp_ms"] is None else row["timestamp_ms"]
    return Record(row["seq"], timestamp_ms, row["key"], row["value"], (*destination, *headers))


def _outgoing(record: Record) -> Outgoing:
    (_, topic), (_, partition), *headers = record.headers
    return Outgoing(
        topic.decode(),
        record.key,
        record.value,
        int(partition) if partition else None,
        None if record.timestamp_ms == _NO_TIMESTAMP else record.timestamp_ms,
        tuple(headers),
    )
