"""The scorer with a real Redis that comes, goes, forgets, and is written by owners that were shut out."""

import random
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
import pytest
from redis.asyncio import Redis

from proofwatch.bus.errors import Fenced
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import Owner, Stage
from proofwatch.events.topics import SUBJECTS, TRANSACTIONS
from proofwatch.events.types import Mfa, SubjectState
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.governance import Ungoverned
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.adapters.redis import RedisSubjects
from services.scorer.app import CO_PARTITIONED
from services.scorer.core.conservation import Conservation
from services.scorer.core.subject import decode, encode
from services.scorer.handlers.stage import ScorerStage
from services.scorer.handlers.subjects_watch import SubjectsWatch
from services.scorer.ports import Applied, Change, Subjects, SubjectsBehind, SubjectsUnavailable
from tests.support.redis_server import RedisServer
from tests.unit.scorer.samples import POLICY, START_MS, record, transaction

AT = TopicPartition(TRANSACTIONS, 0)
OUT = [topic for topic in CO_PARTITIONED if topic not in (TRANSACTIONS, SUBJECTS)]
TTL_S = 24 * 3600
STEP_UP = Mfa(control_id="27c2ed38-e03a-57b4-9240-33e954a7bfcd", since_ms=1_768_464_000_000, until_ms=4 * 10**12)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    async with Redis.from_url(redis_url) as made:
        yield made


class FailingFence:
    """A bus fence whose owners die now and then, before a commit or right after it."""

    def __init__(self, bus: LocalBus, seed: int | None) -> None:
        """`seed` decides when; None: never."""
        self._fence = bus.fence("scorer")
        self.group = self._fence.group
        self._dice = random.Random(seed) if seed is not None else None

    async def check(self) -> None:
        await self._fence.check()

    async def acquire(self, source: TopicPartition) -> "Owner[None]":
        return FailingOwner(self, await self._fence.acquire(source))

    def throw(self) -> str:
        return self._dice.choice(["lives", "lives", "before", "after"]) if self._dice else "lives"


class FailingOwner:
    """Runs the stage for nothing, or commits and does not live to tell."""

    def __init__(self, fence: FailingFence, owner: Owner[None]) -> None:
        self._fence, self._owner = fence, owner

    async def position(self) -> int | None:
        return await self._owner.position()

    async def commit(self, batch: Batch, stage: Stage[None]) -> None:
        fate = self._fence.throw()
        if fate == "before":
            list(await stage.step(batch, None))  # everything but the commit
        else:
            await self._owner.commit(batch, stage)
        if fate != "lives":
            raise Fenced(f"died {fate} the commit")

    async def close(self) -> None:
        await self._owner.close()


class Ended(NamedTuple):
    """What everybody may see in the end, the states that the topic holds, and the account."""

    values: list[list[bytes | None]]
    states: dict[bytes | None, SubjectState]
    account: Conservation


async def ignore(_: frozenset[TopicPartition]) -> None:
    """Ignore the assignment."""


def scoring(store: Subjects, bus: LocalBus, account: Conservation | None = None) -> ScorerStage:
    return ScorerStage(bus, store, Ungoverned(), POLICY, SimulatedClock(START_MS), observer=account)


async def decide_all(store: Subjects, seed: int | None = None, redis: Redis | None = None) -> Ended:
    """Drive a log; each death makes a new lane and stage with batches of another size, and may lose `redis`."""
    dice, account = random.Random(seed), Conservation()
    bus = LocalBus(dict.fromkeys(CO_PARTITIONED, 1), SimulatedClock(START_MS))
    events = [transaction(n, f"s{n % 4}", n, liveness_score=0.1 if n % 7 else 0.999) for n in range(60)]
    records = [record(n, event) for n, event in enumerate(events)]
    await bus.publish([Outgoing(TRANSACTIONS, r.key, r.value, 0, r.timestamp_ms) for r in records])
    fence, consumer = FailingFence(bus, seed), bus.consumer("reader", [TRANSACTIONS])
    await consumer.start(ignore, ignore)
    while True:
        settings = LaneSettings(max_records=60 if seed is None else dice.randint(1, 20))
        lane = Lane(AT, consumer, fence, scoring(store, bus, account), settings, SimulatedClock(START_MS))
        try:
            while await lane.step():
                pass
        except Fenced:
            if redis and dice.random() < 0.3:
                await redis.flushall()
            continue
        await consumer.stop()
        values = [[r.value async for r in bus.read(TopicPartition(topic, 0))] for topic in OUT]
        latest = {r.key: r.value async for r in bus.read(TopicPartition(SUBJECTS, 0))}
        states = {key: decode(value) for key, value in latest.items() if value is not None}
        return Ended(values, states, account)


@pytest.mark.parametrize("seed", range(5))
async def test_no_crash_and_no_lost_redis_shows_anywhere(client: Redis, seed: int) -> None:
    """Same verdicts, guidance and suspicions, byte for byte, and the same histories in the end."""
    undisturbed = await decide_all(MemorySubjects(TTL_S))
    disturbed = await decide_all(RedisSubjects(client, TTL_S), seed, client)
    assert disturbed.values == undisturbed.values
    assert disturbed.states == undisturbed.states
    assert disturbed.account.totals() == (60, 60, 0, 0)


async def test_without_redis_nothing_is_decided_and_the_service_is_not_ready(redis_server: RedisServer) -> None:
    """Back-pressure: the batch stays where it is, and is decided when Redis is back, empty as it is."""
    clock = SimulatedClock(START_MS)
    bus = LocalBus(dict.fromkeys(CO_PARTITIONED, 1), clock)
    records = [record(n, transaction(n, "s", n, match_score=0.1)) for n in range(2)]
    consumer = bus.consumer("reader", [TRANSACTIONS])
    await consumer.start(ignore, ignore)
    store = RedisSubjects(Redis.from_url(redis_server.url), TTL_S)
    stage = scoring(store, bus)
    watch = SubjectsWatch(store, stage.note)
    lane = Lane(AT, consumer, bus.fence("scorer"), stage, LaneSettings(), clock)
    await watch.start()
    await bus.publish([Outgoing(TRANSACTIONS, r.key, r.value, 0, r.timestamp_ms) for r in records[:1]])
    assert await lane.step() == 1
    await bus.publish([Outgoing(TRANSACTIONS, r.key, r.value, 0, r.timestamp_ms) for r in records[1:]])
    redis_server.kill()
    try:
        for _ in range(2):
            with pytest.raises(SubjectsUnavailable, match="PROOFWATCH_REDIS_URL"):
                await lane.step()
        await watch.step(idle=True)
        assert watch.unready()
        assert await bus.positions("scorer", TRANSACTIONS) == {0: 1}
    finally:
        redis_server.start()
    await watch.step(idle=True)
    assert not watch.unready()
    assert await lane.step() == 1
    verdicts = [msgspec.json.decode(r.value or b"") async for r in bus.read(TopicPartition(OUT[0], 0))]
    assert [each["basis"]["attempts_before"]["match"] for each in verdicts] == [0, 1]
    await lane.close()
    await consumer.stop()
    await watch.stop()


async def test_a_redis_that_may_evict_is_refused(client: Redis) -> None:
    """A state that goes without a trace would be an attempt lost."""
    store = RedisSubjects(client, TTL_S)
    await client.config_set("maxmemory", "1gb")
    try:
        await client.config_set("maxmemory-policy", "volatile-lru")
        with pytest.raises(SubjectsUnavailable, match=r"volatile-lru.*noeviction"):
            await store.ping()
        await client.config_set("maxmemory-policy", "noeviction")
        await store.ping()
    finally:
        await client.config_set("maxmemory", "0")


async def test_a_full_redis_refuses_and_nothing_moves(client: Redis) -> None:
    """What cannot be kept is not declared kept; when there is room again, the batch is applied."""
    store = await store_at(client, 0)
    batch = Applied(0, 5, 0, {b"acme/s": Change(encode(state()), None)})
    await client.config_set("maxmemory", "1")
    try:
        with pytest.raises(SubjectsUnavailable, match="free memory"):
            await store.exchange(AT, 5, batch, [])
    finally:
        await client.config_set("maxmemory", "0")
    assert await store.exchange(AT, 5, batch, [b"acme/s"]) == {b"acme/s": state()}


async def test_states_expire_and_only_failing_subjects_are_written(client: Redis) -> None:
    """Redis holds who failed lately, where each partition is, and nothing else; old generations go by themselves."""
    await decide_all(RedisSubjects(client, TTL_S), seed=1, redis=None)
    sentinel = "proofwatch:subjects:1:onboarding.transactions.v1/0"
    generation = text((await client.hgetall(sentinel))[b"generation"])
    states = sorted({text(key) for key in await client.keys()} - {sentinel})
    assert states == [f"proofwatch:subject:{generation}:acme/s{n}" for n in range(4)]
    assert all([TTL_S - 60 < await client.ttl(key) <= TTL_S for key in states])


async def test_upstream_finds_a_users_step_up_until_it_ends(client: Redis) -> None:
    """On, prolonged, off; ended; and gone with a store that is begun anew."""
    store, key = await store_at(client, 0), "proofwatch:step-up:acme/s"
    later = Mfa(control_id=STEP_UP.control_id, since_ms=STEP_UP.since_ms, until_ms=STEP_UP.until_ms + 1000)
    ended = Mfa(control_id=STEP_UP.control_id, since_ms=STEP_UP.since_ms, until_ms=STEP_UP.since_ms + 1)
    for position, step_up in enumerate([STEP_UP, later, None, later, ended, later], 1):
        changes = {b"acme/s": Change(encode(state(step_up)), step_up), b"acme/t": Change(encode(state()), None)}
        await store.exchange(AT, position, Applied(position - 1, position, 0, changes), [])
        if step_up in (None, ended):
            assert await client.get(key) is None
        else:
            assert msgspec.json.decode(await client.get(key) or b"") == {
                "control_id": STEP_UP.control_id,
                "since": "2026-01-15T08:00:00Z",
                "until": "2096-10-02T07:06:40Z" if step_up is STEP_UP else "2096-10-02T07:06:41Z",
            }
            assert await client.pexpiretime(key) == step_up.until_ms
    claim = await store.claim(AT, await store.sentinel(AT), anew=True)
    assert await client.get(key) is None
    await store.fill(AT, claim, {b"acme/s": Change(encode(state(STEP_UP)), STEP_UP)}, 1, 9)
    assert await client.get(key)
    await store.exchange(AT, 10, Applied(9, 10, 0, {b"acme/s": None}), [])
    assert await client.get(key) is None
    assert len(await client.keys()) == 1 + 2, "the sentinel, and acme/s and acme/t of the old generation"


async def test_a_lost_script_is_loaded_again(client: Redis) -> None:
    """A Redis that restarted knows none of them."""
    store = await store_at(client, 0)
    await client.script_flush()
    assert await store.exchange(AT, 0, None, [b"acme/s"]) == {}
    await client.flushall()
    with pytest.raises(SubjectsBehind):
        await store.exchange(AT, 0, None, [b"acme/s"])


def text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def state(step_up: Mfa | None = None) -> SubjectState:
    return SubjectState(schema_version=1, offset=1, attempts=(), flagged_ms=START_MS, step_up=step_up)


async def store_at(client: Redis, position: int) -> RedisSubjects:
    store = RedisSubjects(client, TTL_S)
    await store.fill(AT, await store.claim(AT, None, anew=True), {}, 0, position)
    return store
