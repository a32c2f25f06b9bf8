"""Reading one partition of Kafka outside any group: what a lane reads from, and what looks back."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from proofwatch.bus.errors import BusUnavailable, Gap
from proofwatch.bus.kafka.client import CHECK_MS, Connection, end, reader
from proofwatch.bus.kafka.compression import unpacking
from proofwatch.bus.port import Look
from proofwatch.bus.records import Record, TopicPartition, new_record
from proofwatch.bus.wording import plain

_FETCH_BYTES = 8_388_608  # per request; a larger record is delivered all the same
_FETCH_WAIT_MS = 500, 2_500  # least and most; an idle broker answers this often, records do not wait for it
_LOOK_AGAIN_MS = 15  # at most; it ends with the first record
_UNDER_WAY_MS = 250  # an answer is as old as when the broker gave it
_READ_BATCH = 5_000
_READ_WAIT_MS = 50  # the wait ends late when nothing but transaction markers is left


class PartitionReader:
    """Reads one partition over a connection of its own.

    One consumer for several lanes would couple them: the library asks a broker for more only when every partition of
    that broker has been drained, so that the slowest lane would hold up all others.
    """

    def __init__(self, connection: Connection, source: TopicPartition) -> None:
        self._connection = connection
        self._source = source
        self._place = Place(*source)
        self._consumer: Any = None

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable`."""
        consumer = AIOKafkaConsumer(
            **self._connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position out of range must show, not be moved
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_FETCH_WAIT_MS[0],
            consumer_timeout_ms=CHECK_MS,
        )
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await end(consumer.stop())
            raise BusUnavailable(f"Kafka does not answer at {self._connection.bootstrap}: {plain(error)}") from error
        self._consumer = consumer

    async def stop(self) -> None:
        """Disconnect."""
        await end(self._consumer.stop())

    async def beginning(self) -> int:
        """Return the earliest offset that is left."""
        first: int = (await self._consumer.beginning_offsets([self._place]))[self._place]
        return first

    def seek(self, position: int) -> None:
        """Read from `position` on; what was fetched ahead is forgotten."""
        self._consumer.assign([self._place])
        self._consumer.seek(self._place, position)

    def look(self) -> Look | None:
        """Return what the last answer of the broker said; None: there was none since the last `seek`."""
        return last_look(self._consumer, self._place)

    async def passed(self) -> int | None:
        """Return the position behind everything that was fetched; None before the first `seek`."""
        if self._place not in self._consumer.assignment():
            return None
        return int(await self._consumer.position(self._place))

    async def fetch(self, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next committed records, or none after `timeout_s`. Raises `Gap`.

        The broker answers about that often where there are none: whoever waits for long needs no more.
        """
        if timeout_s > 0:
            least, most = _FETCH_WAIT_MS
            self._consumer._fetcher._fetch_max_wait_ms = min(max(least, int(timeout_s * 1000)), most)
        try:
            return await self._next(max_records, int(timeout_s * 1000))
        except OffsetOutOfRangeError as error:
            where = f"{self._source.topic}/{self._source.partition}"
            raise Gap(f"{where}: the position is no longer in the log") from error

    async def _next(self, max_records: int, timeout_ms: int) -> Sequence[Record]:
        """Return the next records; a second look is had where the first is stale.

        What was fetched ahead was asked for right after the records before it and may be one record, while more have
        arrived since. Then there is load, and one more look makes transactions fewer, larger and sooner over. What
        arrives on an idle partition is returned at once.
        """
        ahead = self._place in self._consumer._fetcher._records
        records = await _take(self._consumer, self._place, max_records, timeout_ms)
        if not ahead or not 0 < len(records) < max_records:
            return records
        return [*records, *await _take(self._consumer, self._place, max_records - len(records), _LOOK_AGAIN_MS)]


def last_look(consumer: Any, place: Any) -> Look | None:
    """Return what the broker's last answer to a client of the library said of a partition; None: there was none."""
    if place not in consumer.assignment():
        return None
    answered_ms = consumer.last_poll_timestamp(place)
    if answered_ms is None:
        return None
    high, stable = consumer.highwater(place), consumer.last_stable_offset(place)
    ago_ms = max(0, int(time.time() * 1000) - answered_ms) + _UNDER_WAY_MS
    return Look(ago_ms, high, high if stable is None or stable < 0 else stable)


class KafkaHistory:
    """What lies before a position of one partition."""

    def __init__(self, connection: Connection, source: TopicPartition, position: int) -> None:
        self._connection = connection
        self._source = source
        self._position = position

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield the committed records from the first at or after `timestamp_ms` up to the position."""
        place = Place(*self._source)
        async with reader(self._connection) as consumer:
            found = (await consumer.offsets_for_times({place: timestamp_ms})).get(place)
            if found and found.offset < self._position:
                async for records in read_range(consumer, place, found.offset, self._position):
                    yield records


async def read_range(consumer: Any, place: Any, first: int, end: int) -> AsyncIterator[Sequence[Record]]:
    """Yield the records of one partition from offset `first` up to, not including, `end`.

    The end is reached by position: the last offsets may be transaction markers, which are no records.
    """
    consumer.assign([place])
    consumer.seek(place, first)
    while await consumer.position(place) < end:
        records = await _take(consumer, place, _READ_BATCH, _READ_WAIT_MS)
        if records and records[-1].offset >= end:
            records = [record for record in records if record.offset < end]
        if records:
            yield records


async def _take(consumer: Any, place: Any, max_records: int, timeout_ms: int) -> Sequence[Record]:
    """Return what is there, or what comes within `timeout_ms`. Raises `Unreadable`."""
    with unpacking(f"{place.topic}/{place.partition}"):
        return await _unpacked(consumer, place, max_records, timeout_ms)


async def _unpacked(consumer: Any, place: Any, max_records: int, timeout_ms: int) -> Sequence[Record]:
    # What was fetched already is unpacked straight into our own records, which halves the cost of reading.
    fetched = getattr(consumer._fetcher._records.get(place), "_partition_records", None)
    if fetched is not None:
        fetched._consumer_record = _record
        ready: Sequence[Record] = (await consumer.getmany(place, max_records=max_records)).get(place, ())
        if ready:
            return ready
    got = await consumer.getmany(place, timeout_ms=timeout_ms, max_records=max_records)
    return [Record(m.offset, m.timestamp, m.key, m.value, m.headers) for m in got.get(place, ())]


def _record(_: Any, raw: Any) -> Record:
    headers = raw.headers
    return new_record((raw.offset, raw.timestamp, raw.key, raw.value, tuple(headers) if headers else ()))
