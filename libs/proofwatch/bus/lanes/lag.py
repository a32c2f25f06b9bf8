"""How far a member of a group is behind: for metrics, and for Kafka's own tools."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from proofwatch.bus.errors import BusError
from proofwatch.bus.lanes.lane import Lane
from proofwatch.bus.port import Bus, Consumer
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.metric_catalogue import LAG_RECORDS

_log = structlog.get_logger(__name__)

ANNOUNCE_S: Final = 5.0
"""Seconds between two times that a group is told of positions that are kept elsewhere."""


async def lag(bus: Bus, group: str, consumer: Consumer, lanes: Mapping[TopicPartition, Lane[Any]]) -> Sequence[Sample]:
    """Look up the lag in records of every partition whose lane is open. Raises `BusError`.

    To the high watermark: a record in an open transaction is one that is waited for.
    """
    ends = {topic: await bus.ends(topic) for topic in sorted({at.topic for at in lanes})}
    samples = []
    for at, lane in sorted(lanes.items()):
        position, end = lane.position, ends[at.topic].get(at.partition)
        if position is None or end is None:
            continue
        if lane.resting:  # what lies behind the position, if anything, has been passed: markers, no records
            position = max(position, await consumer.passed(at) or 0)
        samples.append(Sample(LAG_RECORDS.name, (group, at.topic, str(at.partition)), max(0, end - position)))
    return samples


class Announcer:
    """Tells a group the positions that are kept elsewhere, so that `kafka-consumer-groups` shows its lag.

    Nothing is ever read back: a failure is said, and the next time is good enough.
    """

    def __init__(self, group: str, consumer: Consumer) -> None:
        self._consumer = consumer
        self._told: dict[TopicPartition, int] = {}
        self._failing = Condition(_log.bind(group=group), "positions_not_announced")

    async def announce(self, positions: Mapping[TopicPartition, int | None]) -> None:
        """Tell what has changed since the last time."""
        changed = {at: to for at, to in positions.items() if to is not None and self._told.get(at) != to}
        if not changed:
            return
        try:
            await self._consumer.announce(changed)
        except BusError as error:
            self._failing.holds(type(error).__name__, reason=str(error))
        else:
            self._told |= changed
            self._failing.clears()
