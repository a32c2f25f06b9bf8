"""A month of windows read and added up: `python -m tests.benchmarks.counting_month TENANTS DAYS ROUNDS` prints JSON.

Every tenant has 20 transactions in each five minutes, and its days, with all segment values, beside them, as windows
writes them; the five minutes have the whole tenant only, lest they fill the disk. A month is read as `proofwatch rates`
reads it: tenant by tenant, from the database, unpacked, decoded and summed. The span begins and ends within a day, so
that its edges are read by five minutes.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from proofwatch.bus.postgres.pool import create_pool, transaction
from proofwatch.bus.records import Record
from proofwatch.events.codec import TALLY
from proofwatch.instants import ms_of
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters import postgres_windows
from services.aggregator.adapters.database_source import load_database
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.found import Query
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import Bucket, deltas, merge, widened
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Span, counted
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS
from services.aggregator.ports.windows import Progress
from services.standalone.adapters.embedded_postgres import EmbeddedPostgres
from tests.benchmarks.context import Result
from tests.benchmarks.counting_process import combine, verdicts_of
from tests.benchmarks.journey_traffic import TENANTS, tenants

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TRANSACTIONS: Final = 20
_FIVES: Final = DAY_S // FIVE_MINUTES_S
_EDGE_MS: Final = 12 * HOUR_MS
_COPY: Final = """
insert into windows.buckets (partition, tenant, length_s, start_ms, end_ms, closed, late, body)
select 0, 'bank-' || n, m.length_s, $2 + step * 1000::bigint * m.length_s,
       $2 + (step + 1) * 1000::bigint * m.length_s, true, false, m.body
from generate_series(1, $3::int) n, generate_series(0, $4::int - 1) step, windows.buckets m
where m.tenant = $1 and m.length_s = $5
"""


def day_of_verdicts() -> list[Record]:
    """Return the verdicts of all tenants of the traffic."""
    count = _TRANSACTIONS * _FIVES * TENANTS
    return verdicts_of(count, _START, count / DAY_S)


async def model(verdicts: Sequence[Record]) -> list[Bucket]:
    """Return a day of a tenant, and five minutes of it."""
    _, tallies = await combine(verdicts)
    cells = [cell for each in tallies for cell in TALLY.decode(each.value).cells]
    buckets = {bucket.key: bucket for bucket, _ in merge({}, widened(deltas(cells), utc_days))}
    [day] = [each for key, each in buckets.items() if key.tenant == tenants(1)[0] and key.length_s == DAY_S]
    five = buckets[day.key._replace(length_s=FIVE_MINUTES_S)]
    five.segments = {WHOLE: five.segments[WHOLE]}
    day.closed = five.closed = True
    return [day, five]


async def fill(pool: Any, buckets: Sequence[Bucket], of: int, days: int) -> None:
    """Write the windows of so many tenants and days, each as the model."""
    start_ms = ms_of(_START)
    async with transaction(pool, "benchmark") as tx:
        await postgres_windows.save(tx, 0, Progress(1, {}), buckets, None, utc_days)
        for bucket in buckets:
            key = bucket.key
            await tx.execute(_COPY, key.tenant, start_ms, of, days * DAY_S // key.length_s, key.length_s)
        await tx.execute("delete from windows.buckets where tenant = $1", buckets[0].key.tenant)
    await pool.execute("vacuum analyze windows.buckets")


async def month(verdicts: Sequence[Record], of: int, days: int, rounds: int) -> Result:
    """Read all of it, several times; the first is not counted."""
    found: dict[str, list[float]] = {"seconds": [], "processor_seconds": []}
    with EmbeddedPostgres() as database:
        await migrate(database.dsn)
        pool = await create_pool(database.dsn, alone=True)
        await fill(pool, await model(verdicts), of, days)
        span = Span(ms_of(_START) + _EDGE_MS, ms_of(_START) + days * DAY_MS - _EDGE_MS)
        for _ in range(rounds + 1):
            wall, processor = time.perf_counter(), time.process_time()
            read = transactions = 0
            for number in range(1, of + 1):
                windows = (await load_database(pool, Query(f"bank-{number}", span))).counted
                read += len(windows)
                transactions += counted(windows)[WHOLE].transactions
            found["seconds"].append(time.perf_counter() - wall)
            found["processor_seconds"].append(time.process_time() - processor)
        await pool.close()
    wanted = of * _TRANSACTIONS * (days * _FIVES - 2 * _EDGE_MS // (FIVE_MINUTES_S * 1000))
    assert transactions == wanted, f"{transactions:,} transactions were read, not {wanted:,}"
    return {name: values[1:] for name, values in found.items()} | {"read": read, "windows": of * days * _FIVES}


if __name__ == "__main__":
    measured = json.dumps(asyncio.run(month(day_of_verdicts(), *map(int, sys.argv[1:]))))
    sys.stdout.write(f"\n{measured}\n")
