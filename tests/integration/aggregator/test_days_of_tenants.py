"""Windows and the ledger name the same days, by each tenant's calendar, over changes of clocks and of calendars."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import WINDOW
from proofwatch.events.types import Device, Window
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import load_policy
from proofwatch.governance.replica import Replica
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters.database_source import load_database
from services.aggregator.app import Settings, build_combine, build_ledger, build_windows
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.found import Query
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Span, counted, truth
from services.aggregator.core.times import DAY_S, HOUR_MS
from services.aggregator.queries.run_source import load_run
from tests.integration.aggregator.test_ledger import label, verdict
from tests.integration.aggregator.test_queries import answers, settle
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, tenant

FROM = datetime(2026, 3, 26, 9, tzinfo=UTC)
HOURS = 120  # until 31 March; in Berlin the 29th has 23 hours, in Cairo nothing changes until April
COUNTS = dict.fromkeys((spec.name for spec in topics.kafka_specs()), 1)


class Calendars:
    """Calendars of four tenants; one changes its zone in the middle of a day."""

    def __init__(self) -> None:
        change = ms_of(datetime(2026, 3, 28, 12, tzinfo=UTC))
        self.days = {
            "berlin": TenantDays([(0, Calendar("Europe/Berlin"))]),
            "kathmandu": TenantDays([(0, Calendar("Asia/Kathmandu"))]),
            "santiago": TenantDays([(0, Calendar("America/Santiago"))]),
            "moved": TenantDays([(change, Calendar("America/New_York"))]),
        }

    def require(self, log_ms: int) -> None:
        """Nothing is missing."""

    def tenants(self) -> Iterator[str]:
        yield from self.days

    def days_of(self, since_ms: int) -> DaysOf:
        return lambda tenant: self.days.get(tenant, UTC_DAYS)


CALENDARS = Calendars()
TENANTS = (*CALENDARS.days, "plain")


@pytest.mark.parametrize("hours_at_once", [1, 7])
async def test_both_processes_count_the_same_days(postgres_dsn: str, tmp_path: Path, hours_at_once: int) -> None:
    """Every transaction once, in the day of its tenant that holds it; closed at its end plus the grace, restated."""
    shots = [(f"t-{n}", TENANTS[n % len(TENANTS)], at) for n, at in enumerate(_moments())]
    published = await _counted(postgres_dsn, tmp_path, shots, hours_at_once)
    windows = [window for _, window in published]
    for kind in ("decisions", "labelled"):
        wanted = Counter((tenant, *_day(tenant, at)) for _, tenant, at in shots)
        last = {
            (w.tenant, ms_of(w.start), ms_of(w.end)): w
            for w in sorted(windows, key=lambda w: w.revision)
            if w.kind == kind and w.length_s == DAY_S and w.segment_name is None
        }
        name = "transactions" if kind == "decisions" else "genuine.passed"
        assert {key: w.counts[name] for key, w in last.items()} == dict(wanted), kind
        assert len({w.window_id for w in last.values()}) == len(last)
    closed = [(ms, ms_of(w.end) + 24 * HOUR_MS) for ms, w in published if w.kind == "labelled" and w.revision == 1]
    in_time = [(ms, due_ms) for ms, due_ms in closed if due_ms < ms_of(FROM + timedelta(hours=HOURS))]
    assert len(in_time) >= 3 * len(TENANTS)
    assert all(due_ms <= ms <= due_ms + (hours_at_once + 1) * HOUR_MS for ms, due_ms in in_time)
    lasted = {(w.tenant, (w.end - w.start) / timedelta(hours=1)) for w in windows if w.length_s == DAY_S}
    assert {("berlin", 23.0), ("moved", 28.0), ("moved", 24.0), ("plain", 24.0)} <= lasted


def _moments() -> list[datetime]:
    rng = random.Random(5)
    return sorted(FROM + timedelta(seconds=rng.randrange(HOURS * 3600)) for _ in range(1_500))


def _day(tenant: str, at: datetime) -> tuple[int, int]:
    day = CALENDARS.days_of(0)(tenant).day(ms_of(at))
    return day.start_ms, day.end_ms


async def _counted(
    dsn: str, directory: Path, shots: Sequence[tuple[str, str, datetime]], hours_at_once: int
) -> list[tuple[int, Window]]:
    await migrate(dsn)
    clock = SimulatedClock(ms_of(FROM))
    bus, policy, pool = LocalBus(COUNTS, clock), load_policy(), await create_pool(dsn)
    settings = Settings(small_cell=1)
    services = [
        build_combine(settings, bus, policy, clock),
        build_windows(settings, bus, pool, policy, clock, calendars=CALENDARS),
        build_ledger(settings, bus, pool, policy, clock, calendars=CALENDARS),
    ]
    try:
        for each in services:
            await each.start()
        for hour in range(0, HOURS, hours_at_once):
            end = FROM + timedelta(hours=hour + hours_at_once)
            some = [each for each in shots if end - timedelta(hours=hours_at_once) <= each[2] < end]
            await bus.publish([record for each in some for record in _records(*each)])
            clock.advance_to(ms_of(end))
            await settle(services)
        clock.advance_to(ms_of(FROM + timedelta(hours=HOURS, days=4)))
        await settle(services)
        records = [record async for record in bus.read(TopicPartition(topics.WINDOWS, 0))]
        published = [record.value or b"" for record in records]
        (directory / "windows.jsonl").write_bytes(b"\n".join(published) + b"\n")
        for tenant in TENANTS:
            first = _day(tenant, FROM + timedelta(days=1))[0]
            last = _day(tenant, FROM + timedelta(days=3))[1]
            for span in (Span(), Span(first, last), Span(first + HOUR_MS, last + 300_000)):
                query = Query(tenant, span)
                of_database, of_run = await load_database(pool, query), load_run(directory, query)
                assert answers(of_database) == answers(of_run), (tenant, span)
                wanted = [ms_of(at) for _, of, at in shots if of == tenant]
                inside = [ms for ms in wanted if span.holds(ms, ms)]
                assert counted(of_database.counted)[WHOLE].transactions == len(inside)
                if span == Span(first, last):
                    assert truth(of_database.labelled)[WHOLE].outcomes["genuine"].passed == len(inside)
        return [(record.timestamp_ms, WINDOW.decode(record.value)) for record in records]
    finally:
        for each in reversed(services):
            await each.stop()
        await pool.close()


def _records(name: str, tenant: str, at: datetime) -> Iterator[Outgoing]:
    yield verdict(name, tenant=tenant, subject=f"s-{name}", at=at, match=0.9, device=Device(os="ios", model="A"))
    yield label(name, tenant=tenant, at=at, pair="genuine", presentation="bona_fide")


async def test_days_follow_what_governance_puts_in_force(postgres_dsn: str) -> None:
    """Settings that are activated in the middle of a day hold from its end on, in both processes."""
    await migrate(postgres_dsn)
    start_ms = ms_of(FROM)
    log = Log()
    gulf = log.approved(tenant(time_zone="Asia/Dubai", weekend=["friday", "saturday"]), start_ms)
    log.put(activation(gulf, "acme", start_ms + 2 * HOUR_MS), start_ms + HOUR_MS)
    clock = SimulatedClock(start_ms + HOUR_MS)
    bus, policy, pool = LocalBus(COUNTS, clock), load_policy(), await create_pool(postgres_dsn)
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])

    def follower() -> Follower:
        return Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))

    settings = Settings(small_cell=1)
    services = [
        build_combine(settings, bus, policy, clock),
        build_windows(settings, bus, pool, policy, clock, calendars=follower()),
        build_ledger(settings, bus, pool, policy, clock, calendars=follower()),
    ]
    try:
        for each in services:
            await each.start()
        for hour in range(1, 59):
            at = FROM + timedelta(hours=hour)
            await bus.publish([*_records(f"t-{hour}", "acme", at)])
            clock.advance_to(ms_of(at))
            await settle(services)
        clock.advance_to(ms_of(FROM + timedelta(days=6)))
        await settle(services)
        read = [WINDOW.decode(each.value) async for each in bus.read(TopicPartition(topics.WINDOWS, 0))]
        whole = [each for each in read if each.length_s == DAY_S and each.segment_name is None]
        days = {(each.kind, each.start, each.end) for each in whole}
        midnights = [datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 3, 27, tzinfo=UTC)]
        midnights += [datetime(2026, 3, day, 20, tzinfo=UTC) for day in (27, 28)]
        assert days == {(kind, *each) for kind in ("decisions", "labelled") for each in pairwise(midnights)}
        async with pool.acquire() as connection:
            rows = await connection.fetch("select day, count(*) from ledger.windows where segment_name = '' group by 1")
        assert {(str(row[0]), row[1]) for row in rows} == {(f"2026-03-{day}", 1) for day in (26, 27, 28)}
    finally:
        for each in reversed(services):
            await each.stop()
        await pool.close()
