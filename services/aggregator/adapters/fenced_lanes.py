"""A stage behind its PostgreSQL fence, for a carrier that hands over records and must never see an error."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from proofwatch.bus.errors import Blocked, BusUnavailable, DatabaseAway
from proofwatch.bus.lanes.standstill import Standstill
from proofwatch.bus.port import Look
from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.outbox import EmptyHistory
from proofwatch.bus.postgres.pool import session
from proofwatch.bus.postgres.setup import in_schema
from proofwatch.bus.records import Batch, Record, TopicPartition
from proofwatch.bus.stage import Fence, Owner, Stage
from proofwatch.bus.wrappers.observed import Observed, Observer, Sample
from proofwatch.governance.follower import ReplicaBehind
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.metric_catalogue import LAG_RECORDS

_log = structlog.get_logger(__name__)
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
        self._failing = Condition(_log, "lane_failed")
        self._in_hand: set[TopicPartition] = set()
        self._applied_s: dict[TopicPartition, float] = {}
        self._standstills: dict[TopicPartition, Standstill] = {}

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every committed batch."""
        self._owners = Observed(self._fence, observer)
        self._on_failure = partial(observer.failed, self._fence.group)

    def unready(self) -> Sequence[str]:
        """Return what the database that is waited for suffers from; empty: the last attempt succeeded."""
        return [self._waits_for] if self._waits_for else []

    async def apply(self, at: TopicPartition, records: Sequence[Record]) -> None:
        """Make the records durable; returns when they are. A database or a Kafka that is away is waited for without
        end, and so is the repair of a database that is older than what is published or does not know who was erased.

        Raises `Fenced`, `Gap` and whatever the stage raises.
        """
        self._in_hand.add(at)
        try:
            await self._until_durable(at, records)
        finally:
            self._in_hand.discard(at)
            self._applied_s[at] = asyncio.get_running_loop().time()

    def rested_s(self, at: TopicPartition) -> float:
        """Return how many seconds ago the last records of a partition were made durable; 0: some are in hand."""
        if at in self._in_hand:
            return 0.0
        return asyncio.get_running_loop().time() - self._applied_s.get(at, float("-inf"))

    def still(self, at: TopicPartition, look: Look | None) -> Sequence[str]:
        """Return why nothing comes of a partition, by what the broker last said of it; to be asked now and then.

        While records of it are worked off, the carrier asks for no more.
        """
        now_s, standstill = asyncio.get_running_loop().time(), self._standstills.setdefault(at, Standstill(at))
        rested_ms = self.rested_s(at) * 1000
        if look is not None and rested_ms < look.ago_ms:
            look = look._replace(ago_ms=int(rested_ms))
        standstill.note(look, now_s)
        return standstill.why(look, now_s)

    def lag(self, group: str, ends: Mapping[int, int]) -> Sequence[Sample]:
        """Return how many records each partition is behind, by where they end."""
        behind = []
        for at, position in sorted(self.positions.items()):
            if position is not None and at.partition in ends:
                lag = max(0, ends[at.partition] - position)
                # what a transaction leaves behind its last record is a marker, not a record
                behind.append(Sample(LAG_RECORDS.name, (group, at.topic, str(at.partition)), lag if lag > 1 else 0))
        return behind

    async def _until_durable(self, at: TopicPartition, records: Sequence[Record]) -> None:
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
            except (BusUnavailable, Blocked, KafkaError, OSError, ReplicaBehind) as error:
                # the pool says it of the database; an opening stage looks back on Kafka
                said = isinstance(error, DatabaseAway | Blocked)
                self._waits_for = str(error) if said else self._away(at, error)
                if isinstance(error, Blocked):
                    self._failing.holds(type(error).__name__, topic=at.topic, partition=at.partition, error=str(error))
                self._held.pop(at, None)
                if self._on_failure:
                    self._on_failure(at, error)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, most_s)
            else:
                self._held[at], self._waits_for = (owner, after), ""
                self._failing.clears()
                return

    def _away(self, at: TopicPartition, error: Exception) -> str:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        self._failing.holds(type(error).__name__, topic=at.topic, partition=at.partition, error=said)
        return f"{at.topic}/{at.partition}: the last attempt failed: {said}"

    async def position(self, at: TopicPartition) -> int | None:
        """Return the stored position of a partition; None: nothing was stored. A database that is away is waited for.

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

    async def knows_erasures(self, at: TopicPartition) -> bool:
        """Return whether the database knows everybody who was erased; if not, say so, though no record comes."""
        try:
            await self._fence.require_erasures(at)
        except (BusUnavailable, Blocked) as error:
            self._waits_for = str(error)
            return False
        self._waits_for = ""
        return True

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
            self._standstills.pop(at, None)

    async def _acquire(self, at: TopicPartition) -> tuple[Owner[Any], int | None]:
        owner = await self._owners.acquire(at)
        position = await owner.position()
        await self._stage.opened(at, position or 0, EmptyHistory())
        self._held[at] = (owner, position)
        return owner, position
