"""One part of the aggregator, measured: `python -m tests.benchmarks.counting_process PART COUNT` prints JSON.

No broker: batches of records in, outputs out. What has a database has one of its own, through the fence that it has in
production: positions, outputs and state in one transaction for each batch.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import LABEL, VERDICT
from proofwatch.events.types import Label, Verdict
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters.postgres_stores import ledger_stores, windows_stores
from services.aggregator.core.calendars import EVERYBODY_IN_UTC, utc_days
from services.aggregator.core.closing import Rules
from services.aggregator.core.labelled_days import Schedule
from services.aggregator.core.times import HOUR_MS
from services.aggregator.handlers.combine import CombineStage
from services.aggregator.handlers.ledger import LedgerStage
from services.aggregator.handlers.windows import WindowsStage
from services.standalone.adapters.embedded_postgres import EmbeddedPostgres
from tests.benchmarks.context import Result
from tests.benchmarks.journey_traffic import traffic
from tests.benchmarks.scorer import Profile
from tests.benchmarks.stages import NoHistory, stage_cost

SEGMENTS: Final = ("sex", "age_band", "country", "device_model", "os", "sdk_version")
_RATE: Final = 2_000.0
"""Verdicts a second of event time, of three tenants: a minute has 120,000."""
_BATCH: Final = 2_000
_TALLIES: Final = 5
_VERDICTS: Final = TopicPartition(topics.VERDICTS, 0)


def verdicts_of(count: int, begin: datetime, rate: float) -> list[Record]:
    """Return so many verdicts a second of event time, as records of one partition, each logged when it occurred."""
    now_ms = time.time_ns() // 1_000_000
    events = enumerate(islice(traffic(1, rate, begin), count))
    _, outputs = stage_cost(Profile("core"), [Record(at, now_ms, event.key, event.value) for at, event in events])
    made = [each for each in outputs if each.topic == topics.VERDICTS]
    return [Record(at, ms_of(_read(each.value).occurred_at), each.key, each.value) for at, each in enumerate(made)]


def recent(count: int) -> list[Record]:
    """Return verdicts of the last minutes, dense ones."""
    return verdicts_of(count, datetime.now(UTC) - timedelta(seconds=count / _RATE + 60), _RATE)


async def combine(records: Sequence[Record]) -> tuple[Result, list[Outgoing]]:
    """Measure combine, one tally for each batch; return its tallies too."""
    stage = CombineStage(SEGMENTS, _one)
    await stage.opened(_VERDICTS, 0, NoHistory())
    tallies: list[Any] = []

    async def step(batch: Batch) -> None:
        tallies.extend(await stage.step(batch, None))

    return await _measured(_VERDICTS, records, _BATCH, step), tallies


async def windows(records: Sequence[Record], pool: Any) -> Result:
    """Measure windows on the tallies of these verdicts; everything is per verdict."""
    _, tallies = await combine(records)
    at = TopicPartition(topics.TALLIES, 0)
    incoming = [Record(n, each.timestamp_ms or 0, each.key, each.value) for n, each in enumerate(tallies)]
    stage = WindowsStage(
        load_policy().monitoring,
        Rules(30_000, 48 * HOUR_MS, 10, utc_days),
        _one,
        windows_stores(),
        EVERYBODY_IN_UTC,
    )
    owner = await PostgresFence(pool, "windows").acquire(at)
    await stage.opened(at, 0, NoHistory())
    return await _measured(at, incoming, _TALLIES, lambda batch: owner.commit(batch, stage), per=len(records))


async def ledger(records: Sequence[Record], pool: Any, *, labels: bool) -> Result:
    """Measure the ledger on verdicts, or on a label for each of them when they are there."""
    stage = LedgerStage(load_policy(), Schedule(24, 48), _one, ledger_stores(), EVERYBODY_IN_UTC)
    fence = PostgresFence(pool, "ledger")

    async def take(at: TopicPartition, incoming: Sequence[Record]) -> Result:
        owner = await fence.acquire(at)
        await stage.opened(at, 0, NoHistory())
        return await _measured(at, incoming, _BATCH, lambda batch: owner.commit(batch, stage))

    of_verdicts = await take(_VERDICTS, records)
    return await take(TopicPartition(topics.LABELS, 0), list(map(_label, records))) if labels else of_verdicts


async def measure(part: str, records: Sequence[Record]) -> Result:
    """Measure one part on these verdicts."""
    if part == "combine":
        return (await combine(records))[0]
    async with AsyncExitStack() as stack:
        database = stack.enter_context(EmbeddedPostgres())
        await migrate(database.dsn)
        pool = await create_pool(database.dsn)
        stack.push_async_callback(pool.close)
        if part == "windows":
            return await windows(records, pool)
        return await ledger(records, pool, labels=part == "labels")


async def _measured(
    at: TopicPartition, records: Sequence[Record], size: int, step: Callable[[Batch], Awaitable[object]], per: int = 0
) -> Result:
    parts = [records[begin : begin + size] for begin in range(0, len(records), size)]
    batches = [
        Batch(at, part, part[0].offset, part[-1].offset + 1, part[-1].timestamp_ms, part[-1].timestamp_ms)
        for part in parts
    ]
    tune_garbage_collector()
    wall, processor = time.perf_counter(), time.process_time()
    for batch in batches:
        await step(batch)
    seconds, used, events = time.perf_counter() - wall, time.process_time() - processor, per or len(records)
    gc.unfreeze()
    return {"events": events, "seconds": seconds, "processor_seconds": used}


def _label(record: Record) -> Record:
    verdict = _read(record.value)
    label = Label(
        schema_version=1,
        tenant=verdict.tenant,
        transaction_id=verdict.transaction_id,
        label_id=f"review-{record.offset}",
        asserted_at=verdict.occurred_at,
        authority=50,
        pair="genuine",
        presentation="bona_fide",
    )
    key = f"{verdict.tenant}/{verdict.transaction_id}".encode()
    return Record(record.offset, record.timestamp_ms, key, LABEL.encode(label))


def _read(value: bytes | None) -> Verdict:
    return VERDICT.decode(value)


async def _one(*_of: str) -> int:
    return 1


if __name__ == "__main__":
    measured = json.dumps(asyncio.run(measure(sys.argv[1], recent(int(sys.argv[2])))))
    sys.stdout.write(f"\n{measured}\n")
