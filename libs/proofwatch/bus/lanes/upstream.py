"""How far time may move in a partition that another group of ours fills: no further than that group has come.

The scorer writes its verdicts to the partition of the same number. While it is down, or behind, or an open transaction
holds it up, that partition is quiet although much is still to come for it, and what comes then is stamped with a later
time than it is of. So a group's progress is looked at about once a second, and each look says until when everything had
been worked off: the time of the last look whose end the group has reached by now.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.port import Bus, GroupProgress
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition

_EVERY_S: Final = 1.0
_LOOKS: Final = 64
_AWAITED: Final = 1_024

_log = structlog.get_logger(__name__)


class _Look(NamedTuple):
    """By `ended_ms` everything that had come before `until_ms` was worked off. Times by our clock."""

    ended_ms: int
    until_ms: int


class WorkedOff:
    """What the looks at one partition have said; times in milliseconds since the Unix epoch."""

    def __init__(self) -> None:
        self._awaited: deque[tuple[int, int]] = deque()  # (offset, when it was the end), until the group is there
        self._looks: deque[_Look] = deque(maxlen=_LOOKS)

    def note(self, began_ms: int, progress: GroupProgress, ended_ms: int) -> None:
        """Take note of a look."""
        if len(self._awaited) >= _AWAITED:  # far behind: coarser is good enough
            self._awaited = deque(list(self._awaited)[::2])
        self._awaited.append((progress.end, began_ms))
        until_ms = None
        while self._awaited and self._awaited[0][0] <= progress.done:
            until_ms = self._awaited.popleft()[1]
        if until_ms is not None:
            self._looks.append(_Look(ended_ms, until_ms))

    def until_ms(self, seen_ms: int) -> int | None:
        """Return the time of which nothing comes any more behind what was written before `seen_ms`.

        Only looks that had ended by then count: what the group wrote later may not have been seen. None: none had.
        """
        return next((look.until_ms for look in reversed(self._looks) if look.ended_ms <= seen_ms), None)


class Upstream:
    """Looks at one group's progress in one topic for as long as `watch` runs."""

    def __init__(self, bus: Bus, group: str, topic: str, clock: Clock) -> None:
        self._bus = bus
        self._group = group
        self._topic = topic
        self._clock = clock
        self._partitions: dict[int, WorkedOff] = {}
        self._failing = Condition(_log.bind(group=group, topic=topic), "upstream_not_seen")
        self._trouble = ""

    async def look(self) -> None:
        """Look once. Raises `BusUnavailable`, `UnknownTopic`."""
        began_ms = self._clock.now_ms()
        found = await self._bus.read_progress(self._group, self._topic)
        ended_ms = self._clock.now_ms()
        for partition, progress in found.items():
            self._partitions.setdefault(partition, WorkedOff()).note(began_ms, progress, ended_ms)

    async def watch(self) -> None:
        """Look about once a second; a bus that is away is borne, and time stands still meanwhile."""
        while True:
            try:
                await self.look()
            except BusUnavailable as error:
                self._trouble = f"how far group {self._group} is in {self._topic} cannot be seen: {error}"
                self._failing.holds(type(error).__name__, reason=str(error))
            else:
                self._trouble = ""
                self._failing.clears()
            await asyncio.sleep(_EVERY_S)

    def unready(self) -> list[str]:
        """Return why time stands still; empty: the last look succeeded."""
        return [self._trouble] if self._trouble else []

    def at(self, partition: int) -> Callable[[int], int | None]:
        """Return what tells how far time may move in the partition of that number (`WorkedOff.until_ms`)."""
        return self._partitions.setdefault(partition, WorkedOff()).until_ms
