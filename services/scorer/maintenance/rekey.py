"""Moves subjects' states to the partitions that their keys have after the topics became wider.

Offsets in a state are of the partition that it comes from. A transaction sees what lies below its own offset, and
everything that is moved lies before everything that comes: so they become −1.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.types import Attempt, SubjectState
from services.scorer.core.subject import decode, encode

_CHUNK: Final = 1_000
_BEFORE_ALL: Final = -1


async def move_subjects(bus: Bus, partitions: int) -> int:
    """Publish every state that is not where its key belongs there, then its tombstone; return how many.

    The scorer must be stopped, and the topic have `partitions` partitions. Can be done again after a failure.
    """
    moved = 0
    for partition in range(partitions):
        newest: dict[bytes, bytes | None] = {}
        async for record in bus.read(TopicPartition(topics.SUBJECTS, partition)):
            if record.key is not None and partition_of(record.key, partitions) != partition:
                newest[record.key] = record.value
        states = [(key, value) for key, value in newest.items() if value is not None]
        for first in range(0, len(states), _CHUNK):
            await bus.publish(_moved(states[first : first + _CHUNK], partition, partitions))
        moved += len(states)
    return moved


def _moved(states: Sequence[tuple[bytes, bytes]], partition: int, partitions: int) -> list[Outgoing]:
    there = [
        Outgoing(topics.SUBJECTS, key, encode(begun(decode(value))), partition_of(key, partitions))
        for key, value in states
    ]
    return [*there, *(Outgoing(topics.SUBJECTS, key, None, partition) for key, _ in states)]


def begun(state: SubjectState) -> SubjectState:
    """Return the state as it is below every transaction of a partition."""
    shadows = state.shadows and tuple(
        msgspec.structs.replace(shadow, attempts=_first(shadow.attempts)) for shadow in state.shadows
    )
    return msgspec.structs.replace(state, offset=_BEFORE_ALL, attempts=_first(state.attempts), shadows=shadows)


def _first(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    return tuple(msgspec.structs.replace(attempt, offset=_BEFORE_ALL) for attempt in attempts)
