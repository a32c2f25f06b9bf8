"""Publishing to Kafka: whole batches built here, so that no message costs a task of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer import sender

from proofwatch.bus.errors import BusUnavailable, RecordTooLarge, UnknownTopic
from proofwatch.bus.kafka_client import Connection
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Outgoing, TopicPartition

_log = structlog.get_logger(__name__)

_BATCH_BYTES = 786_432  # below the broker's default limit of 1 MiB a batch, so that any topic takes it
_MAX_RECORD_BYTES = 16_777_216
_STOP_S = 3.0

# A transaction may meet the end of the one before it: its markers are being written, or the broker cannot verify its
# partitions yet (KIP-890; old clients are told NOT_ENOUGH_REPLICAS). That passes within milliseconds; the library would
# wait 20 and 100.
_RETRY_MS = 25
sender.BACKOFF_OVERRIDE = 0.005

_cached_partition_of = lru_cache(maxsize=65536)(partition_of)
Counts = Callable[[str], Awaitable[int]]


def make_producer(connection: Connection, transactional_id: str | None = None) -> Any:
    """Return an idempotent producer, or a transactional one; not started."""
    transactional = (
        {"transactional_id": transactional_id, "transaction_timeout_ms": connection.transaction_timeout_ms}
        if transactional_id
        else {"enable_idempotence": True}
    )
    return AIOKafkaProducer(
        **connection.options(),
        **transactional,
        acks="all",
        retry_backoff_ms=_RETRY_MS,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_MAX_RECORD_BYTES,
    )


async def discard(producer: Any) -> None:
    """Stop the producer whatever its state; it may be waiting for a broker that is away. Never raises."""
    try:
        await asyncio.wait_for(producer.stop(), _STOP_S)
    except (KafkaError, OSError, TimeoutError) as error:
        _log.warning("producer_not_stopped", error=type(error).__name__)
    finally:
        await producer.client.close()


async def send_all(producer: Any, records: Sequence[Outgoing], counts: Counts, keyless: Callable[[], int]) -> None:
    """Send all records, in order for each partition, and wait until the brokers have every one.

    Waiting is not optional: committing a transaction does not notice a batch that failed.
    `keyless` gives a number for a record with neither partition nor key; it goes there modulo the partition count.
    Raises `RecordTooLarge`, `UnknownTopic`, or the library's errors.
    """
    sizes = {topic: await counts(topic) for topic in {record.topic for record in records}}
    sent: list[asyncio.Future[Any]] = []
    try:
        for (topic, partition), batch in _batches(producer, records, sizes, keyless):
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)
    except MessageSizeTooLargeError as error:
        topics = ", ".join(sorted(sizes))
        raise RecordTooLarge(
            f"a record is larger than max.message.bytes of its topic allows (one of {topics})"
        ) from error
    finally:
        for future in sent:
            future.cancel()


def _batches(
    producer: Any, records: Sequence[Outgoing], sizes: Mapping[str, int], keyless: Callable[[], int]
) -> list[tuple[TopicPartition, Any]]:
    """Pack the records; batches of one partition stand in the order of their records."""
    full: list[tuple[TopicPartition, Any]] = []
    open_: dict[tuple[str, int], _Packing] = {}
    packing: _Packing | None = None
    at: tuple[str, int] | None = None
    no_headers: list[tuple[str, bytes]] = []
    for topic, key, value, partition, timestamp_ms, headers in records:
        if partition is None:
            partition = keyless() % sizes[topic] if key is None else _cached_partition_of(key, sizes[topic])
        if packing is None or at is None or partition != at[1] or topic != at[0]:  # most go where the one before went
            if not 0 <= partition < sizes[topic]:
                raise UnknownTopic(f"{topic} has {sizes[topic]} partitions; there is no partition {partition}")
            at = (topic, partition)
            packing = open_.get(at) or open_.setdefault(at, _Packing(producer.create_batch()))
        listed = list(headers) if headers else no_headers
        # None: no room. An empty batch takes any record, even one of 10 MB
        if packing.append(packing.count, timestamp_ms, key, value, listed) is None:
            full.append((TopicPartition(*at), packing.closed()))
            packing = open_[at] = _Packing(producer.create_batch())
            packing.append(0, timestamp_ms, key, value, listed)
        packing.count += 1
    return full + [(TopicPartition(*at), packing.closed()) for at, packing in open_.items()]


class _Packing:
    """A batch that is being filled, past the library's own method for it, which takes as long again."""

    __slots__ = ("_batch", "append", "count")

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self.append = batch._builder.append
        self.count = 0

    def closed(self) -> Any:
        self._batch._relative_offset = self.count
        self._batch.close()
        return self._batch


class Publisher:
    """Publishes outside any lane, through one idempotent producer that is made anew after any error."""

    def __init__(self, connection: Connection, counts: Counts) -> None:
        self._connection = connection
        self._counts = counts
        self._producer: Any = None
        self._turn = asyncio.Lock()
        self._keyless = count()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Return when the brokers have all records. Raises `BusUnavailable`, `RecordTooLarge`, `UnknownTopic`."""
        async with self._turn:
            try:
                if self._producer is None:
                    self._producer = make_producer(self._connection)
                    await self._producer.start()
                await send_all(self._producer, records, self._counts, lambda: next(self._keyless))
            except (KafkaError, OSError) as error:
                await self._drop()
                where = self._connection.bootstrap
                raise BusUnavailable(f"could not publish to {where}: {type(error).__name__}: {error}") from error
            except BaseException:
                await self._drop()
                raise

    async def stop(self) -> None:
        """Disconnect."""
        await self._drop()

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            await discard(producer)
