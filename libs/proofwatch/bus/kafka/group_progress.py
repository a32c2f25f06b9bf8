"""How far a group has come in every partition of a topic, asked again and again over connections that are kept.

A group's offset lies behind its last record, and the end of the partition behind the last transaction marker. So an
offset below the end means nothing by itself: one has to look whether a record follows.
"""

import asyncio
from typing import Any, Final

from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.client import Connection, Ends, Metadata, asking, end
from proofwatch.bus.kafka.positions import Positions
from proofwatch.bus.port import GroupProgress
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.wording import plain

_LOOK_MS: Final = 100
_LOOKS: Final = 20

_At = tuple[str, TopicPartition]  # a group, and a partition that it reads


class KafkaStandings:
    """Asks for the ends, and over a connection of its own, from the first need on, for what follows a position.

    What was found behind a position is remembered, for as long as the position stays.
    """

    def __init__(self, connection: Connection, metadata: Metadata, ends: Ends) -> None:
        self._connection = connection
        self._metadata = metadata
        self._ends = ends
        self._positions = Positions(connection, metadata)
        self._reader: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._last: dict[_At, int] = {}
        self._passed: dict[_At, int] = {}
        self._followed: set[_At] = set()  # a record is known to follow
        self._written: dict[_At, int | None] = {}

    async def stop(self) -> None:
        """Disconnect; idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await end(reader.stop())

    async def of(self, group: str, topic: str) -> dict[int, GroupProgress]:
        """Return how far `group` has come in every partition. Raises `UnknownTopic`, `BusUnavailable`."""
        places = [Place(topic, partition) for partition in range(await self._metadata.partitions(topic))]
        async with self._one_at_a_time:
            try:
                committed = await self._metadata.committed(group, topic, [place.partition for place in places])
                ends = await self._ends.of(places)
                return {
                    place.partition: GroupProgress(await self._done(group, TopicPartition(*place), committed, at), at)
                    for place, at in ends.items()
                }
            except (KafkaError, OSError) as error:
                await self.stop()
                where = self._connection.bootstrap
                raise BusUnavailable(f"Kafka does not answer at {where}: {plain(error)}") from error

    async def _done(self, group: str, source: TopicPartition, committed: dict[int, int], end_: int) -> int:
        at = (group, source)
        position = committed.get(source.partition)
        if position is None:
            position = await self._without_offset(at)
        else:
            self._written.pop(at, None)
        stayed = self._last.get(at) == position
        if not stayed:
            self._last[at] = position
            self._passed.pop(at, None)
            self._followed.discard(at)
        passed = self._passed.get(at, position)
        if stayed and passed < end_ and at not in self._followed:
            passed = self._passed[at] = await self._look(at, passed)
        return passed

    async def _without_offset(self, at: _At) -> int:
        """Return where a group goes on that has no offset: where its outputs end, or at the beginning."""
        group, source = at
        if at not in self._written:
            written = await self._positions.find(group, source)
            self._written[at] = written.position if written else None
        return self._written[at] or 0

    async def _look(self, at: _At, position: int) -> int:
        """Return the offset up to which no committed record lies from `position` on."""
        if self._reader is None:
            self._reader = asking(self._connection, committed_only=True)
            await self._reader.start()
        reader, place = self._reader, Place(*at[1])
        position = max(position, (await reader.beginning_offsets([place]))[place])
        stable = (await reader.end_offsets([place]))[place]
        if position >= stable:
            return position
        reader.assign([place])
        try:
            reader.seek(place, position)
            for _ in range(_LOOKS):
                if (await reader.getmany(place, timeout_ms=_LOOK_MS, max_records=1)).get(place):
                    self._followed.add(at)
                    return position
                if (reached := int(await reader.position(place))) >= stable:
                    return reached
        finally:
            reader.unsubscribe()
        return position
