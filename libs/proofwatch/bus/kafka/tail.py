"""Following whole topics on Kafka outside any group, and knowing how far one has come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, UnsupportedCodecError

from proofwatch.bus.errors import BusUnavailable, Gap
from proofwatch.bus.kafka.client import CHECK_MS, Connection, end
from proofwatch.bus.kafka.compression import unreadable
from proofwatch.bus.port import CaughtUp
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.bus.wording import plain

_FETCH_WAIT_MS: Final = 2_000  # an idle broker answers this often; records do not wait for it
_TAKE_MS: Final = 50


class KafkaTail:
    """Two connections for as long as it lives: one reads, one asks for the ends.

    One would not do. Committed reading tells where the last stable record is, and only uncommitted reading whether a
    transaction is open behind it; and a question would wait on the connection for the fetch before it.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Sequence[str],
        counts: Callable[[str], Awaitable[int]],
        last: int | None = None,
    ) -> None:
        """`last`: see `Bus.tail`."""
        self._connection, self._last = connection, last
        self._topics = tuple(topics)
        self._counts = counts
        self._reader: Any = None
        self._asker: Any = None
        self._places: tuple[Any, ...] = ()
        self.behind: Sequence[tuple[TopicPartition, int]] = ()
        self._taken: list[tuple[TopicPartition, Record]] = []

    async def start(self) -> None:
        """Connect, where every partition is to be read from. Raises `BusUnavailable`, `UnknownTopic`."""
        self._places = tuple([Place(t, n) for t in self._topics for n in range(await self._counts(t))])
        options = {
            **self._connection.options(),
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "consumer_timeout_ms": CHECK_MS,
        }
        self._asker = AIOKafkaConsumer(**options, isolation_level="read_uncommitted")
        self._reader = AIOKafkaConsumer(**options, isolation_level="read_committed", fetch_max_wait_ms=_FETCH_WAIT_MS)
        try:
            await self._asker.start()
            await self._reader.start()
            first = await self._asker.beginning_offsets(self._places)
            if self._last is not None:
                ends = await self._asker.end_offsets(self._places)
                first = {place: max(begin, ends[place] - self._last) for place, begin in first.items()}
        except (KafkaError, OSError) as error:
            await self.stop()
            raise self._away(error) from error
        self._reader.assign(self._places)
        for place in self._places:
            self._reader.seek(place, first[place])

    async def stop(self) -> None:
        """Disconnect; idempotent."""
        for consumer in (self._reader, self._asker):
            if consumer is not None:
                await end(consumer.stop())
        self._reader = self._asker = None

    async def catch_up(self, timeout_s: float) -> CaughtUp:
        """Return what has come since the last call. Raises `BusUnavailable`, `Gap`, `Unreadable`."""
        reader, asker = self._reader, self._asker
        if reader is None:
            raise BusUnavailable("the tail is not started, or stopped")
        give_up = asyncio.get_running_loop().time() + timeout_s
        try:
            ends = await asker.end_offsets(self._places)
            behind = await _behind(reader, ends)
            while behind and asyncio.get_running_loop().time() < give_up:
                for place, messages in (await reader.getmany(*behind, timeout_ms=_TAKE_MS)).items():
                    at = TopicPartition(place.topic, place.partition)
                    self._taken += [
                        (at, Record(m.offset, m.timestamp, m.key, m.value, tuple(m.headers))) for m in messages
                    ]
                behind = await _behind(reader, ends)
        except UnsupportedCodecError as error:
            raise unreadable(", ".join(self._topics), error) from error
        except OffsetOutOfRangeError as error:
            raise Gap(f"{', '.join(self._topics)}: a position is no longer in the log; read anew") from error
        except (KafkaError, OSError) as error:
            raise self._away(error) from error
        taken, self._taken = self._taken, []
        self.behind = [(TopicPartition(p.topic, p.partition), await reader.position(p)) for p in behind]
        return CaughtUp(taken, not behind)

    def _away(self, error: BaseException) -> BusUnavailable:
        return BusUnavailable(f"Kafka does not answer at {self._connection.bootstrap}: {plain(error)}")


async def _behind(reader: Any, ends: dict[Any, int]) -> list[Any]:
    return [place for place, end in ends.items() if await reader.position(place) < end]
