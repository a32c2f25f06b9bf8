"""How fast triage takes suspicions in: without attack clusters, with them, and beside the stream of verdicts.

One PostgreSQL; rounds by turns. Beside each suspicion come as many verdicts as 1,000 a second are to 5,000 suspicions a
minute; one of ten did not pass, and everybody comes four times.

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
from proofwatch.events.types import Attempts as Before
from proofwatch.events.types import Basis, Device, Incident, Slice, Suspicion, Timings, Verdict
from proofwatch.events.wire import JSON
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.triage.adapters.attempts import PostgresAttempts
from services.triage.adapters.cluster_rows import PostgresClusters
from services.triage.adapters.pattern_hits import PostgresHits
from services.triage.adapters.postgres import PostgresCases
from services.triage.core.clusters import Grown
from services.triage.core.signals import Signal
from services.triage.handlers.attempts import Attempts
from services.triage.handlers.cases import TriageStage
from services.triage.handlers.clusters import Clusters
from services.triage.handlers.patterns import Hits
from services.triage.ports import ClusterStore, Noted, Unsettled
from tests.benchmarks.context import Context, Result
from tests.unit.triage.events import incident

A_MINUTE: Final = 5_000
"""Suspicions a minute that are to be taken in."""
VERDICTS_A_SECOND: Final = 1_000
"""Verdicts that come meanwhile."""
_PARTITIONS: Final = 6
_BATCH: Final = 250
_OF_VERDICTS: Final = 500
"""Verdicts of a batch."""
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


_WAYS: Final[dict[str, tuple[type[ClusterStore[Any]], bool]]] = {
    "without": (NoClusters, False),
    "with": (PostgresClusters, False),
    "with_verdicts": (PostgresClusters, True),
}
"""By name: with which clusters, and whether verdicts come, too."""


def run(context: Context) -> Result:
    """Take suspicions in."""
    count, rounds = context.pick(15_000, 1_000), context.rounds or context.pick(3, 1)
    rates: dict[str, list[float]] = {name: [] for name in _WAYS}
    parts = kept = 0
    with context.steps("intake", rounds * len(_WAYS)) as step, context.world.stack.durable_postgres() as server:
        for number in range(rounds):
            for name in _WAYS if number % 2 else reversed(_WAYS):
                step(f"round {number + 1}, {name.replace('_', ' and ')} clusters")
                dsn = server.create_database()
                rate, found, attempts = asyncio.run(_taken(dsn, count, *_WAYS[name]))
                server.drop_database(dsn)
                rates[name].append(rate)
                parts, kept = max(parts, found), max(kept, attempts)
    medians = {name: round(statistics.median(each)) for name, each in rates.items()}
    return {
        "suspicions": count,
        "rounds": rounds,
        "parts": parts,
        "verdicts": round(count * VERDICTS_A_SECOND * 60 / A_MINUTE),
        "attempts_kept": kept,
        "a_minute": medians,
        "all": {name: [round(rate) for rate in each] for name, each in rates.items()},
        "target": {"a_minute": A_MINUTE, "met": medians["with_verdicts"] >= A_MINUTE},
    }


async def _taken(dsn: str, count: int, kind: type[ClusterStore[Any]], verdicts: bool) -> tuple[float, int, int]:
    """Return how many suspicions a minute were taken in; how many cases are parts, and how many attempts are kept."""
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
            clusters=Clusters(kind(), cases, 3),
            hits=Hits(PostgresHits(), bytes(32), JSON),
            attempts=Attempts(PostgresAttempts(), PostgresTags(None), bytes(32), JSON),
            clocked=False,
        )
        alarm = incident(
            1, since=_AT - timedelta(hours=1), root=(Slice(segment_name="device_model", segment_value=_MODEL),)
        )
        await _step(pool, stage, _batch(TopicPartition(topics.INCIDENTS, 0), 0, [alarm]))
        batches = [*(_with_verdicts(count) if verdicts else _batches(count))]
        began = time.monotonic()
        for batch in batches:
            await _step(pool, stage, batch)
        seconds = time.monotonic() - began
        parts = await pool.fetchval("select count(*) from triage.cases where part_of is not null")
        return count / seconds * 60, parts, await pool.fetchval("select count(*) from triage.attempts")
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


def _with_verdicts(count: int) -> Iterator[Batch]:
    """Yield the same, and beside each batch what comes of verdicts meanwhile."""
    positions, number = [0] * _PARTITIONS, 0
    for batch in _batches(count):
        yield batch
        for _ in range(len(batch.records) * VERDICTS_A_SECOND * 60 // A_MINUTE // _OF_VERDICTS):
            place = number // _OF_VERDICTS % _PARTITIONS
            events = [_verdict(each) for each in range(number, number + _OF_VERDICTS)]
            yield _batch(TopicPartition(topics.VERDICTS, place), positions[place], events)
            positions[place], number = positions[place] + len(events), number + len(events)


def _batch(source: TopicPartition, at: int, events: Sequence[Suspicion | Incident | Verdict]) -> Batch:
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


def _verdict(number: int) -> Verdict:
    """Of each person four; one of ten persons fails, and passes at last."""
    person, last = number // 4, number % 4 == 3
    passed = last or person % 10 > 0
    return Verdict(
        schema_version=1,
        tenant="acme",
        transaction_id=f"v-{number}",
        subject_ref=f"v-{person}",
        occurred_at=_AT + timedelta(milliseconds=number),
        decision="accept" if passed else "retry",
        action="none" if passed else "retake_selfie",
        reasons=() if passed else ("liveness_below_threshold",),
        match_outcome="pass",
        liveness_outcome="pass" if passed else "fail",
        match_score=0.95,
        liveness_score=0.999 if passed else 0.4,
        basis=Basis(
            policy_hash="0" * 32,
            controls_version=0,
            patterns_version=0,
            match_threshold=0.85,
            liveness_threshold=0.995,
            attempts_before=Before(match=0, liveness=0),
        ),
        device=Device(ref=f"d-{person}", model=f"m-{person % 50}", os="android", sdk_version="11"),
        timings=Timings(capture_ms=1000.0 + number, upload_ms=300.0 + number % 97),
    )
