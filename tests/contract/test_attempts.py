"""What every attempt store promises, in memory and on a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from proofwatch.bus.port import Batch, TopicPartition
from proofwatch.events.types import Attempt
from services.scorer.adapters.memory import MemoryAttempts
from services.scorer.adapters.redis import RedisAttempts
from services.scorer.core.attempts import History
from services.scorer.ports import Attempts

HERE, THERE = TopicPartition("transactions", 0), TopicPartition("transactions", 10)
SUBJECT, OTHER = b"acme/s-1", b"acme/s-2"


def history(*offsets: int) -> History:
    return tuple(
        Attempt(offset=offset, occurred_ms=1_768_464_000_000 + offset, transaction=-(2**63) + offset, failed=3)
        for offset in offsets
    )


def batch(before: int, after: int, source: TopicPartition = HERE) -> Batch:
    return Batch(source, (), before, after, None, 0)


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Attempts]:
    made: Attempts
    if request.param == "memory":
        made = MemoryAttempts(ttl_s=3600)
    else:
        made = RedisAttempts(Redis.from_url(request.getfixturevalue("redis_url")), ttl_s=3600)
    yield made
    await made.close()


async def test_only_subjects_with_a_history_are_returned(store: Attempts) -> None:
    """Most subjects never fail: they cost nothing after the look-up."""
    assert await store.load(HERE, []) == {}
    assert await store.load(HERE, {SUBJECT, OTHER}) == {}
    await store.save(batch(0, 5), {SUBJECT: history(1, 4)})
    assert await store.load(HERE, {SUBJECT, OTHER}) == {SUBJECT: history(1, 4)}


async def test_every_field_comes_back_as_it_was(store: Attempts) -> None:
    """Negative digests, clears, and when a suspicion was raised."""
    entries = (
        Attempt(offset=0, occurred_ms=-1, transaction=2**63 - 1, failed=0),
        Attempt(offset=2**53, occurred_ms=2**42, transaction=-(2**63), failed=2, suspected_ms=1_768_464_000_000),
    )
    await store.save(batch(0, 5), {SUBJECT: entries, OTHER: ()})
    assert await store.load(HERE, [SUBJECT, OTHER]) == {SUBJECT: entries, OTHER: ()}


async def test_partitions_are_kept_apart(store: Attempts) -> None:
    """A partition's owner answers for it alone; partition 10 is not partition 1 and a 0."""
    await store.save(batch(0, 5), {SUBJECT: history(1)})
    await store.save(batch(0, 3, THERE), {SUBJECT: history(2)})
    assert await store.load(HERE, [SUBJECT]) == {SUBJECT: history(1)}
    assert await store.load(THERE, [SUBJECT]) == {SUBJECT: history(2)}
    assert await store.load(TopicPartition("transactions", 1), [b"0:" + SUBJECT]) == {}


async def test_a_later_batch_replaces(store: Attempts) -> None:
    """Positions of any size compare as numbers."""
    for before, after in ((0, 9), (9, 10), (10, 99), (99, 100), (2**40, 2**40 + 1)):
        await store.save(batch(before, after), {SUBJECT: history(before)})
        assert await store.load(HERE, [SUBJECT]) == {SUBJECT: history(before)}


async def test_the_same_batch_may_be_saved_again(store: Attempts) -> None:
    """After a crash between saving and committing; the last one counts."""
    await store.save(batch(5, 9), {SUBJECT: history(1, 6)})
    await store.save(batch(5, 9), {SUBJECT: history(1, 7)})
    assert await store.load(HERE, [SUBJECT]) == {SUBJECT: history(1, 7)}


@pytest.mark.parametrize(("before", "after"), [(0, 5), (0, 100), (5, 8)])
async def test_an_earlier_batch_takes_nothing_back(store: Attempts, before: int, after: int) -> None:
    """An owner that was frozen writes late, or a batch comes again cut shorter: subject by subject the later stays."""
    await store.save(batch(5, 9), {SUBJECT: history(1, 6)})
    await store.save(batch(before, after), {SUBJECT: history(1), OTHER: history(2)})
    assert await store.load(HERE, [SUBJECT, OTHER]) == {SUBJECT: history(1, 6), OTHER: history(2)}


async def test_a_thousand_subjects_at_once(store: Attempts) -> None:
    """A batch is one call, whatever its size."""
    changes = {b"acme/%d" % n: history(n) for n in range(1000)}
    await store.save(batch(0, 1000), changes)
    assert await store.load(HERE, set(changes)) == changes


async def test_it_answers_a_ping_and_closes_twice(store: Attempts) -> None:
    """Readiness asks; stopping is idempotent."""
    await store.ping()
    await store.close()
    await store.close()


async def test_memory_forgets_after_its_time_to_live() -> None:
    """The process does not grow with every subject that ever failed; saving again prolongs."""
    store = MemoryAttempts(ttl_s=10)
    await store.save(batch(0, 1), {SUBJECT: history(0), OTHER: history(0)})
    await store.save(batch(1, 2)._replace(now_ms=5_000), {OTHER: history(0, 1)})
    await store.save(batch(2, 3)._replace(now_ms=10_000), {b"acme/s-3": history(2)})
    assert set(await store.load(HERE, [SUBJECT, OTHER, b"acme/s-3"])) == {OTHER, b"acme/s-3"}
