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
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NoReturn

import structlog

from proofwatch.bus.kafka.compression import codec_error, unreadable
from proofwatch.bus.lanes.worker import Companion, watch_topics
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.bus.stage import Stage
from proofwatch.bus.wrappers.observed import Observer, Sample
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.settings import Settings
from services.aggregator.adapters.faust_client import App, make_app, record_of
from services.aggregator.adapters.fenced_lanes import FencedLanes
from services.aggregator.adapters.partition_relays import PartitionRelays

_TAKE: Final = 200
_WITHIN_S: Final = 0.05
_FINISH_S: Final = 8.0  # for the transaction in hand when a rebalance or a stop cancels it; the session has 10
_WATCH_S: Final = 0.5

_log = structlog.get_logger(__name__)


class FaustWorker:
    """A part of a service (`runtime.service.Part`): a Faust app with one agent, and the relays of its partitions."""

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        topic: str,
        fence: PostgresFence,
        stage: Stage[Any],
        clock: Clock,
        *,
        companions: Sequence[Companion] = (),
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`settings` say how to connect, and as whom; `bus` knows the topics: it carries nothing here.

        `check`: what else must hold before anything is read.
        """
        self._settings = settings
        self._most = min(_TAKE, settings.batch_max_records)
        self._bus = bus
        self._fence = fence
        self._group = fence.group
        self._topic = topic
        self._lanes = FencedLanes(fence, stage, clock)
        self._relays = PartitionRelays(fence.group, companions, self._ended)
        self._check = check
        self._app: App | None = None
        self._joined = False
        self._observer: Observer | None = None
        self._failed: asyncio.Future[None] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every committed batch; before `start`."""
        self._observer = self._relays.observer = observer
        self._lanes.observe(observer)

    async def start(self) -> None:
        """Check topic and tables and join the group; Faust itself would wait for a topic for ever.

        Raises `UnknownTopic`, `NotMigrated`, `BusUnavailable`.
        """
        await self._bus.partitions(self._topic)
        if self._check:
            await self._check()
        await self._bus.fence(self._group).check()
        await self._fence.check()
        self._failed = asyncio.get_running_loop().create_future()
        self._scratch = tempfile.TemporaryDirectory(prefix="proofwatch-faust-")
        self._app = app = make_app(self._settings, self._group, self._lanes, self._scratch.name)
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
        """Run until `stop`. Raises when a relay is stuck or Faust has crashed, `Unreadable` where that was a codec,
        `InstanceTaken` where another process has this one's instance id.
        """
        assert self._failed is not None, "start first"
        watch = asyncio.create_task(watch_topics(self._bus, self._verify_member))
        watch.add_done_callback(self._ended)
        try:
            await self._watch(self._failed)
        finally:
            watch.cancel()

    def _verify_member(self) -> None:
        if self._app and self._app.membership and (fenced := self._app.membership.fenced):
            raise fenced

    async def _watch(self, failed: "asyncio.Future[None]") -> None:
        known = False
        while not failed.done():
            known = known or await self._lanes.knows_erasures(TopicPartition(self._topic, 0))
            await asyncio.wait([failed], timeout=_WATCH_S)
            for at in self._relays.partitions:
                self._still(at)  # notes since when a transaction is open
            if self._app and self._app.crashed:
                self._verify_member()
                if (codec := codec_error(self._app.crash_reason)) is not None:
                    raise unreadable(self._topic, codec) from codec
                raise RuntimeError("Faust has crashed; its log says why") from self._app.crash_reason
        await failed

    async def stop(self) -> None:
        """Leave the group, then close the relays; idempotent."""
        app, self._app = self._app, None
        if app:
            await app.stop()
        await self._relays.close(self._relays.partitions)
        if self._failed and not self._failed.done():
            self._failed.set_result(None)
        if self._scratch:
            self._scratch.cleanup()

    def unready(self) -> Sequence[str]:
        """Return why not: Faust does not run, has no partitions yet, or database or outbox are waited for."""
        if self._app is None or self._app.crashed:
            return [f"Faust does not run: nothing of {self._topic} is read"]
        if not self._joined:
            return [f"group {self._group} has not assigned partitions of {self._topic} yet"]
        still = [reason for at in self._relays.partitions for reason in self._still(at)]
        return list(dict.fromkeys([*self._lanes.unready(), *still, *self._relays.unready()]))

    def _still(self, at: TopicPartition) -> Sequence[str]:
        return self._lanes.still(at, self._app.look(at) if self._app else None)

    async def sample(self) -> Sequence[Sample]:
        """Look up how many records each partition is behind. Raises `BusError`."""
        return self._lanes.lag(self._group, await self._bus.ends(self._topic))

    async def _consume(self, stream: Any) -> None:
        async for events in stream.take_events(self._most, within=_WITHIN_S):
            by_partition: dict[TopicPartition, list[Record]] = {}
            for event in events:
                message = event.message
                by_partition.setdefault(TopicPartition(message.topic, message.partition), []).append(record_of(message))
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
        self._joined = True
        if self._observer:
            self._observer.assigned(self._group, [TopicPartition(*each) for each in assigned])
        self._relays.open(at for at in map(TopicPartition._make, assigned) if at.topic == self._topic)

    async def _revoked(self, _app: Any, revoked: Any, **_: Any) -> None:
        partitions = {TopicPartition(*each) for each in revoked}
        await self._lanes.forget(partitions)
        if self._observer:
            self._observer.revoked(self._group, partitions)
        await self._relays.close(partitions)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) and self._failed and not self._failed.done():
            self._failed.set_exception(error)


def _end(why: str) -> NoReturn:
    _log.critical("process_ends", reason=why)
    os._exit(1)
