"""The scorer's attempts in a real Redis that comes, goes and forgets."""

import pytest
from redis.asyncio import Redis

from proofwatch.bus.errors import Fenced
from proofwatch.bus.lane import Lane, LaneSettings
from proofwatch.bus.local import LocalBus
from proofwatch.bus.port import Batch, Outgoing, Owner, Stage, TopicPartition
from proofwatch.events.topics import GUIDANCE, SUSPICIONS, TRANSACTIONS, VERDICTS
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.memory import MemoryAttempts
from services.scorer.adapters.redis import RedisAttempts
from services.scorer.conservation import Conservation
from services.scorer.core.rulebook import Rulebook
from services.scorer.handlers import ScorerStage
from services.scorer.ports import Attempts, AttemptsUnavailable
from services.scorer.watch import AttemptsWatch
from tests.support.redis_server import RedisServer
from tests.unit.scorer.samples import POLICY, START_MS, record, transaction

AT = TopicPartition(TRANSACTIONS, 0)
OUT = (VERDICTS, GUIDANCE, SUSPICIONS)
TTL_S = 24 * 3600


class CrashingFence:
    """A bus fence whose owners do all the work of a batch and then die before it is committed."""

    def __init__(self, bus: LocalBus, crash_at: set[int]) -> None:
        """`crash_at`: which commits die, counted from 0."""
        self._fence = bus.fence("scorer")
        self._crash_at = crash_at
        self.commits = 0

    async def acquire(self, source: TopicPartition) -> "Owner[None]":
        return CrashingOwner(self, await self._fence.acquire(source))

    def crashes(self) -> bool:
        self.commits += 1
        return self.commits - 1 in self._crash_at


class CrashingOwner:
    """Runs the stage for nothing when its fence says so."""

    def __init__(self, fence: CrashingFence, owner: Owner[None]) -> None:
        self._fence, self._owner = fence, owner

    async def position(self) -> int | None:
        return await self._owner.position()

    async def commit(self, batch: Batch, stage: Stage[None]) -> None:
        if self._fence.crashes():
            await stage.step(batch, None)
            raise Fenced("crashed between the attempts and the commit")
        await self._owner.commit(batch, stage)

    async def close(self) -> None:
        await self._owner.close()


async def ignore(_: frozenset[TopicPartition]) -> None:
    """Ignore the assignment."""


async def decide_all(attempts: Attempts, crash_at: set[int], sizes: list[int]) -> tuple[LocalBus, Conservation]:
    """Drive the whole log; each crash makes a new lane and stage, whose batches have the next of `sizes`."""
    clock, account = SimulatedClock(START_MS), Conservation()
    bus = LocalBus(dict.fromkeys((TRANSACTIONS, *OUT), 1), clock)
    events = [transaction(n, f"s{n % 4}", n, liveness_score=0.1 if n % 7 else 0.999) for n in range(60)]
    records = [record(n, event) for n, event in enumerate(events)]
    await bus.publish([Outgoing(TRANSACTIONS, r.key, r.value, 0, r.timestamp_ms) for r in records])
    fence, turn = CrashingFence(bus, crash_at), 0
    consumer = bus.consumer("reader", [TRANSACTIONS])
    await consumer.start(ignore, ignore)
    while True:
        stage = ScorerStage(attempts, Rulebook.of(POLICY), clock, account)
        lane = Lane(AT, consumer, fence, stage, LaneSettings(max_records=sizes[turn % len(sizes)]), clock)
        turn += 1
        try:
            while await lane.step():
                pass
        except Fenced:
            continue
        await consumer.stop()
        return bus, account


async def values(bus: LocalBus) -> list[list[bytes | None]]:
    return [[r.value async for r in bus.read(TopicPartition(topic, 0))] for topic in OUT]


@pytest.mark.parametrize("crash_at", [{0}, {1}, {0, 1, 2}, {2, 4, 5, 9}])
async def test_a_crash_between_redis_and_the_commit_shows_nowhere(redis_url: str, crash_at: set[int]) -> None:
    """Same verdicts, guidance and suspicions, byte for byte; no attempt is lost and none counts twice."""
    undisturbed, _ = await decide_all(MemoryAttempts(TTL_S), set(), [60])
    attempts = RedisAttempts(Redis.from_url(redis_url), TTL_S)
    bus, account = await decide_all(attempts, crash_at, [13, 5, 29])
    assert await values(bus) == await values(undisturbed)
    assert account.totals() == (60, 60, 0, 0)
    await attempts.close()


async def test_without_redis_nothing_is_decided_and_the_service_is_not_ready(redis_server: RedisServer) -> None:
    """Back-pressure: the batch stays where it is and is decided when Redis is back; never without attempts."""
    clock = SimulatedClock(START_MS)
    bus = LocalBus(dict.fromkeys((TRANSACTIONS, *OUT), 1), clock)
    event = record(0, transaction())
    await bus.publish([Outgoing(TRANSACTIONS, event.key, event.value, 0, event.timestamp_ms)])
    consumer = bus.consumer("reader", [TRANSACTIONS])
    await consumer.start(ignore, ignore)
    attempts = RedisAttempts(Redis.from_url(redis_server.url), TTL_S)
    watch = AttemptsWatch(attempts)
    stage = ScorerStage(attempts, Rulebook.of(POLICY), clock)
    lane = Lane(AT, consumer, bus.fence("scorer"), stage, LaneSettings(), clock)
    await watch.start()
    redis_server.kill()
    try:
        with pytest.raises(AttemptsUnavailable, match="PROOFWATCH_REDIS_URL"):
            await lane.step()
        await watch.step(idle=True)
        assert not watch.ready()
        assert await values(bus) == [[], [], []]
        assert await bus.positions("scorer", TRANSACTIONS) == {}
    finally:
        redis_server.start()
    await watch.step(idle=True)
    assert watch.ready()
    assert await lane.step() == 1
    assert [len(each) for each in await values(bus)] == [1, 0, 0]
    await lane.close()
    await consumer.stop()
    await watch.stop()


async def test_values_expire_and_only_failing_subjects_are_written(redis_url: str) -> None:
    """Redis holds who failed lately, and nobody else."""
    client = Redis.from_url(redis_url)
    await decide_all(RedisAttempts(client, TTL_S), set(), [60])
    keys = sorted(await client.keys())
    assert keys == [b"proofwatch:attempts:{onboarding.transactions.v1/0}:acme/s%d" % n for n in range(4)]
    assert all([TTL_S - 60 < await client.ttl(key) <= TTL_S for key in keys])
    await client.aclose()
