"""Keeping subjects' states: catching up, exchanging, writing down."""

from collections.abc import Collection

import pytest

from proofwatch.bus.errors import Blocked
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.topics import SUBJECTS, TRANSACTIONS, kafka_specs
from proofwatch.events.types import Attempt, Mfa, SubjectState
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.subject import NOTHING, encode
from services.scorer.handlers.subject_states import STALE_S, SubjectStates, why_anew
from services.scorer.ports import Applied, Change, Changes, Sentinel, SubjectsBehind

AT = TopicPartition(TRANSACTIONS, 0)
STEP_UP = Mfa(control_id="27c2ed38-e03a-57b4-9240-33e954a7bfcd", since_ms=1, until_ms=2)


class Seen(MemorySubjects):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(ttl_s=10**6)
        self.applied: list[Applied | None] = []
        self.filled: list[tuple[dict[bytes, Change | None], int, int | None]] = []

    async def exchange(
        self, source: TopicPartition, position: int, applied: Applied | None, subjects: Collection[bytes]
    ) -> dict[bytes, SubjectState]:
        self.applied.append(applied)
        return await super().exchange(source, position, applied, subjects)

    async def fill(
        self, source: TopicPartition, claim: Sentinel, changes: Changes, mark: int, position: int | None = None
    ) -> None:
        self.filled.append((dict(changes), mark, position))
        await super().fill(source, claim, changes, mark, position)


def failed(*offsets: int) -> SubjectState:
    attempts = tuple(Attempt(offset=n, occurred_ms=0, transaction=n, failed=1) for n in offsets)
    return SubjectState(schema_version=1, offset=offsets[-1], attempts=attempts)


def batch(before: int, after: int) -> Batch:
    records = [Record(offset, 1000 + offset, b"acme/s", b"") for offset in range(before, after)]
    return Batch(AT, records, before, after, 1000 + after, 0)


async def bus_with(*values: tuple[bytes, bytes | None]) -> LocalBus:
    bus = LocalBus({SUBJECTS: 1}, SimulatedClock(0))
    await bus.publish([Outgoing(SUBJECTS, key, value, 0) for key, value in values])
    return bus


async def test_a_batch_is_applied_with_the_next_one() -> None:
    """The lane goes on only after the commit; so one round trip writes and reads, and no call comes in between."""
    store = Seen()
    keeper = SubjectStates(await bus_with(), store)
    await keeper.opened(AT, 0)
    assert await keeper.load(batch(0, 5), {b"acme/s"}) == {}
    outputs = keeper.changed(batch(0, 5), {b"acme/s": failed(3)})
    assert outputs == [Outgoing(SUBJECTS, b"acme/s", encode(failed(3)), 0)]
    assert await keeper.load(batch(5, 6), {b"acme/s", b"acme/t"}) == {b"acme/s": failed(3)}
    assert store.applied == [None, Applied(0, 5, 1005, {b"acme/s": Change(encode(failed(3)), None)})]


async def test_an_idle_batch_applies_what_is_left_and_costs_nothing_else() -> None:
    """What upstream looks up does not wait for the next transaction."""
    store = Seen()
    keeper = SubjectStates(await bus_with(), store)
    await keeper.opened(AT, 0)
    await keeper.load(batch(0, 5), {b"acme/s"})
    keeper.changed(batch(0, 5), {b"acme/s": failed(3)})
    for _ in range(3):
        assert await keeper.load(batch(5, 5), ()) == {}
        assert keeper.changed(batch(5, 5), {}) == []
    assert [applied and applied.position_after for applied in store.applied] == [None, 5]
    sentinel = await store.sentinel(AT)
    assert sentinel
    assert sentinel.position == 5


async def test_what_is_written_is_settled_and_a_tombstone_stands_for_nothing() -> None:
    """A cleared subject leaves nothing behind; a flag stays."""
    keeper = SubjectStates(await bus_with(), MemorySubjects(10**6))
    await keeper.opened(AT, 0)
    await keeper.load(batch(0, 5), ())
    cleared = (*failed(3).attempts, Attempt(offset=4, occurred_ms=0, transaction=4, failed=0))
    empty = SubjectState(schema_version=1, offset=4, attempts=cleared)
    flagged = SubjectState(schema_version=1, offset=4, attempts=cleared, flagged_ms=7)
    outputs = keeper.changed(batch(0, 5), {b"acme/s": empty, b"acme/t": flagged})
    left = SubjectState(schema_version=1, offset=4, attempts=(), flagged_ms=7)
    assert [(each.key, each.value) for each in outputs] == [(b"acme/s", None), (b"acme/t", encode(left))]


async def test_a_batch_that_does_not_follow_is_refused() -> None:
    """A stage that was not told of a new beginning must not apply what may not have been committed."""
    keeper = SubjectStates(await bus_with(), MemorySubjects(10**6))
    await keeper.opened(AT, 0)
    await keeper.load(batch(0, 5), ())
    with pytest.raises(SubjectsBehind, match="a batch at 0 follows one to 5"):
        await keeper.load(batch(0, 5), ())
    await keeper.opened(AT, 0)
    assert await keeper.load(batch(0, 5), {b"acme/s"}) == {}


async def test_a_lost_store_is_filled_from_the_topic_bit_by_bit() -> None:
    """Bounded memory; only the last part says where the store is."""
    store = Seen()
    values = [(b"acme/%d" % (n % 3), encode(failed(n))) for n in range(7)]
    keeper = SubjectStates(await bus_with(*values), store, chunk=2)
    await keeper.opened(AT, 7)
    assert [(len(changes), mark, position) for changes, mark, position in store.filled] == [
        (2, 2, None),
        (2, 4, None),
        (2, 6, None),
        (1, 7, 7),
    ]
    found = await keeper.load(batch(7, 8), {b"acme/0", b"acme/1", b"acme/2"})
    assert found == {b"acme/0": failed(6), b"acme/1": failed(4), b"acme/2": failed(5)}


async def test_a_store_that_is_behind_reads_only_what_is_new() -> None:
    """From the mark, which follows the ends that were noted."""
    bus, store = await bus_with((b"acme/s", encode(failed(0)))), Seen()
    keeper = SubjectStates(bus, store)
    await keeper.opened(AT, 1)
    for position in (1, 2):
        await keeper.load(batch(position, position + 1), ())
        await bus.publish(keeper.changed(batch(position, position + 1), {b"acme/s": failed(position)}))
        await keeper.look()
    await keeper.opened(AT, 3)
    assert store.filled[1:] == [({b"acme/s": Change(encode(failed(2)), None)}, 3, 3)]
    await keeper.opened(AT, 3)
    assert len(store.filled) == 2, "nothing to do"


async def test_step_ups_come_back_with_the_states() -> None:
    """Upstream looks them up in the store, whoever filled it."""
    state = SubjectState(schema_version=1, offset=0, attempts=(), step_up=STEP_UP)
    store = Seen()
    await SubjectStates(await bus_with((b"acme/s", encode(state))), store).opened(AT, 1)
    assert store.filled == [({b"acme/s": Change(encode(state), STEP_UP)}, 1, 1)]


@pytest.mark.parametrize(
    ("value", "todo"),
    [
        (b"{", "`proofwatch subjects repair --partition 0` shows"),
        (encode(NOTHING).replace(b"1", b"2", 1), "a newer release may have written it: upgrade this one"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 100])
async def test_a_record_that_cannot_be_read_stops_the_catch_up(value: bytes, todo: str, chunk: int) -> None:
    """Going on without it would lose attempts: the message says where it lies and what to do, however often asked."""
    others = [(b"acme/%d" % n, encode(failed(n))) for n in range(2, 9)]
    bus = await bus_with((b"acme/s", encode(failed(0))), (b"acme/t", value), *others)
    store = MemorySubjects(10**6)
    keeper = SubjectStates(bus, store, chunk=chunk)
    for _ in range(3):
        with pytest.raises(Blocked, match=rf"onboarding.subjects.v1/0 offset 1: .*\$.*{todo}"):
            await keeper.opened(AT, 9)
    await bus.publish([Outgoing(SUBJECTS, b"acme/t", encode(failed(1)), 0)])
    await keeper.opened(AT, 9)
    assert await store.exchange(AT, 9, None, {b"acme/s", b"acme/t", b"acme/8"}) == {
        b"acme/s": failed(0),
        b"acme/t": failed(1),
        b"acme/8": failed(8),
    }


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (None, "no store"),
        (Sentinel("g", 11, "", 5, 0.0), "ahead"),
        (Sentinel("g", 9, "", 8, 0.0), "another subjects topic"),
        (Sentinel("g", 9, "", 5, STALE_S + 1), "tombstones"),
        (Sentinel("g", None, "c", 5, STALE_S + 1), "tombstones"),
        (Sentinel("g", 9, "", 7, STALE_S), None),
        (Sentinel("g", None, "c", 0, 0.0), None),
    ],
)
def test_a_store_that_cannot_be_caught_up_is_filled_anew(seen: Sentinel | None, reason: str | None) -> None:
    """Lost, of another log, or so old that what was cleared may be gone from the topic."""
    why = why_anew(seen, position=10, end=7)
    assert why is None if reason is None else why and reason in why


def test_tombstones_outlive_the_longest_catch_up() -> None:
    """A store may be half of that time behind when it begins, and a whole when it ends."""
    config = {spec.name: spec.config for spec in kafka_specs()}[SUBJECTS]
    assert config["cleanup.policy"].startswith("compact")
    assert int(config["delete.retention.ms"]) >= 2 * STALE_S * 1000
