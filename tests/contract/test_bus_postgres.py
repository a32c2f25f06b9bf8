"""The PostgreSQL fence and the outbox relay, on a real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from proofwatch.bus.errors import (
    BusUnavailable,
    DatabaseAway,
    DatabaseOlder,
    Fenced,
    Gap,
    NotMigrated,
    PositionLost,
    TopicReplaced,
)
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import PostgresFence, create_pool, fence_ddl, fence_progress
from proofwatch.bus.postgres.outbox import OutboxSource, outbox_fence, relay
from proofwatch.bus.postgres.pool import attend, transaction
from proofwatch.bus.records import Batch, Outgoing, Record, Topic, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.runtime.clock import SimulatedClock
from tests.contract.worlds import eventually

AT = TopicPartition("in", 0)
OUT = TopicPartition("out", 0)


class Counting:
    """Adds every record to a table and passes it on; raises where it is told to."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.fail: Exception | None = None

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        self.fail = None

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: Any) -> Sequence[Outgoing]:
        self.batches.append(batch)
        await tx.executemany("insert into stage.seen values ($1)", [(r.offset,) for r in batch.records])
        if self.fail:
            raise self.fail
        return [Outgoing("out", r.key, r.value, 0, r.timestamp_ms, (("h", b"\x00\xff"),)) for r in batch.records]


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[Any]:
    pool = await create_pool(postgres_dsn)
    await pool.execute(fence_ddl("stage"))
    await pool.execute(fence_ddl("stage"))  # idempotent
    await pool.execute("create table stage.seen(record bigint)")
    yield pool
    await pool.close()


def batch(first: int, last: int, progress_ms: int | None = None) -> Batch:
    """Records first … last, as a lane or a Faust agent would hand them over."""
    records = [Record(n, 1000 + n, b"k", b"%d" % n) for n in range(first, last + 1)]
    return Batch(AT, records, first, last + 1, progress_ms, 0)


def fenced_worker(bus: LocalBus, pool: Any) -> Worker[Any]:
    """A worker wired as services are: its fence knows what the relay has published."""
    fence, clock, settings = (
        outbox_fence(pool, "stage", bus, "g", ["in"]),
        SimulatedClock(7000),
        LaneSettings(idle_s=0.05),
    )
    companions = [relay(fence, bus, "g", settings, clock)]
    return Worker(bus, ["in"], fence, Counting(), settings, clock, companions=companions)


async def seen(pool: Any) -> list[int]:
    return [row["record"] for row in await pool.fetch("select record from stage.seen order by record")]


async def published(bus: LocalBus) -> list[bytes | None]:
    return [record.value async for record in bus.read(OUT)]


async def test_who_takes_over_publishes_what_the_owner_before_wrote_last(pool: Any) -> None:
    """The relay of this process asks only when it is told; what another has written until now, acquiring tells it."""
    before, fence = PostgresFence(pool, "stage"), PostgresFence(pool, "stage")
    owner = await before.acquire(AT)
    source = OutboxSource(pool, "stage", fence.written)
    await source.seek(AT, 0)
    assert list(await source.fetch(AT, 10, 0.0)) == []
    await owner.commit(batch(0, 2), Counting())
    assert list(await source.fetch(AT, 10, 0.0)) == []  # nobody has said a word
    await fence.acquire(AT)
    assert [record.offset for record in await source.fetch(AT, 10, 0.0)] == [0, 1, 2]


async def test_records_below_the_stored_position_are_ignored(pool: Any) -> None:
    """A batch that overlaps is cut, a batch that is stored already is dropped: nothing is counted twice."""
    owner, stage = await PostgresFence(pool, "stage").acquire(AT), Counting()
    await owner.commit(batch(0, 4), stage)
    await owner.commit(batch(3, 6), stage)
    await owner.commit(batch(0, 6), stage)
    assert await seen(pool) == list(range(7))
    assert [(b.position_before, b.position_after) for b in stage.batches] == [(0, 5), (5, 7)]
    assert await owner.position() == 7
    assert await pool.fetchval("select array_agg(seq order by seq) from stage.outbox") == list(range(7))


async def test_a_database_without_tables_is_refused_at_the_start_in_one_line(postgres_dsn: str) -> None:
    """Before `proofwatch migrate` nothing runs, and the operator reads what to do."""
    pool = await create_pool(postgres_dsn)
    bus = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    worker = Worker(bus, ["in"], PostgresFence(pool, "stage", group="g"), Counting(), LaneSettings(), SimulatedClock())
    with pytest.raises(NotMigrated, match=r"no stage\.fence as this release needs it: run `proofwatch migrate`"):
        await worker.start()
    await pool.close()


async def test_a_database_of_ones_own_limits_nothing_in_time(postgres_dsn: str, pool: Any) -> None:
    """Nobody waits for the locks of a run that has its database alone; every other session frees them after 5 s."""
    limits = "select current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
    own = await create_pool(postgres_dsn, alone=True)
    async with transaction(pool, "one") as shared, transaction(own, "another") as alone:
        assert [tuple(await each.fetchrow(limits)) for each in (shared, alone)] == [("5s", "5s"), ("0", "0")]
    assert (own.transaction_s, own.acquire_s) == (None, None)
    await own.close()


async def test_a_transaction_lasts_as_long_as_somebody_asks_something_in_it(pool: Any) -> None:
    """What has much to do is not undone and begun anew for ever; what says nothing is ended."""
    pool.transaction_s = 3.0
    async with transaction(pool, "test") as connection:
        for ask in (attend(connection), connection.fetchval("select 1"), connection.fetch("select pg_sleep(1.5)")):
            time.sleep(1.5)  # noqa: ASYNC251 - it computes: no other task has its turn
            await ask
            await asyncio.sleep(0.5)  # all others have their turn
    with pytest.raises(DatabaseAway):
        async with transaction(pool, "test"):
            await asyncio.Event().wait()


async def test_a_lost_fence_row_beside_published_outputs_is_refused(pool: Any) -> None:
    """A start from the beginning would count everything twice; a partition that never published may begin."""
    owner = await PostgresFence(pool, "stage").acquire(AT)
    await owner.commit(batch(0, 4), Counting())
    await pool.execute("insert into stage.outbox_relay values ('in', 0, 5)")
    await pool.execute("delete from stage.fence")
    lost = await PostgresFence(pool, "stage").acquire(AT)
    with pytest.raises(PositionLost, match=r"in/0: stage\.fence has lost the position.*Restore stage\.fence"):
        await lost.position()
    other = await PostgresFence(pool, "stage").acquire(TopicPartition("in", 1))
    assert await other.position() is None


async def test_a_topic_made_anew_is_refused_until_it_is_accepted(pool: Any) -> None:
    """The fence keeps the topic's identifier beside the position; one from before it did takes the present one."""
    now = Topic(1)

    async def topic(name: str) -> Topic:
        return now

    async def position() -> int | None:
        return await (await PostgresFence(pool, "stage", topic).acquire(AT)).position()

    await (await PostgresFence(pool, "stage").acquire(AT)).commit(batch(0, 4), Counting())
    now = Topic(1, "first")
    assert await position() == 5
    now = Topic(1, "second")
    with pytest.raises(TopicReplaced, match=r"in/0 was read of a topic with id first, .* now has id second"):
        await position()
    now = Topic(1, "second", accepted=True)
    assert await position() == 0
    owner = await PostgresFence(pool, "stage", topic).acquire(AT)
    await owner.commit(batch(0, 1), Counting())
    now = Topic(1, "second")
    assert await position() == 2


async def test_a_batch_beyond_the_stored_position_is_refused(pool: Any) -> None:
    """What was acknowledged without being applied shows as a Gap, and nothing of the batch is stored."""
    owner, stage = await PostgresFence(pool, "stage").acquire(AT), Counting()
    await owner.commit(batch(0, 4), stage)
    with pytest.raises(Gap, match="begins at 7 but only records below 5 are stored in stage: read from 5 on"):
        await owner.commit(batch(7, 9), stage)
    assert await seen(pool) == list(range(5))


async def test_an_earlier_owner_is_fenced(pool: Any) -> None:
    """A process that was frozen and wakes up can neither commit nor read a position."""
    fence, stage = PostgresFence(pool, "stage"), Counting()
    zombie = await fence.acquire(AT)
    await zombie.commit(batch(0, 1), stage)
    owner = await fence.acquire(AT)
    for attempt in (zombie.commit(batch(2, 3), stage), zombie.position()):
        with pytest.raises(Fenced):
            await attempt
    await owner.commit(batch(2, 3), stage)
    assert await seen(pool) == [0, 1, 2, 3]


async def test_a_failed_step_leaves_neither_state_nor_outbox_nor_position(pool: Any) -> None:
    """State, outbox and position are one transaction."""
    owner, stage = await PostgresFence(pool, "stage").acquire(AT), Counting()
    stage.fail = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        await owner.commit(batch(0, 4), stage)
    assert await seen(pool) == []
    assert await pool.fetchval("select count(*) from stage.outbox") == 0
    assert await owner.position() is None


async def test_progress_is_kept_and_never_falls(pool: Any) -> None:
    """The stage sees the greater of stored and given progress; every acquired partition has an entry."""
    fence, stage = PostgresFence(pool, "stage"), Counting()
    owner = await fence.acquire(AT)
    assert await fence_progress(pool, "stage") == {AT: None}
    await owner.commit(batch(0, 0, 9000), stage)
    await owner.commit(batch(1, 1, 8000), stage)
    await owner.commit(Batch(AT, (), 2, 2, 9500, 0), stage)
    assert [b.progress_ms for b in stage.batches] == [9000, 9000, 9500]
    assert await fence_progress(pool, "stage") == {AT: 9500}


async def test_an_unreachable_database_is_named_without_its_password() -> None:
    """The operator reads host and database, and no secret."""
    with pytest.raises(BusUnavailable) as caught:
        await create_pool("postgresql://user:secret@127.0.0.1:1/proofs")
    assert "127.0.0.1:1, database proofs" in str(caught.value)
    assert "secret" not in str(caught.value)


def worker(bus: LocalBus, pool: Any, stage: Counting, settings: LaneSettings | None = None) -> Worker[Any]:
    fence, clock, settings = (
        PostgresFence(pool, "stage", group="g"),
        SimulatedClock(7000),
        settings or LaneSettings(max_records=4),
    )
    return Worker(bus, ["in"], fence, stage, settings, clock, companions=[relay(fence, bus, "g", settings, clock)])


async def test_the_relay_publishes_what_was_stored_in_order_and_forgets_it(pool: Any) -> None:
    """Key, value, headers and timestamp arrive as the stage returned them; published rows are deleted."""
    bus = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    member = worker(bus, pool, Counting())
    await member.start()
    await bus.publish([Outgoing("in", b"k%d" % n, b"%d" % n, 0, 1000 + n) for n in range(10)])
    while await member.step():
        pass
    got = [record async for record in bus.read(OUT)]
    assert got == [Record(n, 1000 + n, b"k%d" % n, b"%d" % n, (("h", b"\x00\xff"),)) for n in range(10)]
    assert await pool.fetchval("select count(*) from stage.outbox") == 0
    assert await pool.fetchval("select position from stage.outbox_relay") == 10
    assert await bus.positions("g-relay", "in") == {0: 10}
    await member.stop()


async def test_a_bus_that_shares_the_databases_fate_needs_no_outbox(pool: Any) -> None:
    """The same records in the same order, published behind the transaction; none where it was rolled back."""
    bus = LocalBus({"in": 1, "out": 1}, SimulatedClock(), shares_fate=True)
    fence = outbox_fence(pool, "stage", bus, "g", ["in"])
    owner = await fence.acquire(AT)
    await owner.commit(batch(0, 9), Counting())
    got = [record async for record in bus.read(OUT)]
    assert got == [Record(n, 1000 + n, b"k", b"%d" % n, (("h", b"\x00\xff"),)) for n in range(10)]
    assert await pool.fetchval("select count(*) from stage.outbox") == 0
    assert await pool.fetchval("select outbox_seq from stage.fence") == 0
    failing = Counting()
    failing.fail = ValueError("not this one")
    with pytest.raises(ValueError, match="not this one"):
        await owner.commit(batch(10, 11), failing)
    assert await owner.position() == 10
    assert len(await published(bus)) == 10


async def test_a_crash_between_the_database_commit_and_the_relay_publishes_once(pool: Any) -> None:
    """Rows that a dead process left are published by the next one; those it published are not published again."""
    bus = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    owner = await PostgresFence(pool, "stage").acquire(AT)
    await bus.publish([Outgoing("in", b"k", b"%d" % n, 0, 1000 + n) for n in range(6)])
    await owner.commit(batch(0, 2), Counting())  # dies here: committed, not relayed
    member = worker(bus, pool, Counting(), LaneSettings(max_records=2))
    await member.start()
    await member.step()  # publishes two rows, and dies before it could delete them
    heir = worker(bus, pool, Counting())
    await member.stop()
    await heir.start()
    while await heir.step():
        pass
    assert await published(bus) == [b"%d" % n for n in range(6)]
    await heir.stop()


async def test_the_relay_starts_where_the_database_knows_better_than_the_bus(pool: Any) -> None:
    """Offsets of idle groups expire: on a bus that has forgotten, published rows are not published again."""
    first = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    member = worker(first, pool, Counting())
    await member.start()
    await first.publish([Outgoing("in", b"k", b"%d" % n, 0) for n in range(3)])
    while await member.step():
        pass
    await member.stop()
    forgetful = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    await forgetful.publish([Outgoing("in", b"k", b"%d" % n, 0) for n in range(5)])
    heir = worker(forgetful, pool, Counting())
    await heir.start()
    while await heir.step():
        pass
    assert await published(forgetful) == [b"3", b"4"]
    assert await forgetful.positions("g-relay", "in") == {0: 5}
    await heir.stop()


async def test_a_database_older_than_the_bus_is_refused(pool: Any) -> None:
    """After a restored backup new rows would take sequences that count as published: that must not go unseen."""
    await PostgresFence(pool, "stage").acquire(AT)
    with pytest.raises(DatabaseOlder, match=r"outputs up to 5 are published, but stage\.fence knows 0 only"):
        await OutboxSource(pool, "stage").seek(AT, 5)


async def test_nothing_is_written_to_a_database_older_than_what_is_published(pool: Any) -> None:
    """The lane waits, and names the command; once the relay begins where the outbox stands, it goes on."""
    bus, older = LocalBus({"in": 1, "out": 1}, SimulatedClock()), LocalBus({"in": 1, "out": 1}, SimulatedClock())
    for each in (bus, older):
        await each.publish([Outgoing("in", b"k", b"%d" % n, 0) for n in range(5)])
    first = fenced_worker(bus, pool)
    await first.start()
    while await first.step():
        pass
    await first.stop()
    await pool.execute(
        "update stage.fence set position = 3, outbox_seq = 3; delete from stage.seen where record > 2; "
        "update stage.outbox_relay set position = 3; delete from stage.outbox"
    )
    before = await pool.fetchrow("select position, outbox_seq from stage.fence")
    waiting = fenced_worker(bus, pool)
    await waiting.start()
    running = asyncio.create_task(waiting.run())
    wanted = "`proofwatch restore relay --schema stage --yes --operator … --note …`"
    await eventually(lambda: any(wanted in said for said in waiting.unready()))
    await asyncio.sleep(0.3)
    assert len(waiting.unready()) == 1
    assert await pool.fetchrow("select position, outbox_seq from stage.fence") == before
    assert await seen(pool) == [0, 1, 2]
    assert not running.done()
    await waiting.stop()
    await running

    after = fenced_worker(older, pool)  # on which the relay has published nothing: as if it was set back
    await after.start()
    while await after.step():
        pass
    await after.stop()
    assert await seen(pool) == [0, 1, 2, 3, 4]


async def test_a_lane_waits_for_its_sisters_partition_too(pool: Any) -> None:
    """They share their tables: what one published of them is missing for all."""
    sister = TopicPartition("in", 1)

    async def published(source: TopicPartition) -> dict[TopicPartition, int]:
        return {AT: 0, sister: 2}

    owner = await PostgresFence(pool, "stage", published=published).acquire(AT)
    with pytest.raises(DatabaseOlder, match=r"in/1: outputs up to 2 are published, but stage\.fence knows 0 only"):
        await owner.position()
    await pool.execute("insert into stage.fence (topic, partition, epoch, outbox_seq) values ('in', 1, 1, 2)")
    assert await (await PostgresFence(pool, "stage", published=published).acquire(AT)).position() is None


async def test_what_was_published_meanwhile_does_not_make_a_database_look_old(pool: Any) -> None:
    """The bus is asked before the database: a new owner beside a busy relay sees no more published than written."""
    order: list[str] = []

    async def published(source: TopicPartition) -> dict[TopicPartition, int]:
        order.append("bus")
        (known,) = await pool.fetchrow("select coalesce(max(outbox_seq), 0) from stage.fence")
        await (await PostgresFence(pool, "stage").acquire(AT)).commit(batch(known, known), Counting())
        return {AT: known + 1}

    for _ in range(3):
        owner = await PostgresFence(pool, "stage", published=published).acquire(AT)
        await owner.position()
    assert order == ["bus"] * 3


async def test_a_waiting_relay_wakes_up_when_rows_are_written(pool: Any) -> None:
    """In the same process the relay does not poll: rows are published long before its waiting time is over."""
    bus = LocalBus({"in": 1, "out": 1}, SimulatedClock())
    member = worker(bus, pool, Counting(), LaneSettings(idle_s=60.0))
    await member.start()
    running = asyncio.create_task(member.run())
    await asyncio.sleep(0.3)  # both lanes wait by now
    await bus.publish([Outgoing("in", b"k", b"v", 0)])
    async with asyncio.timeout(20):
        while not await published(bus):  # noqa: ASYNC110 - another task publishes
            await asyncio.sleep(0.01)
    await member.stop()
    await running
