"""Faust and the lane as carriers of the windows stage: the same promises of both, as processes on real components."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from proofwatch.bus.errors import Fenced
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, WINDOW
from proofwatch.runtime.migrations import migrate
from tests.integration.aggregator.house import PARTITIONS, house
from tests.integration.aggregator.traffic import START, traffic, verdict
from tests.support.processes import ServiceProcess
from tests.support.stack import Stack

DEADLINE_S = 120.0
DAY_S = 86_400


class Reference(NamedTuple):
    """Tallies in the order of their log, and what must follow from them: windows and anomalies as they are published.

    By a bus in one process, whose partitions, batches and lanes are others.
    """

    tallies: list[Outgoing]
    windows: Counter[bytes]
    anomalies: Counter[bytes]


async def count(dsn: str) -> Reference:
    """Let combine and windows work in one process: ten quiet minutes, two in which half of all fail, then silence."""
    async with house(dsn, batch=20) as made:
        verdicts = traffic(500, seed=5, minutes=10, tenants=2)
        begin = START + timedelta(minutes=11)
        verdicts += [
            verdict(1_000 + n, begin + timedelta(seconds=n), failed=120 <= n < 240 and n % 2 == 0) for n in range(600)
        ]
        for first in range(0, len(verdicts), 100):
            await made.feed(verdicts[first : first + 100])
            await made.settle()
        await made.pass_time(4 * DAY_S)  # what fires ends by silence
        logs = [(n, made.bus.log(TopicPartition(topics.TALLIES, n)).slice(0, 1_000_000)) for n in range(4)]
        tallies = [
            (record.offset, Outgoing(topics.TALLIES, record.key, record.value, n, record.timestamp_ms, record.headers))
            for n, records in logs
            for record in records
        ]
        ordered = [each for _, each in sorted(tallies, key=lambda each: (each[0], each[1].partition or 0))]
        return Reference(ordered, Counter(made.values(topics.WINDOWS)), Counter(made.values(topics.ANOMALIES)))


@pytest.fixture(scope="module")
def reference(new_database: Callable[[], str]) -> Reference:
    found = asyncio.run(count(new_database()))
    assert {ANOMALY.decode(each).state for each in found.anomalies} == {"firing", "resolved"}
    return found


class Ground:
    """One broker and one database server of its own, and the processes that work on them."""

    def __init__(self, stack: Stack, engine: str, directory: Path) -> None:
        self.stack = stack
        self.engine = engine
        self.dsn = stack.postgres.create_database()
        self.bus = KafkaBus(stack.kafka.bootstrap, "test")
        self._directory = directory
        self._env = {
            "PROOFWATCH_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
            "PROOFWATCH_POSTGRES_DSN": self.dsn,
            "PROOFWATCH_LIVE_PROGRESS": "false",
            "PROOFWATCH_BATCH_MAX_RECORDS": "50",
            "PROOFWATCH_SMALL_CELL": "1",
            "PROOFWATCH_WINDOWS_ENGINE": engine,
        }
        self.processes: list[ServiceProcess] = []

    def start(self) -> ServiceProcess:
        """Start one more member of the group."""
        made = ServiceProcess("windows", self._env, self._directory, number=len(self.processes))
        self.processes.append(made)
        made.start()
        return made

    async def published(self, topic: str) -> Counter[bytes]:
        """Return how often each value lies on the topic."""
        found: Counter[bytes] = Counter()
        for partition in range(await self.bus.partitions(topic)):
            async for record in self.bus.read(TopicPartition(topic, partition)):
                found[record.value or b""] += 1
        return found

    async def comes_to(self, windows: int, *members: ServiceProcess) -> None:
        """Wait for so many windows; a member that ends itself, as Faust does when it is fenced, is started again."""
        give_up = time.monotonic() + DEADLINE_S
        while (await self.published(topics.WINDOWS)).total() < windows:
            for member in members:
                try:
                    member.check()
                except AssertionError:
                    member.close()
                    member.start()
            if time.monotonic() > give_up:
                pytest.fail("\n".join(each.log(40) for each in members))
            await asyncio.sleep(0.2)


@pytest.fixture(params=["faust", "lane"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    with Stack(lambda _: None) as stack:
        three = dict.fromkeys((topics.TRANSACTIONS, topics.VERDICTS), PARTITIONS)
        stack.kafka.create_topics(
            spec._replace(partitions=three.get(spec.name, spec.partitions))
            for spec in topics.kafka_specs(timestamp_type="CreateTime")
        )
        made = Ground(stack, request.param, tmp_path)
        try:
            yield made
        finally:
            for each in made.processes:
                each.close()


async def assert_the_same(ground: Ground, reference: Reference) -> None:
    """Every revision of every window and anomaly, byte by byte, exactly once."""
    windows, anomalies = await ground.published(topics.WINDOWS), await ground.published(topics.ANOMALIES)
    assert windows == reference.windows, [WINDOW.decode(each) for each in (windows - reference.windows)][:3]
    assert anomalies == reference.anomalies, [ANOMALY.decode(each) for each in (anomalies - reference.anomalies)][:3]


async def test_kills_and_members_that_come_and_go_change_nothing(ground: Ground, reference: Reference) -> None:
    """SIGKILL, a second member, the first one leaves: the same windows and anomalies follow from the same tallies."""
    await migrate(ground.dsn)
    await ground.bus.start()
    third, all_windows = len(reference.tallies) // 3, reference.windows.total()
    try:
        first = ground.start()
        await ground.bus.publish(reference.tallies[:third])
        await ground.comes_to(all_windows // 8, first)
        first.kill()
        first.start()
        await ground.bus.publish(reference.tallies[third : 2 * third])
        second = ground.start()
        second.await_ready()
        await ground.bus.publish(reference.tallies[2 * third :])
        first.stop()
        await ground.comes_to(all_windows, second)
        second.await_ready()
        assert ("partitions_assigned" in second.log(1_000)) == (ground.engine == "lane"), "the other engine ran"
        await assert_the_same(ground, reference)
    finally:
        await ground.bus.stop()


async def test_what_is_waited_for_is_said_and_a_fence_that_is_taken_stops_it(
    ground: Ground, reference: Reference
) -> None:
    """A database that is away is named at /ready; whoever takes the fence is the owner, until the engine takes it back.

    Nothing of it changes what is published.
    """
    await migrate(ground.dsn)
    await ground.bus.start()
    third = len(reference.tallies) // 3
    try:
        member = ground.start()
        member.await_ready()
        ground.stack.postgres.kill()
        await ground.bus.publish(reference.tallies[:third])
        said = member.await_unready("PostgreSQL")
        assert ground.dsn.rpartition("@")[2].partition("/")[0].split("?")[0] in said or "database" in said
        ground.stack.postgres.start()
        member.await_ready()
        pool = await create_pool(ground.dsn)
        fence = PostgresFence(pool, "windows")
        thieves = [await fence.acquire(TopicPartition(topics.TALLIES, n)) for n in range(4)]
        await ground.bus.publish(reference.tallies[third:])
        await ground.comes_to(reference.windows.total(), member)
        await assert_the_same(ground, reference)
        for number, thief in enumerate(thieves):
            at = TopicPartition(topics.TALLIES, number)
            with pytest.raises(Fenced):
                await thief.commit(Batch(at, (), 0, 0, None, 0), Nothing())
        await pool.close()
    finally:
        await ground.bus.stop()


class Nothing:
    """A stage that does nothing."""

    async def opened(self, source: TopicPartition, position: int, history: Any) -> None: ...

    async def step(self, batch: Batch, tx: Any) -> tuple[Outgoing, ...]:
        return ()

    async def closed(self, source: TopicPartition) -> None: ...
