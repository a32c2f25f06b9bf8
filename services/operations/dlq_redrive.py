"""`proofwatch dlq redrive`: sends dead letters again, each together with the record that says so.

Both are one transaction of the bus, committed under a fence that all redrives share. So none goes unrecorded, and of
two that run at once the second shuts the first out; what is on record then is complete.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from proofwatch.bus.dead_letters.letter import REDRIVE_ID, original_headers
from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History, Owner
from proofwatch.events.codec import REDRIVE
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import REDRIVES, dead_letter_topic
from proofwatch.events.types import Redrive
from proofwatch.runtime.clock import Clock
from services.operations.dlq_read import Letter, Progress, closing, read_letter, read_letters, read_redrives

GROUP: Final = "redrive"
_AT: Final = TopicPartition(REDRIVES, 0)
_CHUNK_RECORDS: Final = 200
_CHUNK_BYTES: Final = 4 * 1024 * 1024
_ATTEMPTS: Final = 10
_PAUSE_S: Final = 1.0


@dataclass(frozen=True)
class Order:
    """What to send again, on whose word and why.

    All of `topic` (a dead-letter topic), of one partition, the one at an offset of it, or what was refused for
    `reason`. `again`: also what was sent again before.
    """

    topic: str
    operator: str
    note: str
    partition: int | None = None
    offset: int | None = None
    reason: str | None = None
    limit: int = 1_000
    again: bool = False


@dataclass
class Outcome:
    """What became of the dead letters that were meant; `sent` by target topic and reason."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    done_before: int = 0
    foreign: int = 0
    limited: bool = False


def redriven(letter: Letter, order: Order, now_ms: int) -> tuple[Outgoing, Outgoing] | None:
    """Return the original record as it is sent again, and the record of that; None: it is none of ours.

    A dead letter that names a topic other than the one it lies beside is not believed. Raises `Rejected` when
    operator or note are not what the schema allows.
    """
    at, record, said = letter
    if said is None or dead_letter_topic(said.topic) != at.topic:
        return None
    redrive_id = derived_id("redrive", at.topic, at.partition, record.offset)
    event = Redrive(
        schema_version=1,
        redrive_id=redrive_id,
        dead_letter_topic=at.topic,
        partition=at.partition,
        offset=record.offset,
        target_topic=said.topic,
        reason_code=said.reason,
        operator=order.operator,
        note=order.note,
        redriven_at=datetime.fromtimestamp(now_ms / 1000, UTC),
    )
    original = Outgoing(
        said.topic,
        record.key,
        record.value,
        None if said.reason == "wrong_partition" else said.partition,  # None: where its key belongs
        record.timestamp_ms if said.timestamp_ms is None else said.timestamp_ms,
        (*original_headers(record.headers), (REDRIVE_ID, redrive_id.encode())),
    )
    encoded = REDRIVE.encode(event)
    REDRIVE.decode(encoded)  # structs are checked when they are read, not when they are made
    place = f"{at.topic}/{at.partition}/{record.offset}"
    return original, Outgoing(REDRIVES, place.encode(), encoded, _AT.partition, now_ms)


class _Chunk:
    """Gathers what is to be sent and commits it piece by piece; a `Stage` of batches without records."""

    def __init__(self, owner: Owner[None] | None, position: int, clock: Clock) -> None:
        """`owner` None: send nothing."""
        self._owner = owner
        self._position = position
        self._clock = clock
        self._outputs: list[Outgoing] = []
        self._bytes = 0

    async def add(self, pair: tuple[Outgoing, Outgoing]) -> None:
        """Take a record and the record of its redrive; they are never in different transactions."""
        self._outputs += pair
        self._bytes += len(pair[0].value or b"")
        if len(self._outputs) >= 2 * _CHUNK_RECORDS or self._bytes >= _CHUNK_BYTES:
            await self.commit()

    async def commit(self) -> None:
        """Make what was gathered durable, all or nothing."""
        if self._owner and self._outputs:
            await self._owner.commit(Batch(_AT, (), self._position, self._position, None, self._clock.now_ms()), self)
        self._outputs, self._bytes = [], 0

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return what was gathered."""
        return self._outputs

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""


async def redrive(bus: Bus, order: Order, clock: Clock, progress: Progress, *, dry_run: bool = False) -> Outcome:
    """Send again what `order` means, at most `order.limit`; with `dry_run` only say what would be.

    Raises `Fenced` when another redrive has begun (what was sent stays sent and on record), `BusError`, and `Rejected`
    when operator or note cannot be recorded.
    """
    await bus.partitions(REDRIVES)
    owner, position = (None, 0) if dry_run else await _acquire(bus)
    try:
        # read behind the fence, so that nobody can add to it
        known, outcome = await read_redrives(bus, order.topic), Outcome()
        chunk = _Chunk(owner, position, clock)
        async with closing(_meant(bus, order, progress)) as meant:
            async for letter in meant:
                pair = redriven(letter, order, clock.now_ms())
                if pair is None:
                    outcome.foreign += 1
                elif not order.again and (*letter.at, letter.record.offset) in known:
                    outcome.done_before += 1
                elif outcome.sent.total() == order.limit:
                    outcome.limited = True
                    break
                else:
                    await chunk.add(pair)
                    outcome.sent[pair[0].topic, letter.said.reason if letter.said else ""] += 1
        await chunk.commit()
        return outcome
    finally:
        if owner:
            await owner.close()


async def _acquire(bus: Bus) -> tuple[Owner[None], int]:
    """Become the only one who redrives; a cluster that has not seen the group before needs a moment."""
    left = _ATTEMPTS
    while True:
        owner = await bus.fence(GROUP, of_topic=False).acquire(_AT)
        try:
            return owner, await owner.position() or 0
        except BusUnavailable:
            await owner.close()
            left -= 1
            if not left:
                raise
            await asyncio.sleep(_PAUSE_S)
        except BaseException:
            await owner.close()
            raise


async def _meant(bus: Bus, order: Order, progress: Progress) -> AsyncIterator[Letter]:
    if order.partition is not None and order.offset is not None:
        letter = await read_letter(bus, TopicPartition(order.topic, order.partition), order.offset)
        if letter:
            yield letter
        return
    async with closing(read_letters(bus, order.topic, progress, partition=order.partition)) as found:
        async for letter in found:
            if order.reason is None or (letter.said and letter.said.reason == order.reason):
                yield letter
