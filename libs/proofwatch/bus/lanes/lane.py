"""One lane: one input partition, read by the same four steps everywhere: fence, position, step, commit.

Acquiring the fence shuts the previous owner out; the position is read after that, so it cannot be stale; records
are fetched from there; one atomic act makes a batch's effects, outputs and new position durable. Any error has one
answer: drop the owner and begin again with the fence. A process that was frozen and wakes up finds itself fenced.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from proofwatch.bus.errors import Blocked, DatabaseAway, Fenced, Gap, Halted, Stuck
from proofwatch.bus.lanes.linger import Linger
from proofwatch.bus.lanes.portion import portion
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.lanes.standstill import SILENT_MS, Standstill
from proofwatch.bus.lanes.time_progress import TimeProgress
from proofwatch.bus.patience import silent_at_most
from proofwatch.bus.port import Source
from proofwatch.bus.records import Batch, Record, TopicPartition
from proofwatch.bus.stage import Fence, Owner, Stage
from proofwatch.bus.wording import plain
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition

__all__ = ["Lane", "LaneSettings"]

Tx = TypeVar("Tx")

_log = structlog.get_logger(__name__)
_FENCED_HEARTBEATS = 3
_BACKOFF_S = 0.5
_BACKOFF_MAX_S = 2.0
_SLOW_S = SILENT_MS / 1000


class Lane(Generic[Tx]):
    """Drives a stage over one partition; either by `step`, or by `start` as a task of its own. Never both."""

    def __init__(
        self,
        at: TopicPartition,
        source: Source,
        fence: Fence[Tx],
        stage: Stage[Tx],
        settings: LaneSettings,
        clock: Clock,
    ) -> None:
        self.at = at
        self._source = source
        self._fence = fence
        self._stage = stage
        self._settings = settings
        self._clock = clock
        self._owner: Owner[Tx] | None = None
        self._position = 0
        self._rest: Sequence[Record] = ()  # fetched, and left for the next batch
        self.time = TimeProgress(settings)
        """How far time has moved in the partition."""
        self._known = False
        self._failing = Condition(_log, "lane_failed")
        self._opened = False
        self._stopping = False
        self._waits_for = self._failed_with = ""
        self._linger = Linger(settings.linger_s, settings.linger_enough)
        self._free = asyncio.Event()
        self._free.set()
        self.task: asyncio.Task[None] | None = None
        self.on_failure: Callable[[TopicPartition, Exception], None] | None = None
        """Is told what each failed turn of `run` failed with; for metrics."""
        self._standstill = Standstill(at)
        self._began_s: float | None = None  # when the batch in hand was begun
        self.resting = False
        """Whether the last look found nothing, and nothing is in hand."""

    def unready(self) -> Sequence[str]:
        """Return why nothing is taken from the partition; empty: it is owned and the stage has what it needs for it."""
        if self._waits_for:
            return [self._waits_for]
        if self._owner is None:
            return [f"{self._where()}: not owned by this process now{self._failed_with}"]
        if not self._opened:
            return [f"{self._where()}: the stage still reads the history that it needs"]
        now_s = asyncio.get_running_loop().time()
        if self._began_s is not None and now_s - self._began_s > _SLOW_S:
            return [f"{self._where()}: a batch has been in hand for {now_s - self._began_s:.0f} s and is not committed"]
        return self._standstill.why(self._source.look(self.at) if self.resting else None, now_s)

    @property
    def blocked_s(self) -> float:
        """Seconds since an open transaction was first seen to keep this lane from reading on; 0: none does."""
        return self._standstill.blocked_s(asyncio.get_running_loop().time())

    @property
    def position(self) -> int | None:
        """The position up to which everything is durable; None while the lane is not open."""
        return self._position if self._owner else None

    def start(self) -> asyncio.Task[None]:
        """Run in a task of its own until `close`."""
        self.task = asyncio.create_task(self.run(), name=f"lane:{self.at.topic}/{self.at.partition}")
        return self.task

    async def step(self, *, idle: bool = False) -> int:
        """Take at most one batch, without waiting for records; return their number.

        Opens the lane first if need be. With `idle` a stage gets an idle batch when there are no records.
        Takes as long as it takes: a scheduler drives all there is, and nobody else waits for the partition.
        Raises whatever went wrong, after the owner was discarded.
        """
        try:
            return await self._turn(0.0, None, idle=idle)
        except BaseException:
            await self._discard()
            raise

    async def run(self) -> None:
        """Take batches until `close`. Raises `Halted`, and `Stuck` when nothing has succeeded for `stuck_s`.

        A database that is away is waited for without end, and those who use it say so (`DatabaseState`); so is the
        repair of a record that blocks the partition.
        """
        loop = asyncio.get_running_loop()
        last_success, backoff = loop.time(), 0.0
        try:
            while not self._stops():
                try:
                    await self._gather()
                    await self._turn(self._settings.idle_s, self._settings.step_timeout_s, idle=True)
                    last_success, backoff, self._waits_for, self._failed_with = loop.time(), 0.0, "", ""
                    self._failing.clears(**self._names())
                except Halted:
                    raise
                except (DatabaseAway, Blocked) as error:
                    last_success, backoff = loop.time(), self._backoff(error, backoff)
                    self._waits_for = str(error)
                    if isinstance(error, Blocked):
                        self._failing.holds(type(error).__name__, **self._names(), error=str(error), retry_s=backoff)
                    self._tell(error)
                    await self._discard()
                    await asyncio.sleep(backoff)
                except Exception as error:
                    backoff = self._backoff(error, backoff)
                    self._failing.holds(type(error).__name__, **self._names(), error=_say(error), retry_s=backoff)
                    self._failed_with = f"; the last attempt failed: {_say(error)}"
                    self._tell(error)
                    await self._discard()
                    if loop.time() - last_success > self._settings.stuck_s:
                        raise Stuck(
                            f"{self._where()}: no success for {self._settings.stuck_s} s: {_say(error)}"
                        ) from error
                    await asyncio.sleep(backoff)
        finally:
            await self._discard()

    async def close(self) -> None:
        """Finish the transaction in hand, or give it up after `drain_s`; let the stage forget the partition."""
        self._stopping = True
        if self.task:
            if self._free.is_set():
                self.task.cancel()  # it opens, waits for records or backs off: nothing is lost
            await asyncio.wait([self.task], timeout=self._settings.drain_s)
            self.task.cancel()
            await asyncio.wait([self.task], timeout=self._settings.drain_s)
        else:
            try:
                async with asyncio.timeout(self._settings.drain_s):
                    await self._free.wait()
            except TimeoutError:
                _log.warning("lane_not_drained", **self._names(), waited_s=self._settings.drain_s)
        await self._discard()
        if self._known:
            self._known = False
            await self._stage.closed(self.at)

    async def _gather(self) -> None:
        """Let records gather."""
        if self._owner is not None and (rest_s := self._linger.rest_s(asyncio.get_running_loop().time())) > 0:
            await asyncio.sleep(rest_s)

    async def _turn(self, wait_s: float, cap_s: float | None, *, idle: bool) -> int:
        if self._stops():
            return 0
        if self._owner is None:
            async with asyncio.timeout(cap_s):
                await self._acquire()
            await self._tell_stage()
        owner = self._owner
        records = self._rest or await self._source.fetch(self.at, self._settings.max_records, wait_s)
        taken = portion(records, self._settings)
        records, self._rest = records[:taken], records[taken:]
        self.resting = not records
        self._standstill.note(None if records else self._source.look(self.at), asyncio.get_running_loop().time())
        if self._stops() or owner is None or not (records or idle):
            return 0
        batch = self._batch(records)
        self._free.clear()
        self._began_s = began_s = asyncio.get_running_loop().time()
        self._linger.began(len(records), began_s, full=bool(self._rest) or len(records) >= self._settings.max_records)
        try:
            async with silent_at_most(cap_s):
                await owner.commit(batch, self._stage)
        finally:
            self._began_s = None
            self._free.set()
        self._position, self.time.reached_ms = batch.position_after, batch.progress_ms
        return len(records)

    async def _acquire(self) -> None:
        self._owner = owner = await self._fence.acquire(self.at)
        committed = await owner.position()
        beginning = await self._source.beginning(self.at)
        if committed is not None and committed < beginning and not self._settings.skip_lost:
            raise Gap(
                f"{self._where()}: position {committed} is committed but the earliest record left is {beginning}: "
                f"retention removed what was not processed; restore it, or allow the lane to skip it"
            )
        self._position = beginning if committed is None else max(committed, beginning)
        self.time.reached_ms, self._rest = None, ()
        await self._source.seek(self.at, self._position)

    async def _tell_stage(self) -> None:
        # no cap in time: a stage may have hours of history to read
        self._known = True
        await self._stage.opened(self.at, self._position, self._source.history(self.at, self._position))
        self._opened = True

    def _batch(self, records: Sequence[Record]) -> Batch:
        now_ms, after = self._clock.now_ms(), self._position
        if records:
            records, progress_ms = self.time.after(records, now_ms)
            after = records[-1].offset + 1
        else:
            progress_ms = self.time.idle(self._source.look(self.at), now_ms)
        return Batch(self.at, records, self._position, after, progress_ms, now_ms)

    def _backoff(self, error: Exception, before_s: float) -> float:
        if isinstance(error, Fenced):
            # we may be the one who was frozen: let a heartbeat tell us before we take the partition back
            return _FENCED_HEARTBEATS * self._settings.heartbeat_s
        return min(max(before_s * 2, _BACKOFF_S), _BACKOFF_MAX_S)

    def _tell(self, error: Exception) -> None:
        if self.on_failure:
            self.on_failure(self.at, error)

    def _stops(self) -> bool:
        return self._stopping

    async def _discard(self) -> None:
        owner, self._owner, self._opened = self._owner, None, False
        self.resting = False
        self._standstill.note(None, 0.0)
        if owner:
            await owner.close()

    def _where(self) -> str:
        return f"{self.at.topic}/{self.at.partition}"

    def _names(self) -> dict[str, str | int]:
        return {"topic": self.at.topic, "partition": self.at.partition}


def _say(error: Exception) -> str:
    name, text = type(error).__name__, plain(error)
    return text if text.startswith(name) else f"{name}: {text}"  # the client's errors begin with their names
