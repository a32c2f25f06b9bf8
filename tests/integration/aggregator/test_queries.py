"""The database and the folder of a run answer alike: what was counted is what was published."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.types import Device
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator.adapters.database_source import load_database
from services.aggregator.app import Settings, build_combine, build_ledger, build_windows
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from services.aggregator.core.found import Found, NothingFound, Query
from services.aggregator.core.handsets import handsets
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Span, counted, truth
from services.aggregator.core.span_rates import span_rates
from services.aggregator.core.what_if import Thresholds, what_if
from services.aggregator.queries.run_source import load_run
from tests.integration.aggregator.test_ledger import label, verdict

DAY = datetime(2026, 1, 5, tzinfo=UTC)
COUNTS = dict.fromkeys((spec.name for spec in topics.kafka_specs()), 1)


async def test_the_database_answers_as_the_published_windows_do(postgres_dsn: str, tmp_path: Path) -> None:
    """Sums, rates, handsets and what-if, over whole days and parts of them."""
    await migrate(postgres_dsn)
    clock = SimulatedClock(ms_of(DAY))
    bus, policy = LocalBus(COUNTS, clock), load_policy()
    pool = await create_pool(postgres_dsn)
    settings = Settings(small_cell=1)
    services = [
        build_combine(settings, bus, policy, clock),
        build_windows(settings, bus, pool, policy, clock, calendars=EVERYBODY_IN_UTC),
        build_ledger(settings, bus, pool, policy, clock, calendars=EVERYBODY_IN_UTC),
    ]
    try:
        for each in services:
            await each.start()
        for hour in range(60):
            at = DAY + timedelta(hours=hour)
            clock.advance_to(ms_of(at))
            await bus.publish([each for n in range(12) for each in transaction_of(n + 12 * hour, at)])
            await settle(services)
        clock.advance_to(ms_of(DAY + timedelta(days=5)))
        await settle(services)
        published = [record.value or b"" async for record in bus.read(TopicPartition(topics.WINDOWS, 0))]
        (tmp_path / "windows.jsonl").write_bytes(b"\n".join(published) + b"\n")
        for hours in (None, (0, 48), (5, 31), (30, 32)):
            span = Span() if hours is None else Span(*(ms_of(DAY + timedelta(hours=h)) for h in hours))
            query = Query("bank", span, ("os", "device_model"))
            of_database, of_run = await load_database(pool, query), load_run(tmp_path, query)
            assert answers(of_database) == answers(of_run), hours
            total = counted(of_database.counted)[WHOLE].transactions
            assert total == 12 * (60 if hours is None else hours[1] - hours[0])
        with pytest.raises(NothingFound, match="there are: bank"):
            await load_database(pool, Query("nobody", Span(0)))
        with pytest.raises(NothingFound, match="its windows reach from 2026-01-05 00:00 UTC"):
            await load_database(pool, Query("bank", Span(ms_of(DAY + timedelta(days=100)))))
    finally:
        for each in reversed(services):
            await each.stop()
        await pool.close()


async def settle(services: Sequence[Service]) -> None:
    """Work until nothing is left to do, idle work included."""
    while any([await each.step(idle=idle) for idle in (False, True) for each in services]):
        pass


def transaction_of(number: int, at: datetime) -> Iterator[Outgoing]:
    rng = random.Random(number)
    attack = number % 5 == 0
    name, moment = f"t-{number}", at + timedelta(seconds=rng.randrange(3_500))
    yield verdict(
        name,
        subject=f"s-{number}",
        at=moment,
        logged=at,
        match=None if number % 31 == 0 else rng.random(),
        liveness=None if number % 17 == 0 else rng.random(),
        device=Device(os=rng.choice(("ios", "android")), model=rng.choice(("A", "B"))),
    )
    if number % 3:
        presentation = "attack" if attack else "bona_fide"
        yield label(name, at=moment, pair="genuine", presentation=presentation, pai_species="mask" if attack else None)


def answers(found: Found) -> bytes:
    """Return everything that the commands make of it."""
    total, known, policy = counted(found.counted), truth(found.labelled), load_policy()
    return msgspec.json.encode(
        [
            span_rates(total, known, policy, small_cell=1),
            span_rates(total, known, policy, names=("os",), small_cell=1),
            handsets(total, small_cell=1),
            what_if(total[WHOLE], known[WHOLE], Thresholds(0.8123, 0.5)) if WHOLE in known else None,
        ]
    )
