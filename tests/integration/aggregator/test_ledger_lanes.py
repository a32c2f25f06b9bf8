"""Lanes of the ledger side by side, and lanes that crash, on a real PostgreSQL."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from proofwatch.bus.postgres.fence import PostgresFence, create_pool
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Window
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters import postgres_joins as joins
from services.aggregator.adapters.postgres_ledger import labelled_cohorts, sole_publisher
from services.aggregator.adapters.postgres_stores import ledger_stores
from services.aggregator.adapters.removed_rows import RemovedRows
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from services.aggregator.core.labelled_days import Schedule
from services.aggregator.handlers import ledger
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
        stage = LedgerStage(load_policy(), SCHEDULE, partitions, ledger_stores(), EVERYBODY_IN_UTC)
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
        stage = LedgerStage(load_policy(), SCHEDULE, partitions, ledger_stores(), EVERYBODY_IN_UTC)
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
        await owner.commit(
            lanes.batch(source, records),
            Crashing(load_policy(), SCHEDULE, partitions, ledger_stores(), EVERYBODY_IN_UTC),
        )
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
    stage = LedgerStage(load_policy(), SCHEDULE, partitions, ledger_stores(), keep_ms=1_000, calendars=EVERYBODY_IN_UTC)
    await stage.opened(source, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
    owner = await PostgresFence(lanes.pool, SCHEMA).acquire(source)
    await owner.commit(lanes.batch(source, (), logged_ms + 1_000), stage)
    assert await lanes.pool.fetchval("select count(*) from ledger.transactions where logged_ms < $1", logged_ms) == 0
    left = await lanes.pool.fetchval("select count(*) from ledger.transactions")
    assert left >= 1, "what was logged at the limit stays"
    later = LedgerStage(load_policy(), SCHEDULE, partitions, ledger_stores(), keep_ms=1_000, calendars=EVERYBODY_IN_UTC)
    await later.opened(source, 0, None)  # type: ignore[arg-type]  # as above
    await owner.commit(lanes.batch(source, (), logged_ms + 1_001), later)
    assert await lanes.pool.fetchval("select count(*) from ledger.transactions") == 0
    assert await lanes.pool.fetchval("select sum(rows) from ledger.removed") == 6
    assert await lanes.counts() == counted


_DAY_MS = 86_400_000
SCHEDULE = Schedule(24, 48)
_SOURCE = TopicPartition(topics.VERDICTS, 0)


async def test_every_tenants_transactions_are_kept_as_its_contract_says(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shorter and longer than the platform's setting, a bounded number at once; what went is said and counted."""
    monkeypatch.setattr(ledger, "_REMOVED_AT_ONCE", 4)
    await _logged(lanes, {"brief": 9, "long": 3, "plain": 5, "without-end": 2}, days_ago=100)
    await _logged(lanes, {"brief": 1, "plain": 1}, days_ago=10)
    agreed = {"brief": 30, "long": 3_000}
    await _sweep(lanes, agreed, platform_days=60)
    assert sum((await _left(lanes)).values()) == 17, "four at once"
    with capture_logs() as logs:
        for _ in range(5):
            await _sweep(lanes, agreed, platform_days=60)
    said = Counter[str]()
    for each in logs:
        if each["event"] == "transactions_removed":
            said[each["tenant"]] += each["rows"]
    assert said == {"brief": 5, "plain": 5, "without-end": 2}
    assert await _left(lanes) == {"brief": 1, "long": 3, "plain": 1}
    await _sweep(lanes, agreed | {"plain": 30}, platform_days=0)
    assert await _left(lanes) == {"brief": 1, "long": 3, "plain": 1}, "0 is for ever, for those without a contract"
    samples = await RemovedRows(PostgresFence(lanes.pool, SCHEMA)).sample()
    assert [(each.labels, each.value) for each in samples] == [
        (("brief", "ledger.transactions"), 9),
        (("plain", "ledger.transactions"), 5),
        (("without-end", "ledger.transactions"), 2),
    ]


async def test_nothing_is_removed_while_contracts_are_not_known(lanes: Lanes) -> None:
    """One may say more than the platform's setting; as soon as they are known, the sweep is made up for."""
    await _logged(lanes, {"brief": 2, "long": 2}, days_ago=100)
    known: list[dict[str, int] | None] = [None, None, {"long": 3_000}]
    stage = LedgerStage(
        load_policy(),
        Schedule(24, 48),
        partitions,
        ledger_stores(),
        keep_ms=60 * _DAY_MS,
        agreed=lambda log_ms: known.pop(0),
        calendars=EVERYBODY_IN_UTC,
    )
    await stage.opened(_SOURCE, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
    owner = await PostgresFence(lanes.pool, SCHEMA).acquire(_SOURCE)
    for left in ({"brief": 2, "long": 2}, {"brief": 2, "long": 2}, {"long": 2}):
        await owner.commit(lanes.batch(_SOURCE, (), _NOW_MS), stage)
        assert await _left(lanes) == left
    await owner.commit(lanes.batch(_SOURCE, (), _NOW_MS + 1), stage)  # asks for nothing within the hour


async def test_labels_whose_transaction_never_came_or_is_gone_are_removed_too(lanes: Lanes) -> None:
    """They hold a tenant's transaction id and its truth, and nothing will ever be counted of them."""
    await _logged(lanes, {"brief": 1}, days_ago=10)
    await lanes.pool.executemany(
        "insert into ledger.transactions (tenant, transaction_id, pair_authority, pair_asserted_us, pair_label_id, "
        "pair_class) values ('brief', $1, 0, $2, 'l', 'genuine')",
        [("old", (_NOW_MS - 31 * _DAY_MS) * 1000), ("new", (_NOW_MS - 29 * _DAY_MS) * 1000)],
    )
    await _sweep(lanes, {"brief": 30}, platform_days=0)
    kept = await lanes.pool.fetch("select transaction_id from ledger.transactions order by 1")
    assert [row[0] for row in kept] == ["brief-10-0", "new"]


async def test_a_large_table_is_swept_without_being_read(lanes: Lanes) -> None:
    """One tenant's old rows among a hundred times as many that others keep: found by the index."""
    await _logged(lanes, {"long": 20_000, "brief": 20}, days_ago=100)
    await lanes.pool.execute("analyze ledger.transactions")
    plan = await lanes.pool.fetch(
        "explain (analyze, buffers off, timing off, summary off, costs off) " + joins._FORGET, "brief", _NOW_MS, 2_000
    )
    said = "\n".join(row[0] for row in plan)
    assert "transactions_of_tenant" in said, said
    assert "Seq Scan on transactions" not in said, said


_NOW_MS = milliseconds(CLOSED) + 1_000 * _DAY_MS


async def _logged(lanes: Lanes, counts: dict[str, int], *, days_ago: int) -> None:
    rows = [
        (tenant, f"{tenant}-{days_ago}-{n}", _NOW_MS - days_ago * _DAY_MS)
        for tenant, count in counts.items()
        for n in range(count)
    ]
    await lanes.pool.executemany(
        "insert into ledger.transactions (tenant, transaction_id, logged_ms) values ($1, $2, $3)", rows
    )


async def _sweep(lanes: Lanes, agreed: dict[str, int], *, platform_days: int) -> None:
    stage = LedgerStage(
        load_policy(),
        Schedule(24, 48),
        partitions,
        ledger_stores(),
        keep_ms=platform_days * _DAY_MS,
        agreed=lambda log_ms: agreed,
        calendars=EVERYBODY_IN_UTC,
    )
    await stage.opened(_SOURCE, 0, None)  # type: ignore[arg-type]  # the ledger looks at no history
    owner = await PostgresFence(lanes.pool, SCHEMA).acquire(_SOURCE)
    await owner.commit(lanes.batch(_SOURCE, (), _NOW_MS), stage)


async def _left(lanes: Lanes) -> dict[str, int]:
    rows = await lanes.pool.fetch("select tenant, count(*) from ledger.transactions group by 1 order by 1")
    return dict(rows)
