"""How fast triage takes suspicions in, with attack clusters and without, on one PostgreSQL; rounds by turns.

Of every ten suspicions eight are of one attack: a handset model that is in alarm, so that their cases are parts of one
case, which each batch changes. The rest is of people who have nothing in common. The stage itself is driven, a
transaction a batch, as a lane does; fence and outbox are the same for both, and not in it.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import Batch, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.types import Device, Incident, Slice, Suspicion, Timings
from proofwatch.events.wire import JSON
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.triage.adapters.cluster_rows import PostgresClusters
from services.triage.adapters.pattern_hits import PostgresHits
from services.triage.adapters.postgres import PostgresCases
from services.triage.core.clusters import Grown
from services.triage.core.signals import Signal
from services.triage.handlers.cases import TriageStage
from services.triage.handlers.clusters import Clusters
from services.triage.handlers.patterns import Hits
from services.triage.ports import ClusterStore, Noted, Unsettled
from tests.benchmarks.context import Context, Result
from tests.unit.triage.events import incident

A_MINUTE: Final = 5_000
"""Suspicions a minute that are to be taken in."""
_PARTITIONS: Final = 6
_BATCH: Final = 250
_AT: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_MS: Final = 1_767_268_800_000
_MODEL: Final = "A-1801"


class NoClusters:
    """The intake without clusters: nothing is kept of what cases have in common."""

    async def keep(self, noted: Sequence[Noted], alarms: Sequence[Signal], tx: Any) -> None:
        """Keep nothing."""

    async def unsettled(self, most: int, tx: Any) -> Unsettled:
        """Return that nothing is new."""
        return Unsettled((), (), ())

    async def grown(self, new: Unsettled, tx: Any) -> Sequence[Grown]:
        """Return no cluster."""
        return ()

    async def settle(self, new: Unsettled, opened: Sequence[Grown], tx: Any) -> None:
        """Move nothing."""


_STORES: Final[dict[str, type[ClusterStore[Any]]]] = {"without": NoClusters, "with": PostgresClusters}


def run(context: Context) -> Result:
    """Take suspicions in."""
    count, rounds = context.pick(15_000, 1_000), context.rounds or context.pick(3, 1)
    rates: dict[str, list[float]] = {name: [] for name in _STORES}
    parts = 0
    with context.steps("intake", rounds * len(_STORES)) as step, context.world.stack.durable_postgres() as server:
        for number in range(rounds):
            for name in _STORES if number % 2 else reversed(_STORES):
                step(f"round {number + 1}, {name} clusters")
                dsn = server.create_database()
                rate, found = asyncio.run(_taken(dsn, count, _STORES[name]()))
                server.drop_database(dsn)
                rates[name].append(rate)
                parts = max(parts, found)
    medians = {name: round(statistics.median(each)) for name, each in rates.items()}
    return {
        "suspicions": count,
        "rounds": rounds,
        "parts": parts,
        "a_minute": medians,
        "all": {name: [round(rate) for rate in each] for name, each in rates.items()},
        "target": {"a_minute": A_MINUTE, "met": medians["with"] >= A_MINUTE},
    }


async def _taken(dsn: str, count: int, store: ClusterStore[Any]) -> tuple[float, int]:
    """Return how many suspicions a minute were taken in, and how many cases are parts of a cluster afterwards."""
    await migrate(dsn)
    pool = await create_pool(dsn)
    try:
        cases = PostgresCases()
        stage = TriageStage(
            cases,
            PostgresTags(None),
            bytes(32),
            3,
            SimulatedClock(_MS),
            clusters=Clusters(store, cases, 3),
            hits=Hits(PostgresHits(), bytes(32), JSON),
            clocked=False,
        )
        alarm = incident(
            1, since=_AT - timedelta(hours=1), root=(Slice(segment_name="device_model", segment_value=_MODEL),)
        )
        await _step(pool, stage, _batch(TopicPartition(topics.INCIDENTS, 0), 0, [alarm]))
        batches = [*_batches(count)]
        began = time.monotonic()
        for batch in batches:
            await _step(pool, stage, batch)
        seconds = time.monotonic() - began
        parts = await pool.fetchval("select count(*) from triage.cases where part_of is not null")
        return count / seconds * 60, parts
    finally:
        await pool.close()


async def _step(pool: Any, stage: TriageStage[Any], batch: Batch) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await stage.step(batch, connection)


def _batches(count: int) -> Iterator[Batch]:
    """Yield the suspicions, a batch for each partition in turn."""
    positions = [0] * _PARTITIONS
    for first in range(0, count, _BATCH):
        number = first // _BATCH % _PARTITIONS
        events = [_suspicion(each) for each in range(first, min(count, first + _BATCH))]
        yield _batch(TopicPartition(topics.SUSPICIONS, number), positions[number], events)
        positions[number] += len(events)


def _batch(source: TopicPartition, at: int, events: Sequence[Suspicion | Incident]) -> Batch:
    records = [Record(at + n, _MS + n, b"", msgspec.json.encode(each)) for n, each in enumerate(events)]
    return Batch(source, records, at, at + len(records), _MS, _MS)


def _suspicion(number: int) -> Suspicion:
    """Two suspicions of each person; of ten people eight are of the attack."""
    person, attacks = number // 2, number // 2 % 10 < 8
    return Suspicion(
        schema_version=1,
        suspicion_id=f"00000000-0000-5000-8000-{number:012d}",
        tenant="acme",
        transaction_id=f"t-{number}",
        subject_ref=f"s-{person}",
        occurred_at=_AT + timedelta(milliseconds=number),
        reason="liveness_far_below_threshold",
        severity="medium",
        evidence={"score": 0.1, "limit": 0.3, "threshold": 0.995},
        policy_hash="0" * 32,
        device=Device(
            ref=f"d-{person}", model=_MODEL if attacks else f"m-{person % 50}", os="android", sdk_version="11"
        ),
        timings=Timings(capture_ms=1000.0 + number, upload_ms=300.0 + number % 97),
    )
