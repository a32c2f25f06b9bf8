"""Topics that cannot get more partitions, because what is made of them is kept by partition: refused at the start.

Under a running process `Bus.verify` sees it. If partitions were added while nothing ran, only what lies in the topic
tells: a topic of which every partition gets its part of everything has partitions without any, or the records of a
topic of keys do not lie where their keys belong now.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from proofwatch.bus.errors import TopicChanged
from proofwatch.bus.partitioner import misplaced
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition

_RECORDS: Final = 500
_MOST: Final = 0.25
"""Of the keys may lie elsewhere, as a stranger's records do that were refused; with more partitions half or more do."""
_AGAIN_S: Final = 1.0
_PAGE: Final = "docs/partitions.md says how to go on"


async def check_shared(bus: Bus, topic: str) -> None:
    """Raise `TopicChanged` where partitions were added to a topic that is always written to all of them at once."""
    if not await _without_share(bus, topic):
        return
    await asyncio.sleep(_AGAIN_S)  # the very first transaction may be on its way
    ends, empty = await bus.ends(topic), await _without_share(bus, topic)
    for partition in sorted(ends.keys() - set(empty)):
        if empty and await _any(bus.read(TopicPartition(topic, partition))):  # else all that was written was aborted
            raise TopicChanged(
                f"{topic} has {len(ends)} partitions, of which {_listed(empty)} never had a record while every record "
                f"goes to all of them: they were added while nothing ran, and what is kept by partition would be "
                f"counted in two places. {_PAGE}"
            )


async def check_keyed(bus: Bus, topic: str) -> None:
    """Raise `TopicChanged` where the newest records of a topic lie where their keys belonged with another count."""
    ends = await bus.ends(topic)
    keys = astray = 0
    for partition, end in ends.items() if len(ends) > 1 else ():
        newest = bus.read(TopicPartition(topic, partition), max(0, end - _RECORDS))
        found = {record.key async for record in newest if record.key is not None}
        keys += len(found)
        astray += len(misplaced(found, partition, len(ends)))
    if astray > _MOST * keys:
        raise TopicChanged(
            f"{topic} has {len(ends)} partitions, but {astray} of its {keys} newest keys lie where they would belong "
            f"with another count: partitions were added while nothing ran, and what is kept by partition would be "
            f"counted in two places. {_PAGE}"
        )


async def _without_share(bus: Bus, topic: str) -> list[int]:
    ends = await bus.ends(topic)
    return [partition for partition, end in ends.items() if end == 0] if any(ends.values()) else []


async def _any(records: AsyncIterator[Record]) -> bool:
    async for _ in records:
        return True
    return False


def _listed(partitions: list[int]) -> str:
    return ", ".join(map(str, sorted(partitions)))
