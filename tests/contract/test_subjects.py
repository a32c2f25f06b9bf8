"""What every store of subjects' states promises, in memory and on a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from proofwatch.bus.records import TopicPartition
from proofwatch.events.types import Attempt, Mfa, Shadowing, SubjectState
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.adapters.redis import RedisSubjects
from services.scorer.core.subject import encode
from services.scorer.ports import Applied, Change, Changes, Subjects, SubjectsBehind

HERE, THERE = TopicPartition("transactions", 0), TopicPartition("transactions", 10)
SUBJECT, OTHER = b"acme/s-1", b"acme/s-2"
LOG_MS = 1_768_464_000_000


def state(*offsets: int) -> SubjectState:
    attempts = tuple(Attempt(offset=n, occurred_ms=LOG_MS + n, transaction=-(2**63) + n, failed=3) for n in offsets)
    return SubjectState(schema_version=1, offset=max(offsets, default=0), attempts=attempts)


def change(*offsets: int) -> Change:
    return Change(encode(state(*offsets)), None)


def applied(before: int, after: int, changes: Changes, mark: int | None = None) -> Applied:
    return Applied(before, after, LOG_MS, changes, mark)


async def at(store: Subjects, position: int, changes: Changes | None = None, source: TopicPartition = HERE) -> None:
    """Fill the store anew, as if `changes` were all that the topic holds."""
    claim = await store.claim(source, await store.sentinel(source), anew=True)
    await store.fill(source, claim, changes or {}, len(changes or {}), position)


async def where(store: Subjects, source: TopicPartition = HERE) -> tuple[int | None, int]:
    sentinel = await store.sentinel(source)
    assert sentinel
    assert 0 <= sentinel.age_s < 60
    return sentinel.position, sentinel.mark


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Subjects]:
    made: Subjects
    if request.param == "memory":
        made = MemorySubjects(ttl_s=3600)
    else:
        made = RedisSubjects(Redis.from_url(request.getfixturevalue("redis_url")), ttl_s=3600)
    yield made
    await made.close()


async def test_an_empty_store_is_nowhere(store: Subjects) -> None:
    """Nothing may be read from it before it was caught up."""
    assert await store.sentinel(HERE) is None
    with pytest.raises(SubjectsBehind):
        await store.exchange(HERE, 0, None, {SUBJECT})
    with pytest.raises(SubjectsBehind):
        await store.exchange(HERE, 5, applied(0, 5, {SUBJECT: change(1)}), {SUBJECT})
    assert await store.sentinel(HERE) is None


async def test_only_subjects_with_a_state_are_returned(store: Subjects) -> None:
    """Most subjects never fail: they cost nothing after the look-up."""
    await at(store, 0)
    assert await store.exchange(HERE, 0, None, []) == {}
    assert await store.exchange(HERE, 0, None, {SUBJECT, OTHER}) == {}
    found = await store.exchange(HERE, 5, applied(0, 5, {SUBJECT: change(1, 4)}), {SUBJECT, OTHER})
    assert found == {SUBJECT: state(1, 4)}
    assert await store.exchange(HERE, 5, None, {OTHER, SUBJECT}) == {SUBJECT: state(1, 4)}


async def test_every_field_comes_back_as_it_was(store: Subjects) -> None:
    """Negative digests, clears, flags, step-up and shadows; subjects in any script."""
    full = SubjectState(
        schema_version=1,
        offset=2**53,
        attempts=(
            Attempt(offset=0, occurred_ms=-1, transaction=2**63 - 1, failed=0),
            Attempt(offset=2**53, occurred_ms=2**42, transaction=-(2**63), failed=2, suspected_ms=LOG_MS),
        ),
        flagged_ms=LOG_MS,
        step_up=Mfa(control_id="27c2ed38-e03a-57b4-9240-33e954a7bfcd", since_ms=LOG_MS, until_ms=4 * 10**12),
        shadows=(Shadowing(policy_hash="0" * 32, attempts=state(7).attempts),),
    )
    subject = "acme/Ünï→\x00\n".encode()
    await at(store, 0)
    changes = {subject: Change(encode(full), full.step_up)}
    assert await store.exchange(HERE, 5, applied(0, 5, changes), {subject}) == {subject: full}


async def test_partitions_are_kept_apart(store: Subjects) -> None:
    """A partition's owner answers for it alone; partition 10 is not partition 1 and a 0."""
    await at(store, 5, {SUBJECT: change(1)})
    await at(store, 3, {SUBJECT: change(2)}, THERE)
    assert await store.exchange(HERE, 5, None, [SUBJECT]) == {SUBJECT: state(1)}
    assert await store.exchange(THERE, 3, None, [SUBJECT]) == {SUBJECT: state(2)}
    assert await store.sentinel(TopicPartition("transactions", 1)) is None


async def test_batches_follow_one_another(store: Subjects) -> None:
    """Replaced, removed, untouched; positions of any size; batches that change nothing move on, too."""
    await at(store, 0)
    one, two = applied(0, 9, {SUBJECT: change(0), OTHER: change(3)}), applied(9, 2**60 + 1, {OTHER: None})
    assert await store.exchange(HERE, 9, one, [SUBJECT, OTHER]) == {SUBJECT: state(0), OTHER: state(3)}
    assert await store.exchange(HERE, 2**60 + 1, two, [SUBJECT, OTHER]) == {SUBJECT: state(0)}
    three = applied(2**60 + 1, 2**60 + 2, {})
    assert await store.exchange(HERE, 2**60 + 2, three, [SUBJECT]) == {SUBJECT: state(0)}
    assert await where(store) == (2**60 + 2, 0)


async def test_a_batch_is_applied_once(store: Subjects) -> None:
    """An answer was lost: what is there already stays, and the mark with it."""
    await at(store, 0)
    for changes, mark in (({SUBJECT: change(1)}, 3), ({SUBJECT: change(2)}, 4)):
        assert await store.exchange(HERE, 5, applied(0, 5, changes, mark), [SUBJECT]) == {SUBJECT: state(1)}
    assert await where(store) == (5, 3)


@pytest.mark.parametrize(("before", "after"), [(0, 5), (0, 100), (4, 8), (6, 9), (9, 12), (100, 101)])
async def test_only_the_one_that_continues_is_taken(store: Subjects, before: int, after: int) -> None:
    """An owner that was frozen writes late, a batch was skipped, numbers that compare as texts: nothing changes."""
    await at(store, 99, {SUBJECT: change(1)})
    with pytest.raises(SubjectsBehind):
        await store.exchange(HERE, after, applied(before, after, {SUBJECT: change(2)}, 77), [SUBJECT])
    with pytest.raises(SubjectsBehind):
        await store.exchange(HERE, after, None, [SUBJECT])
    assert await store.exchange(HERE, 99, None, [SUBJECT]) == {SUBJECT: state(1)}
    assert await where(store) == (99, 1)


async def test_the_mark_only_moves_on(store: Subjects) -> None:
    """A smaller one would be right, too, but more to read."""
    await at(store, 0)
    for position, mark, expected in ((1, 7, 7), (2, 5, 7), (3, None, 7), (4, 2**40, 2**40)):
        await store.exchange(HERE, position, applied(position - 1, position, {}, mark), [])
        assert await where(store) == (position, expected)


async def test_while_a_catch_up_is_under_way_nobody_reads_or_applies(store: Subjects) -> None:
    """Half of it may be older than what was there; an owner that was shut out must not declare it complete."""
    await at(store, 5, {SUBJECT: change(1)})
    claim = await store.claim(HERE, await store.sentinel(HERE), anew=False)
    await store.fill(HERE, claim, {SUBJECT: change(0)}, 10)
    assert await where(store) == (None, 10)
    for position, batch in ((5, None), (9, applied(5, 9, {}))):
        with pytest.raises(SubjectsBehind):
            await store.exchange(HERE, position, batch, [SUBJECT])
    await store.fill(HERE, claim, {OTHER: change(2)}, 11, 9)
    assert await where(store) == (9, 11)
    assert await store.exchange(HERE, 9, None, [SUBJECT, OTHER]) == {SUBJECT: state(0), OTHER: state(2)}


async def test_the_latest_catch_up_wins(store: Subjects) -> None:
    """Two owners, one of them frozen: whoever began last ends it, and a broken-off one can be taken up."""
    await at(store, 5, {SUBJECT: change(1)})
    seen = await store.sentinel(HERE)
    frozen = await store.claim(HERE, seen, anew=False)
    await store.fill(HERE, frozen, {SUBJECT: change(3)}, 8)
    again = await store.sentinel(HERE)
    assert again
    assert (again.position, again.mark, again.claim) == (None, 8, frozen.claim)
    claim = await store.claim(HERE, again, anew=False)
    with pytest.raises(SubjectsBehind):
        await store.fill(HERE, frozen, {SUBJECT: change(4)}, 9, 9)
    with pytest.raises(SubjectsBehind):
        await store.claim(HERE, seen, anew=True)
    await store.fill(HERE, claim, {}, 8, 9)
    with pytest.raises(SubjectsBehind):
        await store.fill(HERE, claim, {SUBJECT: change(4)}, 9, 9)
    assert await store.exchange(HERE, 9, None, [SUBJECT]) == {SUBJECT: state(3)}


async def test_a_new_store_shows_nothing_of_the_old(store: Subjects) -> None:
    """What was cleared meanwhile must not come back."""
    await at(store, 5, {SUBJECT: change(1), OTHER: change(2)})
    await at(store, 5, {OTHER: change(3)})
    assert await store.exchange(HERE, 5, None, [SUBJECT, OTHER]) == {OTHER: state(3)}


async def test_a_claim_on_nothing_must_have_seen_nothing(store: Subjects) -> None:
    """Two owners begin an empty store: the second must look again."""
    await store.claim(HERE, None, anew=True)
    with pytest.raises(SubjectsBehind):
        await store.claim(HERE, None, anew=True)


async def test_a_claim_holds_only_for_what_was_seen(store: Subjects) -> None:
    """Whoever looked before others went on must look again: what it read then may be wrong by now."""
    await at(store, 5)
    seen = await store.sentinel(HERE)
    await store.exchange(HERE, 6, applied(5, 6, {}), [])
    with pytest.raises(SubjectsBehind):
        await store.claim(HERE, seen, anew=False)
    first = await store.claim(HERE, await store.sentinel(HERE), anew=False)
    await store.claim(HERE, first, anew=False)
    with pytest.raises(SubjectsBehind):
        await store.claim(HERE, first, anew=False)
    await at(store, 5)
    with pytest.raises(SubjectsBehind):
        await store.claim(HERE, seen, anew=False)


@pytest.mark.parametrize("count", [1, 3999, 4000, 4001, 20_000])
async def test_a_batch_is_one_call_whatever_its_size(store: Subjects, count: int) -> None:
    """In the order given or not, all or none of them known."""
    changes = {b"acme/%d" % n: change(n) for n in range(0, count, 3)}
    await at(store, 0)
    subjects = {b"acme/%d" % n for n in range(count)}
    found = await store.exchange(HERE, 5, applied(0, 5, changes), subjects)
    assert found == {b"acme/%d" % n: state(n) for n in range(0, count, 3)}


async def test_it_answers_a_ping_and_closes_twice(store: Subjects) -> None:
    """Readiness asks; stopping is idempotent."""
    await store.ping()
    await store.close()
    await store.close()


async def test_memory_forgets_after_its_time_to_live() -> None:
    """The process does not grow with every subject that ever failed; writing again prolongs."""
    store = MemorySubjects(ttl_s=10)
    await at(store, 0)
    third = b"acme/s-3"
    await store.exchange(HERE, 1, Applied(0, 1, 0, {SUBJECT: change(0), OTHER: change(0)}), [])
    await store.exchange(HERE, 2, Applied(1, 2, 5_000, {OTHER: change(0, 1)}), [])
    found = await store.exchange(HERE, 3, Applied(2, 3, 10_000, {third: change(2)}), [SUBJECT, OTHER, third])
    assert set(found) == {OTHER, third}
