"""A stage behind its PostgreSQL fence, for a carrier that hands over records and must never see an error."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.observed import Observed, Observer
from proofwatch.bus.outbox import EmptyHistory
from proofwatch.bus.port import Batch, Fence, Owner, Record, Stage, TopicPartition
from proofwatch.bus.postgres import PostgresFence
from proofwatch.bus.postgres_pool import session
from proofwatch.bus.postgres_setup import in_schema
from proofwatch.runtime.clock import Clock

_RETRY_S: Final = (0.1, 2.0)
_STORED: Final = "select position from {schema}.fence where topic = $1 and partition = $2"


class FencedLanes:
    """The stage behind its fence, for every partition that Faust hands records of."""

    def __init__(self, fence: PostgresFence, stage: Stage[Any], clock: Clock) -> None:
        self._fence = fence
        self._owners: Fence[Any] = fence
        self._stage = stage
        self._clock = clock
        self._on_failure: Callable[[TopicPartition, BaseException], None] | None = None
        self._stored = in_schema(_STORED, fence.schema)
        self._waits_for = ""
        self._held: dict[TopicPartition, tuple[Owner[Any], int | None]] = {}

    def observe(self, stage: str, observer: Observer) -> None:
        """Let `observer` be told of every committed batch, under the name `stage`."""
        self._owners = Observed(self._fence, stage, observer)
        self._on_failure = partial(observer.failed, stage)

    def unready(self) -> Sequence[str]:
        """Return what the database that is waited for suffers from; empty: the last attempt succeeded."""
        return [self._waits_for] if self._waits_for else []

    async def apply(self, at: TopicPartition, records: Sequence[Record]) -> None:
        """Make the records durable; returns when they are. Database errors are retried without end.

        Raises `Fenced`, `Gap` and whatever the stage raises.
        """
        backoff_s, most_s = _RETRY_S
        while True:
            try:
                owner, position = self._held.get(at) or await self._acquire(at)
                fresh = [record for record in records if position is None or record.offset >= position]
                if not fresh:
                    return
                after = fresh[-1].offset + 1
                progress_ms = max(record.timestamp_ms for record in fresh)
                # Holes between offsets are transaction markers; reading began at the fence's position.
                before = fresh[0].offset if position is None else position
                batch = Batch(at, fresh, before, after, progress_ms, self._clock.now_ms())
                await owner.commit(batch, self._stage)
            except DatabaseAway as error:  # said by the pool
                self._waits_for = str(error)
                self._held.pop(at, None)
                if self._on_failure:
                    self._on_failure(at, error)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, most_s)
            else:
                self._held[at], self._waits_for = (owner, after), ""
                return

    async def position(self, at: TopicPartition) -> int | None:
        """Return the stored position of a partition; None: nothing was stored. Database errors are retried.

        Only a look: a transaction of ours may be in hand, and acquiring anew would fence it.
        """
        backoff_s, most_s = _RETRY_S
        while True:
            try:
                async with session(self._fence.pool, self._fence.user(at, "look")) as connection:
                    position: int | None = await connection.fetchval(self._stored, *at)
            except DatabaseAway as error:
                self._waits_for = str(error)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, most_s)
            else:
                self._waits_for = ""
                return position

    @property
    def positions(self) -> dict[TopicPartition, int | None]:
        """Return the position of every partition in hand."""
        return {at: position for at, (_, position) in self._held.items()}

    async def forget(self, partitions: set[TopicPartition]) -> None:
        """Drop what is held of partitions that were revoked."""
        for at in partitions:
            if held := self._held.pop(at, None):
                await held[0].close()
            await self._stage.closed(at)

    async def _acquire(self, at: TopicPartition) -> tuple[Owner[Any], int | None]:
        owner = await self._owners.acquire(at)
        position = await owner.position()
        await self._stage.opened(at, position or 0, EmptyHistory())
        self._held[at] = (owner, position)
        return owner, position
