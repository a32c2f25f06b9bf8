"""Lanes of the ledger side by side, and lanes that crash, on a real PostgreSQL."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from proofwatch.bus.port import Batch, Outgoing, Record, TopicPartition
from proofwatch.bus.postgres import PostgresFence, create_pool
from proofwatch.events import topics
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Window
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters.postgres_ledger import labelled_cohorts, sole_publisher
from services.aggregator.core.ledger_watch import Schedule
from services.aggregator.handlers.ledger import SCHEMA, LedgerStage
from tests.integration.aggregator.test_ledger import CLOSED, DAY, label, milliseconds, verdict

PARTITIONS = 3


async def partitions(topic: str) -> int:
    return PARTITIONS


class Lanes:
    """Lanes of separate processes: each has a stage of its own, and they share only the database."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.positions: defaultdict[TopicPartition, int] = defaultdict(int)

    async def run(self, source: TopicPartition, batches: Sequence[Sequence[Outgoing]]) -> None:
        """Commit the batches in order, through a new owner."""
        stage = LedgerStage(load_policy(), Schedule(24, 48), partitions)
        await stage.opened(source, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
        owner = await PostgresFence(self.pool, SCHEMA).acquire(source)
        for records in batches:
            await owner.commit(self.batch(source, records), stage)
            self.positions[source] += len(records)
        await owner.close()

    def batch(self, source: TopicPartition, records: Sequence[Outgoing], progress_ms: int | None = None) -> Batch:
        before = self.positions[source]
        taken = [
            Record(before + index, record.timestamp_ms or 0, record.key, record.value)
            for index, record in enumerate(records)
        ]
        newest = max((record.timestamp_ms for record in taken), default=None)
        known = [each for each in (newest, progress_ms) if each is not None]
        return Batch(source, taken, before, before + len(taken), max(known, default=None), 0)

    async def idle(self, source: TopicPartition, progress_ms: int) -> None:
        """Move one lane's progress on, as an idle batch does."""
        stage = LedgerStage(load_policy(), Schedule(24, 48), partitions)
        await stage.opened(source, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
        owner = await PostgresFence(self.pool, SCHEMA).acquire(source)
        await owner.commit(self.batch(source, (), progress_ms), stage)

    async def counts(self) -> dict[Any, dict[str, tuple[int, int, int]]]:
        async with self.pool.acquire() as connection:
            cohorts = await labelled_cohorts(connection)
        return {
            cohort: {name: (c.passed, c.failed, c.missing) for name, c in classes.items()}
            for cohort, classes in cohorts.items()
        }

    async def published(self) -> list[Window]:
        rows = await self.pool.fetch("select value from ledger.outbox where topic = $1", topics.WINDOWS)
        return [WINDOW.decode(row["value"]) for row in rows]


@pytest.fixture
async def lanes(postgres_dsn: str) -> AsyncIterator[Lanes]:
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn, max_size=12)
    yield Lanes(pool)
    await pool.close()


def sources() -> list[TopicPartition]:
    return [TopicPartition(topic, n) for topic in (topics.VERDICTS, topics.LABELS) for n in range(PARTITIONS)]


def cut(random: Random, records: list[Outgoing]) -> list[list[Outgoing]]:
    """The records in another order and in batches of any size."""
    random.shuffle(records)
    batches = []
    while records:
        size = random.randint(1, 40)
        batches.append(records[:size])
        records = records[size:]
    return batches


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_lanes_on_the_same_transactions_count_each_once(lanes: Lanes, seed: int) -> None:
    """Six lanes, all speaking of the same transactions in different orders: no deadlock, no loss, nothing twice."""
    random = Random(seed)
    names = [f"t{n}" for n in range(150)]
    scores = {name: random.choice([0.1, 0.9]) for name in names}
    values = [f"{n % 7}" for n in range(150)]
    verdicts = [
        verdict(name, match=scores[name], segments={"sex": "female", "country": value, "source": value})
        for name, value in zip(names, values, strict=True)
    ]
    flips = [label(name, pair="genuine", label_id="a") for name in names]
    flips += [label(name, pair="impostor", label_id="b") for name in names]
    truth = [label(name, pair="genuine", authority=2, label_id="c") for name in names]
    work = [cut(random, [*verdicts]) for _ in range(PARTITIONS)]
    work += [cut(random, [*flips, *truth]) for _ in range(PARTITIONS)]
    await asyncio.gather(*(lanes.run(source, batches) for source, batches in zip(sources(), work, strict=True)))
    passed = sum(score > 0.5 for score in scores.values())
    expected = {"genuine": (passed, 150 - passed, 0)}
    counts = await lanes.counts()
    assert counts[None] == counts["sex", "female"] == expected
    for segment in ("country", "source"):
        assert sum(counts[segment, value]["genuine"][0] for value in set(values)) == passed
    requested = await lanes.pool.fetch(
        "select match_requested, liveness_requested from ledger.windows where segment_name in ('', 'sex')"
    )
    assert {tuple(row) for row in requested} == {(150, 150)}


async def test_a_batch_that_is_rolled_back_and_comes_again_counts_once(lanes: Lanes) -> None:
    """A crash after the step, before the commit, leaves nothing; the same records cut otherwise then count once."""
    source = TopicPartition(topics.VERDICTS, 0)
    records = [verdict(f"t{n}") for n in range(4)]
    await lanes.run(TopicPartition(topics.LABELS, 0), [[label(f"t{n}", pair="genuine") for n in range(4)]])
    owner = await PostgresFence(lanes.pool, SCHEMA).acquire(source)

    class Crashing(LedgerStage):
        async def step(self, batch: Batch, tx: Any) -> Sequence[Outgoing]:
            await super().step(batch, tx)
            raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError, match="dies here"):
        await owner.commit(lanes.batch(source, records), Crashing(load_policy(), Schedule(24, 48), partitions))
    assert await lanes.counts() == {}
    await lanes.run(source, [records[:3], records[3:]])
    assert await lanes.counts() == {None: {"genuine": (4, 0, 0)}}


async def test_lanes_that_race_to_close_a_day_publish_each_revision_once(lanes: Lanes) -> None:
    """However many lanes find the day due at once, it is published once; and once more after a change."""
    source, *others = sources()
    await lanes.run(source, [[verdict("t")]])
    await lanes.run(others[-1], [[label("t", pair="genuine")]])
    for at in (CLOSED, CLOSED + timedelta(hours=1)):
        await asyncio.gather(*(lanes.idle(each, milliseconds(at)) for each in sources()))
        await lanes.idle(source, milliseconds(at))
    assert [window.revision for window in await lanes.published()] == [1]
    await lanes.run(others[-1], [[label("t", pair="impostor", authority=2, at=DAY)]])
    await asyncio.gather(*(lanes.idle(each, milliseconds(CLOSED)) for each in sources()))
    assert [window.revision for window in await lanes.published()] == [1, 2]


async def test_a_day_that_another_process_is_publishing_is_left_for_the_next_step(lanes: Lanes) -> None:
    """Baselines and anomalies have one writer at a time; nobody waits for it, and nothing is forgotten."""
    source, *others = sources()
    await lanes.run(source, [[verdict("t")]])
    await lanes.run(others[-1], [[label("t", pair="genuine")]])
    async with lanes.pool.acquire() as other, other.transaction():
        assert await sole_publisher(other)
        for each in sources():
            await lanes.idle(each, milliseconds(CLOSED))
        assert await lanes.published() == []
    await lanes.idle(source, milliseconds(CLOSED))
    assert [window.revision for window in await lanes.published()] == [1]


async def test_a_day_waits_for_the_slowest_lane(lanes: Lanes) -> None:
    """Least progress over all lanes of both topics: one that is behind, or was never heard of, holds the day open."""
    await lanes.run(TopicPartition(topics.VERDICTS, 0), [[verdict("t")]])
    await lanes.run(TopicPartition(topics.LABELS, 0), [[label("t", pair="genuine")]])
    *most, last = sources()
    for source in most:
        await lanes.idle(source, milliseconds(CLOSED))
    assert await lanes.published() == []
    await lanes.idle(last, milliseconds(CLOSED) - 1)
    assert await lanes.published() == []
    await lanes.idle(last, milliseconds(CLOSED))
    assert [window.revision for window in await lanes.published()] == [1]


async def test_transactions_that_were_kept_long_enough_are_removed_and_their_counts_stay(lanes: Lanes) -> None:
    """A bounded number at once, the old ones only; by tenant it is written down how many, and up to when."""
    source = TopicPartition(topics.VERDICTS, 0)
    await lanes.run(source, [[verdict(f"t{n}") for n in range(6)]])
    await lanes.run(TopicPartition(topics.LABELS, 0), [[label(f"t{n}", pair="genuine") for n in range(6)]])
    counted = await lanes.counts()
    logged_ms = await lanes.pool.fetchval("select max(logged_ms) from ledger.transactions")
    stage = LedgerStage(load_policy(), Schedule(24, 48), partitions, keep_ms=1_000)
    await stage.opened(source, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
    owner = await PostgresFence(lanes.pool, SCHEMA).acquire(source)
    await owner.commit(lanes.batch(source, (), logged_ms + 1_000), stage)
    assert await lanes.pool.fetchval("select count(*) from ledger.transactions where logged_ms < $1", logged_ms) == 0
    left = await lanes.pool.fetchval("select count(*) from ledger.transactions")
    assert left >= 1, "what was logged at the limit stays"
    later = LedgerStage(load_policy(), Schedule(24, 48), partitions, keep_ms=1_000)
    await later.opened(source, 0, None)  # type: ignore[arg-type]  # as above
    await owner.commit(lanes.batch(source, (), logged_ms + 1_001), later)
    assert await lanes.pool.fetchval("select count(*) from ledger.transactions") == 0
    assert await lanes.pool.fetchval("select sum(rows) from ledger.removed") == 6
    assert await lanes.counts() == counted
