"""Reading dead-letter topics: record by record, so that none needs to fit into memory."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeVar

from proofwatch.bus.dead_letters.letter import LetterHeaders, read_headers
from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.events.codec import REDRIVE
from proofwatch.events.topics import REDRIVES, dead_letter_topic, is_dead_letter_topic, kafka_specs
from proofwatch.events.types import Redrive

_GROUP: Final = "proofwatch-dlq"  # never joined: only names the reader
_TELL: Final = 500

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Is told how many offsets of how many have been passed."""


class Letter(NamedTuple):
    """A record of a dead-letter topic; `said` is None when its headers are not ours."""

    at: TopicPartition
    record: Record
    said: LetterHeaders | None


def full_name(topic: str) -> str:
    """Return the dead-letter topic that is meant: that of `topic`, or `topic` itself if it is one."""
    return topic if is_dead_letter_topic(topic) else dead_letter_topic(topic)


async def existing_topics(bus: Bus, topic: str | None) -> list[str]:
    """Return the dead-letter topics to look at: the one named, or all of the manifests that exist.

    Raises `UnknownTopic` for one that is named and does not exist.
    """
    if topic:
        await bus.partitions(full_name(topic))
        return [full_name(topic)]
    found = []
    for spec in kafka_specs():
        if is_dead_letter_topic(spec.name):
            try:
                await bus.partitions(spec.name)
            except UnknownTopic:
                continue
            found.append(spec.name)
    return found


@asynccontextmanager
async def closing(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close the connection behind `iterator` when it is left early."""
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


async def read_letters(
    bus: Bus, topic: str, progress: Progress, *, partition: int | None = None, since_ms: int | None = None
) -> AsyncIterator[Letter]:
    """Yield what lies on a dead-letter topic by now, partition by partition.

    `partition`: that one only. `since_ms`: what was refused then or later. Raises `UnknownTopic`.
    """
    ends = await bus.ends(topic)
    if partition is not None:
        ends = {partition: ends.get(partition, 0)}
    total, passed = sum(ends.values()), 0
    for number, end in sorted(ends.items()):
        at, count = TopicPartition(topic, number), 0
        async with closing(_records(bus, at, end, since_ms)) as records:
            async for record in records:
                yield Letter(at, record, read_headers(record.headers))
                count += 1
                if count % _TELL == 0:
                    progress(passed + record.offset + 1, total)
        passed += end
        progress(passed, total)


async def read_letter(bus: Bus, at: TopicPartition, offset: int) -> Letter | None:
    """Return the dead letter at one offset; None when there is none. Raises `UnknownTopic`."""
    async with closing(bus.read(at, offset)) as records:
        async for record in records:
            return Letter(at, record, read_headers(record.headers)) if record.offset == offset else None
    return None


async def read_redrives(bus: Bus, topic: str | None = None) -> dict[tuple[str, int, int], list[Redrive]]:
    """Return the redrives on record, by dead-letter topic, partition and offset. Raises `Rejected`."""
    found: defaultdict[tuple[str, int, int], list[Redrive]] = defaultdict(list)
    try:
        count = await bus.partitions(REDRIVES)
    except UnknownTopic:
        count = 0
    for partition in range(count):
        async for record in bus.read(TopicPartition(REDRIVES, partition)):
            event = REDRIVE.decode(record.value)
            if topic in (None, event.dead_letter_topic):
                found[event.dead_letter_topic, event.partition, event.offset].append(event)
    return found


async def _records(bus: Bus, at: TopicPartition, end: int, since_ms: int | None) -> AsyncIterator[Record]:
    if since_ms is None:
        async with closing(bus.read(at)) as records:
            async for record in records:
                yield record
        return
    # a history finds its beginning by time, without reading what lies before
    async with closing(bus.consumer(_GROUP, [at.topic]).history(at, end).since(since_ms)) as batches:
        async for batch in batches:
            for record in batch:
                if record.timestamp_ms >= since_ms:
                    yield record
