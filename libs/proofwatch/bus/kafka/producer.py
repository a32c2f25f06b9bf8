"""Publishing to Kafka: whole batches built here, so that no message costs a task of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import count
from operator import itemgetter
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer import sender

from proofwatch.bus.errors import BusUnavailable, RecordTooLarge
from proofwatch.bus.kafka.client import Connection, end
from proofwatch.bus.kafka.packer import Packer
from proofwatch.bus.records import Outgoing
from proofwatch.bus.wording import plain

_BATCH_BYTES = 786_432  # below the broker's default limit of 1 MiB a batch, so that any topic takes it
_MAX_RECORD_BYTES = 16_777_216

# A transaction may meet the end of the one before it: its markers are being written, or the broker cannot verify its
# partitions yet (KIP-890; old clients are told NOT_ENOUGH_REPLICAS). That passes within milliseconds; the library would
# wait 20 and 100.
_RETRY_MS = 25
sender.BACKOFF_OVERRIDE = 0.005

_TOPIC: Final = itemgetter(0)
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


def sender_error(producer: Any) -> BaseException | None:
    """Return what the producer's background task has ended with; None: it is at work, or was stopped."""
    task: asyncio.Task[None] | None = producer._sender.sender_task
    return task.exception() if task and task.done() and not task.cancelled() else None


async def discard(producer: Any) -> None:
    """Stop the producer whatever its state; it may be waiting for a broker that is away. Never raises."""
    try:
        await end(producer.stop())
    finally:
        await end(producer.client.close())


async def send_all(
    producer: Any, parts: Iterable[Sequence[Outgoing]], counts: Counts, keyless: Callable[[], int]
) -> None:
    """Send all records, in order for each partition, and wait until the brokers have every one.

    A batch is sent as soon as it is full, so that the brokers work while the next is packed. Waiting is not optional:
    committing a transaction does not notice a batch that failed.
    `keyless` gives a number for a record with neither partition nor key; it goes there modulo the partition count.
    Raises `RecordTooLarge`, `UnknownTopic`, or the library's errors.
    """
    packer, sent = Packer(producer.create_batch, keyless), list[asyncio.Future[Any]]()
    try:
        for part in parts:
            for topic in set(map(_TOPIC, part)).difference(packer.sizes):
                packer.sizes[topic] = await counts(topic)
            for at, batch in packer.pack(part):
                sent.append(await producer.send_batch(batch, at.topic, partition=at.partition))
            await asyncio.sleep(0)  # let the sender send, and other lanes have their turn
        for at, batch in packer.rest():
            sent.append(await producer.send_batch(batch, at.topic, partition=at.partition))
        await asyncio.gather(*sent)
    except MessageSizeTooLargeError as error:
        topics = ", ".join(sorted(packer.sizes))
        raise RecordTooLarge(
            f"a record is larger than max.message.bytes of its topic allows (one of {topics})"
        ) from error
    finally:
        for future in sent:
            future.cancel()


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
                await send_all(self._producer, (records,), self._counts, lambda: next(self._keyless))
            except (KafkaError, OSError) as error:
                await self._drop()
                where = self._connection.bootstrap
                raise BusUnavailable(f"could not publish to {where}: {type(error).__name__}: {plain(error)}") from error
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
