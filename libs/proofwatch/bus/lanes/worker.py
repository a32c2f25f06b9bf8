"""A worker: one member of a consumer group with a lane for every partition that it is assigned."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Generic, TypeVar

import structlog

from proofwatch.bus.errors import BusUnavailable, PartitionMismatch
from proofwatch.bus.lanes.lag import ANNOUNCE_S, Announcer, lag
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.upstream import Upstream
from proofwatch.bus.pipeline import Future, pipeline
from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.stage import Fence, Stage
from proofwatch.bus.wrappers.observed import Observed, Observer, Sample
from proofwatch.events.wire import JSON, Wire
from proofwatch.runtime.clock import Clock

Tx = TypeVar("Tx")
Companion = Callable[[TopicPartition], "Lane[Any]"]
"""Makes a further lane for an assigned partition, such as the relay of its outbox."""

_LOOK_S = 1.0
_log = structlog.get_logger(__name__)


class Worker(Generic[Tx]):
    """A part of a service (`runtime.service.Part`): joins the group, makes lanes, drives them."""

    def __init__(
        self,
        bus: Bus,
        topics: Sequence[str],
        fence: Fence[Tx],
        stage: Stage[Tx],
        settings: LaneSettings,
        clock: Clock,
        *,
        companions: Sequence[Companion] = (),
        co_partitioned: Sequence[str] = (),
        announce: bool = False,
        wire: Wire = JSON,
        by_key: bool = False,
        future: Future = "believed",
        filled_by: Mapping[str, tuple[str, str]] | None = None,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Become a member of the fence's group; around `stage` stands what `bus.pipeline` says.

        `co_partitioned`: topics, read or written, whose partition counts must agree; checked by `start`.

        `announce`: tell the group how far it is, for a fence that keeps its positions elsewhere.
        `wire`, `by_key`, `future`: as for `pipeline`.
        `filled_by`: topics that are read, each with the group that fills it and what that reads, partition by
        partition: while `run` works, time moves no further than that group has come.

        `check`: what else must hold before anything is read; awaited by `start`, which raises what it raises.
        """
        self._bus = bus
        self._group = group = fence.group
        self._consumer = bus.consumer(group, topics)
        self._topics = tuple(topics)
        self._fence = fence
        self._stage = pipeline(stage, fence, bus, settings, wire=wire, by_key=by_key, future=future)
        self._settings = settings
        self._clock = clock
        self._companions = tuple(companions)
        self._co_partitioned = tuple(co_partitioned)
        self._lanes: dict[TopicPartition, list[Lane[Any]]] = {}
        self._live = False
        self._started = False
        self._done: asyncio.Future[None] | None = None
        self._observer: Observer | None = None
        self._announcer = Announcer(group, self._consumer) if announce else None
        watched = filled_by if filled_by and settings.live_progress else {}
        self._upstream = {topic: Upstream(bus, *filler, clock) for topic, filler in watched.items()}
        self._filled_by = dict(filled_by or {})
        self._check = check

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every committed batch; before `start`."""
        self._observer = observer
        self._fence = Observed(self._fence, observer)

    async def start(self) -> None:
        """Check topics and fence and join the group. Raises `UnknownTopic`, `PartitionMismatch`, `BusUnavailable`."""
        for topic in self._topics:
            await self._bus.partitions(topic)
        await check_co_partitioned(self._bus, self._co_partitioned)
        for topic, (_, of) in self._filled_by.items():
            await check_co_partitioned(self._bus, (of, topic))
        if self._check:
            await self._check()
        await self._fence.check()
        await self._bus.fence(self._group).check()  # outboxes are relayed through one
        self._done = asyncio.get_running_loop().create_future()
        await self._consumer.start(self._assigned, self._revoked)
        self._started = True

    async def step(self, *, idle: bool = False) -> int:
        """Step every lane once, by topic and partition, companions after their lane; return the records taken."""
        return sum([await lane.step(idle=idle) for lane in self._in_order()])

    async def run(self) -> None:
        """Run every lane in a task of its own until `stop`. Raises what a lane could not recover from."""
        assert self._done is not None, "start first"
        self._live = True
        for at in self._lanes:
            self._launch(at)
        watches = [
            asyncio.create_task(watch_topics(self._bus, self._consumer.verify), name=f"topics:{self._group}"),
            *(asyncio.create_task(each.watch(), name=f"upstream:{topic}") for topic, each in self._upstream.items()),
        ]
        for watch in watches:
            watch.add_done_callback(self._ended)
        try:
            while self._announcer and not self._done.done():
                await self._announcer.announce(self.positions)
                await asyncio.wait([self._done], timeout=ANNOUNCE_S)
            await asyncio.shield(self._done)
        finally:
            for watch in watches:
                watch.cancel()

    async def stop(self) -> None:
        """Drain and close the lanes, leave the group; idempotent."""
        if not self._started:
            return
        self._started = False
        if self._announcer:  # so that a group that has stopped is seen to have worked everything off
            await self._announcer.announce(self.positions)
        await self._consumer.stop()
        if self._done and not self._done.done():
            self._done.set_result(None)

    def unready(self) -> Sequence[str]:
        """Return why the member does not work; empty: it has joined and owns everything that it is assigned."""
        if not self._started:
            return [f"group {self._group} is not joined: nothing of {', '.join(self._topics)} is read"]
        # lanes that wait for the same say the same
        upstream = (each.unready() for each in self._upstream.values())
        lanes = (lane.unready() for lane in self._in_order())
        return list(dict.fromkeys(chain(self._consumer.unready(), *upstream, *lanes)))

    async def sample(self) -> Sequence[Sample]:
        """Look up how many records each lane is behind. Raises `BusError`."""
        return await lag(self._bus, self._group, self._consumer, {at: lanes[0] for at, lanes in self._lanes.items()})

    @property
    def positions(self) -> dict[TopicPartition, int | None]:
        """The durable position of every assigned partition; None while its lane is not open."""
        return {at: lanes[0].position for at, lanes in sorted(self._lanes.items())}

    def _in_order(self) -> list[Lane[Any]]:
        return [lane for _, lanes in sorted(self._lanes.items(), key=lambda item: item[0]) for lane in lanes]

    async def _assigned(self, partitions: frozenset[TopicPartition]) -> None:
        # no awaits in here: heartbeats are off until it returns
        for at in sorted(partitions):
            lane = Lane(at, self._consumer, self._fence, self._stage, self._settings, self._clock)
            self._lanes[at] = [lane, *(companion(at) for companion in self._companions)]
            if self._observer:
                lane.on_failure = partial(self._observer.failed, self._group)
                observe_relays(self._lanes[at][1:], self._group, self._observer)
            if self._live:
                self._launch(at)
        if self._observer:
            self._observer.assigned(self._group, partitions)
        _log.info("partitions_assigned", group=self._group, partitions=_names(partitions))

    async def _revoked(self, partitions: frozenset[TopicPartition]) -> None:
        lanes = [lane for at in sorted(partitions) for lane in self._lanes.pop(at, ())]
        outcomes = await asyncio.gather(*(lane.close() for lane in lanes), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self._fail(outcome)
        if self._observer:
            self._observer.revoked(self._group, partitions)
        _log.info("partitions_revoked", group=self._group, partitions=_names(partitions))

    def _launch(self, at: TopicPartition) -> None:
        upstream, lanes = self._upstream.get(at.topic), self._lanes[at]
        # a scheduler that steps them in turn leaves nothing under way between two groups
        lanes[0].time.within = upstream.at(at.partition) if upstream else None
        for lane in lanes:
            lane.start().add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(error)


def observe_relays(lanes: Sequence[Lane[Any]], group: str, observer: Observer) -> None:
    """Let `observer` be told when a turn of these companions fails."""
    for lane in lanes:
        lane.on_failure = partial(observer.failed, f"{group}-relay")


async def watch_topics(bus: Bus, verify_member: Callable[[], None]) -> None:
    """Look every second whether topics and member are what they were; a bus that is away is borne.

    Raises `TopicChanged`, and what `verify_member` raises.
    """
    while True:
        await asyncio.sleep(_LOOK_S)
        verify_member()
        with contextlib.suppress(BusUnavailable):  # the lanes say so
            await bus.verify()


async def check_co_partitioned(bus: Bus, topics: Sequence[str]) -> None:
    """Raise `PartitionMismatch` unless all `topics` have the same partition count."""
    counts = {topic: await bus.partitions(topic) for topic in topics}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{topic}: {count}" for topic, count in counts.items())
        raise PartitionMismatch(f"these topics must have the same partition count: {shown}")


def _names(partitions: frozenset[TopicPartition]) -> list[str]:
    return [f"{at.topic}/{at.partition}" for at in sorted(partitions)]
