"""Follows the topic of erasures for as long as the service lives, so that nobody who was erased is brought back."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from proofwatch.bus.errors import BusUnavailable, UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ERASURE
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import Wire
from proofwatch.governance.pseudonyms import SECRET_VARIABLE
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.pause import pause
from services.scorer.core.erased import ErasedPeople

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 2.0


class ErasuresWatch:
    """A part of the service (`runtime.service.Part`): it has read the topic before anything is decided."""

    def __init__(self, bus: Bus, wire: Wire, people: ErasedPeople, every_s: float = _EVERY_S) -> None:
        """`people` are told; `every_s`: seconds between two looks."""
        self._bus, self._wire, self._people, self._every_s = bus, wire, people, every_s
        self._decode = wire.decoder(ERASURE)
        self._next: dict[int, int] = {}
        self._unreadable = ""
        self._away = Condition(_log, "erasures_unread")
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Read what there is. Raises `BusUnavailable`."""
        await self.look()

    async def step(self, *, idle: bool = False) -> int:
        """Look now, when idle; takes no records."""
        if idle:
            await self.look()
        return 0

    async def run(self) -> None:
        """Look again and again until `stop`; a Kafka that is away is waited for."""
        while not self._stopped.is_set():
            try:
                await self.look()
                self._away.clears()
            except BusUnavailable as error:
                self._away.holds(type(error).__name__, reason=str(error))
            await pause(self._stopped, self._every_s)

    async def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    async def look(self) -> None:
        """Know everybody who was erased by now. Raises `BusUnavailable`."""
        try:
            ends = await self._bus.ends(topics.ERASURES)
        except UnknownTopic:  # nobody can have been erased
            return
        for partition, end in ends.items():
            if self._next.get(partition, 0) < end:
                await self._read(TopicPartition(topics.ERASURES, partition))
                self._next[partition] = end

    def unready(self) -> Sequence[str]:
        """Return why somebody who was erased may not be known again; empty: all are."""
        if self._unreadable:
            return [self._unreadable]
        if count := self._people.unasked:
            were = "1 person was" if count == 1 else f"{count:,} people were"
            missing = f"set {SECRET_VARIABLE}, the same as triage's, and start the scorer again"
            return [f"{were} erased, and what comes late of them cannot be told: {missing}"]
        return []

    async def _read(self, at: TopicPartition) -> None:
        async for record in self._bus.read(at, self._next.get(at.partition, 0)):
            await self._wire.prepare([record.value])
            try:
                self._people.add(self._decode(record.value))
            except Rejected as error:
                self._unreadable = (
                    f"{at.topic}/{at.partition} offset {record.offset} cannot be read ({error.message}): who was "
                    "erased by it is not known; a newer release may have written it: upgrade this one"
                )
