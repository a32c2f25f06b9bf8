"""How we connect to Kafka, and the metadata that every part asks for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from proofwatch.bus.errors import BusUnavailable, UnknownTopic
from proofwatch.bus.kafka.compression import require_codecs
from proofwatch.bus.kafka.refusal import why_not
from proofwatch.bus.kafka.security import PLAINTEXT, Security
from proofwatch.bus.kafka.topic_metadata import TopicsRequest, topics_of
from proofwatch.bus.records import Topic
from proofwatch.bus.topics import check_unchanged
from proofwatch.bus.wording import plain

_NO_OFFSET: Final = -1
_END_S: Final = 3.0
CHECK_MS: Final = 5_000
"""A client that reads wakes up so often without a cause; the library would five times a second."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Connection:
    """Where the brokers are, who we are, and the times that belong together (all in milliseconds).

    A request must end before the lane's cap on a transaction, and that before the broker's transaction timeout.
    """

    bootstrap: str
    client_id: str
    instance_id: str | None = None
    security: Security = PLAINTEXT
    accepted: frozenset[str] = frozenset()
    """Topics made anew that may be read from the beginning, as `name=id`."""
    request_timeout_ms: int = 10_000
    session_timeout_ms: int = 10_000
    heartbeat_ms: int = 1_000
    transaction_timeout_ms: int = 20_000

    def options(self) -> dict[str, Any]:
        """Return what every client of the library takes."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout_ms,
            **self.security.options(),
        }

    async def away(self, error: BaseException) -> BusUnavailable:
        """Return what to raise when a client could not start: why, as far as it can be found out."""
        return await why_not(self.bootstrap, self.security, error)


class Ends:
    """Asks for the ends of topics, again and again, over one connection that is made at the first question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._consumer: Any = None
        self._turn = asyncio.Lock()

    async def of(self, places: Sequence[Place]) -> dict[Place, int]:
        """Return the offset that the next record gets, open transactions included. Raises `BusUnavailable`."""
        async with self._turn:
            try:
                if self._consumer is None:
                    self._consumer = asking(self._connection, committed_only=False)
                    await self._consumer.start()
                found: dict[Place, int] = await self._consumer.end_offsets(places)
            except BaseException as error:
                await self._drop()
                if isinstance(error, (KafkaError, OSError)):
                    where = self._connection.bootstrap
                    raise BusUnavailable(f"Kafka does not answer at {where}: {plain(error)}") from error
                raise
            return found

    async def stop(self) -> None:
        """Disconnect; idempotent."""
        async with self._turn:
            await self._drop()

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer:
            await end(consumer.stop())


class Metadata:
    """Partition counts and committed offsets, through one admin client."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._admin: Any = None
        self._topics: dict[str, Topic] = {}
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable`."""
        require_codecs()
        admin = AIOKafkaAdminClient(**self._connection.options())
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            await end(admin.close())
            raise await self._connection.away(error) from error
        self._admin = admin

    async def stop(self) -> None:
        """Disconnect."""
        admin, self._admin = self._admin, None
        if admin:
            await end(admin.close())

    async def partitions(self, topic: str) -> int:
        """Return the partition count; asked once, and `verify` sees to it that it stays. Raises `UnknownTopic`."""
        return (await self.topic(topic)).partitions

    async def topic(self, name: str) -> Topic:
        """Return what the topic was when it was first asked for. Raises `UnknownTopic`, `BusUnavailable`."""
        if name not in self._topics:
            found = (await self._describe((name,))).get(name)
            if found is None:
                where = self._connection.bootstrap
                raise UnknownTopic(
                    f"topic {name!r} does not exist at {where}: create it with `proofwatch topics apply`"
                )
            accepted = f"{name}={found.id}" in self._connection.accepted
            self._topics.setdefault(name, found._replace(accepted=accepted))
        return self._topics[name]

    async def verify(self) -> None:
        """Raise `TopicChanged` when a topic that was asked for is not what it was, or `BusUnavailable`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._verify())
        asking = self._asking
        await asyncio.wait([asking])
        await asking

    async def _verify(self) -> None:
        before = dict(self._topics)
        if before:
            await check_unchanged(before, self._describe)

    async def _describe(self, names: Iterable[str]) -> Mapping[str, Topic | None]:
        try:
            return topics_of(await self._admin._send_request(TopicsRequest(names)))
        except (KafkaError, OSError, TimeoutError) as error:
            where = self._connection.bootstrap
            raise BusUnavailable(f"Kafka does not answer at {where}: {type(error).__name__}: {plain(error)}") from error

    async def committed(self, group: str, topic: str, partitions: list[int]) -> dict[int, int]:
        """Return the committed offsets of those `partitions` that have one. Raises `BusUnavailable`."""
        found = await self.committed_with(group, topic, partitions)
        return {partition: offset for partition, (offset, _) in found.items()}

    async def committed_with(self, group: str, topic: str, partitions: list[int]) -> dict[int, tuple[int, str]]:
        """Return the same with what was committed beside them. Raises `BusUnavailable`.

        The library drops the error code of the whole answer, so that a coordinator that is still loading looks like
        a group without offsets: a lane would begin anew and publish everything twice. But then the partitions are
        missing from the answer, while one without an offset is there with −1.
        """
        places = [Place(topic, partition) for partition in partitions]
        try:
            found = await self._admin.list_consumer_group_offsets(group, partitions=places)
        except KafkaError as error:  # such as no coordinator yet, on a cluster that has not seen a group
            raise BusUnavailable(f"the coordinator of group {group!r} does not answer: {plain(error)}") from error
        if len(found) != len(places):
            raise BusUnavailable(f"the coordinator of group {group!r} has no answer yet for {topic}")
        return {place.partition: (at.offset, at.metadata) for place, at in found.items() if at.offset != _NO_OFFSET}


async def end(ending: Awaitable[object]) -> None:
    """Await the end of one of the library's clients, for `_END_S` at most. Never raises, unless it is cancelled.

    Closing awaits the client's own tasks, and those end with whatever befell them when a connection was lost: a
    `KafkaError`, or the `RuntimeError` of a transport that is closed.
    """
    try:
        async with asyncio.timeout(_END_S):
            await ending
    except Exception as error:  # noqa: BLE001 - see above; what is closed is of no use any more
        _log.warning("client_not_stopped", error=type(error).__name__)


@asynccontextmanager
async def reader(connection: Connection, *, committed_only: bool = True) -> AsyncIterator[Any]:
    """Give a consumer outside any group, for one piece of reading."""
    consumer = asking(connection, committed_only=committed_only)
    try:
        await consumer.start()
        yield consumer
    finally:
        await end(consumer.stop())


def asking(connection: Connection, *, committed_only: bool) -> Any:
    """Return a consumer outside any group, not started."""
    return AIOKafkaConsumer(
        **connection.options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        consumer_timeout_ms=CHECK_MS,
        isolation_level="read_committed" if committed_only else "read_uncommitted",
    )
