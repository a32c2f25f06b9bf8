"""Whatever crashes, freezes or is lost, and in whatever order: what is remembered is the fold of the log.

Owners of one partition run as coroutines that a schedule advances call by call. At any point one may be killed, stay
frozen while another takes over, or wake up again; the store may be emptied or fall back to an earlier copy; the topic
may be compacted. Reading, deciding, committing and writing are the product's own; only the scheduler is the test's.
"""

import copy
import types
from collections.abc import AsyncIterator, Collection, Coroutine, Generator
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from proofwatch.bus.errors import BusUnavailable, Fenced
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.stage import Owner
from proofwatch.events.types import SubjectState
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.subject import decode
from services.scorer.handlers.subject_states import SubjectStates
from services.scorer.ports import Applied, Changes, Sentinel, SubjectsBehind
from tests.unit.scorer.subject_house import ACCEPT, FAIL, FORGIVE, Remembering, fold

IN, OUT, SUBJECTS = (TopicPartition(topic, 0) for topic in ("in", "out", "subjects"))


@types.coroutine
def pause() -> Generator[None, None, None]:
    """Let the schedule decide who goes on."""
    yield


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end, undisturbed."""
    try:
        for _ in range(10_000):
            coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("there is no end of it")


class PausingStore(MemorySubjects):
    """A store on the far side of a network: anything can happen before a call arrives and before its answer does."""

    async def sentinel(self, source: TopicPartition) -> Sentinel | None:
        await pause()
        found = await super().sentinel(source)
        await pause()
        return found

    async def claim(self, source: TopicPartition, seen: Sentinel | None, *, anew: bool) -> Sentinel:
        await pause()
        claim = await super().claim(source, seen, anew=anew)
        await pause()
        return claim

    async def fill(
        self, source: TopicPartition, claim: Sentinel, changes: Changes, mark: int, position: int | None = None
    ) -> None:
        await pause()
        await super().fill(source, claim, changes, mark, position)
        await pause()

    async def exchange(
        self, source: TopicPartition, position: int, applied: Applied | None, subjects: Collection[bytes]
    ) -> dict[bytes, SubjectState]:
        await pause()
        found = await super().exchange(source, position, applied, subjects)
        await pause()
        return found


class CompactedLog:
    """The subjects topic: below `cleaned` only the latest record of each key, below `forgotten` no tombstone."""

    def __init__(self, bus: LocalBus) -> None:
        self._bus = bus
        self.cleaned = 0
        self.forgotten = 0

    async def read(self, source: TopicPartition, position: int = 0) -> AsyncIterator[Record]:
        await pause()
        log = self._bus.log(source)
        for record in log.slice(position, log.end):
            latest = {record.key: record.offset for record in log.slice(0, self.cleaned)}
            if record.offset < self.cleaned and record.offset != latest[record.key]:
                continue
            if record.offset < self.forgotten and record.value is None:
                continue
            yield record

    async def ends(self, topic: str) -> dict[int, int]:
        await pause()
        ends = await self._bus.ends(topic)
        await pause()
        return ends


class World:
    """One partition, its log and store, and everybody who ever owned it and is not dead."""

    def __init__(self) -> None:
        self.bus = LocalBus({IN.topic: 1, OUT.topic: 1, SUBJECTS.topic: 1}, SimulatedClock(0))
        self.log = CompactedLog(self.bus)
        self.store = PausingStore(ttl_s=10**9)
        self.copy: Any = {}
        self.fails: str | None = None
        self.owners: list[tuple[SubjectStates, Coroutine[Any, Any, None]]] = []

    def produce(self, transactions: list[tuple[int, bytes]]) -> None:
        run(self.bus.publish([Outgoing(IN.topic, b"acme/%d" % n, value, 0) for n, value in transactions]))

    def spawn(self, size: int) -> None:
        keeper = SubjectStates(self.log, self.store, SUBJECTS.topic, chunk=2)
        life = self.live(Remembering(keeper, OUT.topic), size)
        life.send(None)
        self.owners.append((keeper, life))

    async def live(self, stage: Remembering, size: int, *, until_done: bool = False) -> None:
        """Do what a lane does, with batches of `size`; begin anew after any error, and end when fenced."""
        while True:
            await pause()
            owner = await self.bus.fence("scorer").acquire(IN)
            await pause()
            try:
                position = await owner.position() or 0
                await stage.opened(IN, position)
                while True:
                    await pause()
                    records = self.bus.log(IN).slice(position, size)
                    after = records[-1].offset + 1 if records else position
                    await self.commit(owner, Batch(IN, records, position, after, 0, 0), stage)
                    position = after
                    if until_done and not records:
                        return
            except (SubjectsBehind, BusUnavailable):
                continue
            except Fenced:
                return

    async def commit(self, owner: Owner[None], batch: Batch, stage: Remembering) -> None:
        """Commit; when told to, fail before it or lose the answer."""
        fails, self.fails = self.fails, None
        if fails == "before":
            list(await stage.step(batch, None))  # everything but the commit
        else:
            await owner.commit(batch, stage)
        if fails:
            raise BusUnavailable("as it was told")

    def fail(self, when: str) -> None:
        self.fails = when

    def advance(self, which: int, calls: int) -> None:
        """Let an owner go on; one that has ended is forgotten."""
        if self.owners:
            owner = self.owners[which % len(self.owners)]
            try:
                for _ in range(calls):
                    owner[1].send(None)
            except StopIteration:
                self.owners.remove(owner)

    def kill(self, which: int) -> None:
        if self.owners:
            self.owners.pop(which % len(self.owners))[1].close()

    def look(self, which: int) -> None:
        if self.owners:
            run(self.owners[which % len(self.owners)][0].look())

    def flush(self) -> None:
        self.store._stores.clear()

    def save(self) -> None:
        self.copy = copy.deepcopy(self.store._stores)

    def fall_back(self) -> None:
        self.store._stores = copy.deepcopy(self.copy)

    def compact(self) -> None:
        self.log.cleaned = self.bus.log(SUBJECTS).end

    def lapse(self) -> None:
        """A day goes by: tombstones that were compacted go, and whatever store is not in use is stale."""
        self.log.forgotten = self.log.cleaned
        for store in [*self.store._stores.values(), *self.copy.values()]:
            store.sentinel = store.sentinel._replace(age_s=24 * 3600.0 + 1)

    def finish(self, size: int) -> None:
        """Everybody dies, and one last owner does what is left."""
        while self.owners:
            self.kill(0)
        run(
            self.live(
                Remembering(SubjectStates(self.log, self.store, SUBJECTS.topic), OUT.topic), size, until_done=True
            )
        )

    def values(self, source: TopicPartition) -> list[Record]:
        return list(self.bus.log(source).records)


TRANSACTIONS = [
    [(0, FAIL)],
    [(0, FAIL), (1, FAIL), (0, ACCEPT), (0, FAIL)],
    [(0, FORGIVE), (1, FAIL), (1, FAIL)],
    [(2, FAIL)] * 4,
    [(2, ACCEPT), (1, ACCEPT), (2, FAIL), (2, FORGIVE), (0, FAIL)],
]
ACTS: list[tuple[Any, ...]] = [
    *[("produce", transactions) for transactions in TRANSACTIONS],
    *[("spawn", size) for size in (1, 2, 4)],
    *[("advance", which, calls) for which in range(3) for calls in (1, 2, 3, 5, 8, 30)],
    *[("kill", which) for which in range(3)],
    *[("look", which) for which in range(3)],
    *[("fail", when) for when in ("before", "after")],
    *[("flush",), ("save",), ("fall_back",), ("compact",), ("lapse",)],
]
"""What may happen next; `which` counts owners from the eldest."""


@settings(max_examples=120, deadline=None)
@given(schedule=st.lists(st.sampled_from(ACTS), min_size=30, max_size=90), size=st.integers(1, 9))
def test_no_attempt_is_lost_and_none_counts_twice(schedule: list[tuple[Any, ...]], size: int) -> None:
    """Every record is answered once and in order, as one pass over the log would; so are topic and store in the end."""
    with capture_logs():
        assert_it_equals_the_fold(schedule, size)


def assert_it_equals_the_fold(schedule: list[tuple[Any, ...]], size: int) -> None:
    world = World()
    world.produce(TRANSACTIONS[1])
    world.spawn(size)
    for act, *args in schedule:
        getattr(world, act)(*args)
    event(f"owners alive: {len(world.owners)}")
    world.finish(size)
    said, states = fold(world.values(IN))
    assert [record.value for record in world.values(OUT)] == said
    latest = {record.key: record.value for record in world.values(SUBJECTS)}
    assert {key: decode(value) for key, value in latest.items() if value is not None} == states
    position = world.bus.log(IN).end
    assert run(world.store.exchange(IN, position, None, [b"acme/%d" % n for n in range(3)])) == states
