"""Faust as the carrier of the windows stage on Kafka, and nothing more than that.

Faust moves records; the PostgreSQL fence decides what happens to them. None of Faust's tables, windows or guarantees
are used, because each of them loses or repeats something under faults. What makes Faust safe here:

* The database is the authority on positions: whenever partitions are assigned, reading starts where the fence stands.
* Only committed records are read (Faust itself would read aborted transactions of combine too).
* `take_events` acknowledges in a `finally`, so an exception that left the loop's body would acknowledge records that
  were never applied. Hence: database errors are retried inside the body, a cancelled body first finishes its
  transaction, and anything else ends the process at once. What is not acknowledged comes again.
* One agent without concurrency, and a rebalance waits until it has nothing in hand (`stream_wait_empty`).
"""

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, cast

import faust
import structlog
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver

from proofwatch.bus.lane import Lane
from proofwatch.bus.outbox import EmptyHistory
from proofwatch.bus.port import Batch, Owner, Record, Stage, TopicPartition
from proofwatch.bus.postgres import RETRYABLE, PostgresFence
from proofwatch.bus.postgres_setup import in_schema
from proofwatch.bus.worker import Companion
from proofwatch.runtime.clock import Clock

_TAKE: Final = 200
_WITHIN_S: Final = 0.05
_FINISH_S: Final = 8.0  # for the transaction in hand when a rebalance or a stop cancels it; the session has 10
_RETRY_S: Final = (0.1, 2.0)
_WATCH_S: Final = 0.5
_FETCH_BYTES: Final = 16 * 1024 * 1024
_STORED: Final = "select position from {schema}.fence where topic = $1 and partition = $2"

_log = structlog.get_logger(__name__)


class FaustWorker:
    """A part of a service (`runtime.service.Part`): a Faust app with one agent, and the relays of its partitions."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topic: str,
        fence: PostgresFence,
        stage: Stage[Any],
        clock: Clock,
        *,
        companions: Sequence[Companion] = (),
        instance_id: str | None = None,
    ) -> None:
        """`bootstrap`: `host:port[,host:port…]`; `instance_id`: static membership, unique among the living."""
        self._group = group
        self._topic = topic
        self._lanes = _FencedLanes(fence, stage, clock)
        self._companions = tuple(companions)
        self._brokers = ";".join(f"kafka://{address.strip()}" for address in bootstrap.split(","))
        self._instance_id = instance_id
        self._app: _App | None = None
        self._relays: dict[TopicPartition, list[Lane[Any]]] = {}
        self._failed: asyncio.Future[None] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> None:
        """Join the group."""
        self._failed = asyncio.get_running_loop().create_future()
        self._scratch = tempfile.TemporaryDirectory(prefix="proofwatch-faust-")
        self._app = app = _App(
            self._group,
            broker=self._brokers,
            consumer_group_instance_id=self._instance_id,
            datadir=self._scratch.name,  # Faust wants one, and leaves it empty
            store="memory://",
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=_FETCH_BYTES,
            broker_session_timeout=10,
            broker_heartbeat_interval=1,
            broker_rebalance_timeout=15,
            broker_request_timeout=20,
            broker_commit_interval=1.0,
            broker_max_poll_records=500,
            stream_buffer_maxsize=1024,
            stream_wait_empty=True,
        )
        app.lanes = self._lanes
        source = app.topic(self._topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        app.agent(source, concurrency=1)(self._consume)
        signals: Any = app  # their handlers are typed more narrowly than they are called
        signals.on_partitions_assigned.connect(self._assigned, weak=False)
        signals.on_partitions_revoked.connect(self._revoked, weak=False)
        app.finalize()
        await app.start()

    async def step(self, *, idle: bool = False) -> int:
        """Refuse: Faust drives itself. A scheduler steps the same stage on a plain worker."""
        raise TypeError("a Faust worker cannot be stepped; wire the stage with build_windows instead")

    async def run(self) -> None:
        """Run until `stop`. Raises when a relay is stuck or Faust has crashed."""
        assert self._failed is not None, "start first"
        while not self._failed.done():
            await asyncio.wait([self._failed], timeout=_WATCH_S)
            if self._app and self._app.crashed:
                raise RuntimeError("Faust has crashed; its log says why") from self._app.crash_reason
        await self._failed

    async def stop(self) -> None:
        """Leave the group, then close the relays; idempotent."""
        app, self._app = self._app, None
        if app:
            await app.stop()
        await self._close_relays(set(self._relays))
        if self._failed and not self._failed.done():
            self._failed.set_result(None)
        if self._scratch:
            self._scratch.cleanup()

    def ready(self) -> bool:
        """Return whether Faust runs and every relay owns its outbox."""
        relaying = all(lane.ready for lanes in self._relays.values() for lane in lanes)
        return self._app is not None and not self._app.crashed and relaying

    async def _consume(self, stream: Any) -> None:
        async for events in stream.take_events(_TAKE, within=_WITHIN_S):
            by_partition: dict[TopicPartition, list[Record]] = {}
            for event in events:
                message = event.message
                by_partition.setdefault(TopicPartition(message.topic, message.partition), []).append(_record(message))
            for at, records in by_partition.items():
                await self._finish(self._lanes.apply(at, records))

    async def _finish(self, applying: Any) -> None:
        """Let nothing leave the agent's body before the records are durable."""
        job = asyncio.ensure_future(applying)
        try:
            await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait([job], timeout=_FINISH_S)
            if not job.done() or job.cancelled() or job.exception():
                _end("cancelled in the middle of a transaction")
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is: unacknowledged is better than lost
            _end(f"{type(error).__name__}: {error}")

    async def _assigned(self, _app: Any, assigned: Any, **_: Any) -> None:
        for at in sorted(TopicPartition(*each) for each in assigned):
            if at.topic == self._topic and at not in self._relays:
                self._relays[at] = [companion(at) for companion in self._companions]
                for lane in self._relays[at]:
                    lane.start().add_done_callback(self._ended)

    async def _revoked(self, _app: Any, revoked: Any, **_: Any) -> None:
        partitions = {TopicPartition(*each) for each in revoked}
        await self._lanes.forget(partitions)
        await self._close_relays(partitions)

    async def _close_relays(self, partitions: set[TopicPartition]) -> None:
        lanes = [lane for at in partitions for lane in self._relays.pop(at, ())]
        await asyncio.gather(*(lane.close() for lane in lanes), return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) and self._failed and not self._failed.done():
            self._failed.set_exception(error)


class _FencedLanes:
    """The stage behind its fence, for every partition that Faust hands records of."""

    def __init__(self, fence: PostgresFence, stage: Stage[Any], clock: Clock) -> None:
        self._fence = fence
        self._stage = stage
        self._clock = clock
        self._stored = in_schema(_STORED, fence.schema)
        self._held: dict[TopicPartition, tuple[Owner[Any], int | None]] = {}

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
            except RETRYABLE as error:
                _log.warning("database_away", topic=at.topic, partition=at.partition, error=type(error).__name__)
                self._held.pop(at, None)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, most_s)
            else:
                self._held[at] = (owner, after)
                return

    async def position(self, at: TopicPartition) -> int | None:
        """Return the stored position of a partition; None: nothing was stored. Database errors are retried.

        Only a look: a transaction of ours may be in hand, and acquiring anew would fence it.
        """
        backoff_s, most_s = _RETRY_S
        while True:
            try:
                return await self._fence.pool.fetchval(self._stored, *at)  # type: ignore[no-any-return]
            except RETRYABLE as error:
                _log.warning("database_away", topic=at.topic, partition=at.partition, error=type(error).__name__)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, most_s)

    async def forget(self, partitions: set[TopicPartition]) -> None:
        """Drop what is held of partitions that were revoked."""
        for at in partitions:
            self._held.pop(at, None)
            await self._stage.closed(at)

    async def _acquire(self, at: TopicPartition) -> tuple[Owner[Any], int | None]:
        owner = await self._fence.acquire(at)
        position = await owner.position()
        await self._stage.opened(at, position or 0, EmptyHistory())
        self._held[at] = (owner, position)
        return owner, position


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust offers this only together with its own transactions. The client reads it when it starts.
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek to the fence's positions, which are ahead of the group's offsets or right where they are behind."""
        offsets = dict(await super().seek_to_committed())
        stored = {at: await cast("_App", self.app).lanes.position(TopicPartition(*at)) for at in offsets}
        known = {at: position for at, position in stored.items() if position is not None}
        if known:
            await self.seek_wait(known)
        return offsets | known


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Boot(BootStrategy):
    enable_kafka_producer = False  # the outbox relay publishes


class _App(faust.App):
    BootStrategy = _Boot
    lanes: _FencedLanes

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


def _record(message: Any) -> Record:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Record(
        message.offset, round(message.timestamp * 1000), message.key, message.value, tuple((n, v) for n, v in pairs)
    )


def _end(why: str) -> NoReturn:
    _log.critical("process_ends", reason=why)
    os._exit(1)
