"""Waits until an entry has left the database's machine: nothing is fetched before."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from proofwatch.audit.entry import Entry, InvalidLeaf, entry_of
from proofwatch.audit.merkle import leaf_hash
from proofwatch.audit.note import InvalidNote, Note, VerifierKey
from proofwatch.bus.errors import BusError, DatabaseAway
from proofwatch.bus.port import Bus, Tail
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import Wire
from proofwatch.runtime.conditions import Condition
from services.imagery.core.checkpoints import LogForked, Tip
from services.imagery.ports import AuditLog

_log = structlog.get_logger(__name__)
_AWAITED_S: Final = 0.02
_IDLE_S: Final = 0.5
_CATCH_UP_S: Final = 2.0
_LAST: Final = 64


class NotLeft(Exception):
    """The entry is in no published checkpoint in time, or cannot be proved to be: nothing may be released."""


class Checkpoints:
    """A part of the service that follows the topic of checkpoints, and proves entries against the newest."""

    def __init__(self, bus: Bus, wire: Wire, log: AuditLog, keys: Sequence[VerifierKey]) -> None:
        self._bus, self._wire, self._audit = bus, wire, log
        self._decode = wire.decoder(AUDIT_CHECKPOINT)
        self._tip = Tip(keys)
        self._tail: Tail | None = None
        self._grown, self._asked = asyncio.Event(), asyncio.Event()
        self._stopping = False
        self._waiting = 0
        self._away, self._answers = Condition(_log, "checkpoints_unavailable"), True
        self._forked: str | None = None

    async def start(self) -> None:
        """Read the end of the topic: a checkpoint says it all. Raises `BusUnavailable`, `UnknownTopic`."""
        self._tail = self._bus.tail((topics.AUDIT_CHECKPOINTS,), _LAST)
        await self._tail.start()

    async def step(self, *, idle: bool = False) -> int:
        """Take what has been published since."""
        assert self._tail is not None
        found = await self._tail.catch_up(_CATCH_UP_S)
        for _, record in found.records:
            await self._wire.prepare([record.value])
            self._take(record.value)
        if found.records:
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()
        return len(found.records)

    async def run(self) -> None:
        """Follow until stopped."""
        while not self._stopping:
            try:
                await self.step()
                self._answers = True
                self._away.clears()
            except BusError as error:
                self._answers = False
                self._away.holds(type(error).__name__, reason=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_AWAITED_S if self._waiting else _IDLE_S):
                    await self._asked.wait()
            self._asked.clear()

    async def stop(self) -> None:
        """Let go of the topic."""
        self._stopping = True
        self._asked.set()
        if self._tail:
            await self._tail.stop()

    def unready(self) -> Sequence[str]:
        """Return why nothing can be shown to have left."""
        if self._forked:
            return [self._forked]
        if not self._answers:
            return [f"the topic {topics.AUDIT_CHECKPOINTS} does not answer"]
        return [] if self._tip.size else ["no checkpoint of the audit log has been published: does the auditor run?"]

    async def left(self, intent: Entry, within_s: float) -> None:
        """Return once a published checkpoint proves that the entry is in the log. Raises `NotLeft`."""
        self._waiting += 1
        self._asked.set()  # nobody waits for the next look
        try:
            async with asyncio.timeout(within_s):
                grown = self._grown
                while not await self._proved(intent):
                    await grown.wait()
                    grown = self._grown
        except TimeoutError:
            raise NotLeft(f"no checkpoint has had the entry for {within_s:g} s") from None
        except DatabaseAway as error:
            raise NotLeft(str(error)) from None
        finally:
            self._waiting -= 1

    async def _proved(self, intent: Entry) -> bool:
        if self._forked:
            raise NotLeft(self._forked)
        size = self._tip.size
        found = await self._audit.find(intent.entry_id, size) if size else None
        if found is None:
            return False
        try:
            logged = entry_of(found.leaf)
        except InvalidLeaf as error:
            raise NotLeft(f"the log's entry {found.place} is no entry: {error}") from None
        if msgspec.structs.replace(logged, logged_at=intent.logged_at) != intent:
            raise NotLeft(f"the log's entry {found.place} says something else than what was entered")
        if not self._tip.holds(leaf_hash(found.leaf), found.place, found.nodes) and self._tip.size == size:
            raise NotLeft(f"the log's entry {found.place} is not in the checkpoint of {size} entries")
        return self._tip.size == size

    def _take(self, value: bytes | None) -> None:
        try:
            self._tip.take(Note.parse(self._decode(value).note.encode()))
        except (Rejected, InvalidNote):
            return  # whoever wrote it has not the log's key
        except LogForked as error:
            if not self._forked:
                _log.critical("audit_log_forked", reason=str(error))
            self._forked = str(error)
