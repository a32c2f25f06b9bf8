"""Promised limits on a real PostgreSQL: one finding a cause, whatever the batches, the lanes, the order and crashes."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import Outgoing
from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.migrations import migrate
from services.aggregator.app import Settings, build_ledger
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from tests.integration.aggregator.test_ledger import CLOSED, DAY, World, label, verdict

ONE_DAY = timedelta(days=1)


@pytest.fixture
async def world(postgres_dsn: str) -> AsyncIterator[World]:
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    made = World(pool)
    await made.service.start()
    yield made
    await made.service.stop()
    await pool.close()


def day_of(number: int, *, late: int = 0, passed: int = 0, failed: int = 0, **segments: str) -> list[Outgoing]:
    """Thirty attacks and thirty bona fide presentations: so many attacks passed, so many bona fide ones failed."""
    at, known = DAY + number * ONE_DAY, DAY + (number + late) * ONE_DAY + timedelta(hours=1)
    sent = []
    for n in range(30):
        attack, genuine = f"a{number}-{n}", f"g{number}-{n}"
        when = at + timedelta(minutes=n)
        sent += [
            verdict(attack, at=when, subject=attack, liveness=0.9 if n < passed else 0.1, segments=segments or None),
            verdict(genuine, at=when, subject=genuine, liveness=0.1 if n < failed else 0.9, segments=segments or None),
            label(attack, at=known + timedelta(minutes=n), presentation="attack", pai_species="mask"),
            label(genuine, at=known + timedelta(minutes=n), presentation="bona_fide"),
        ]
    return sent


def in_log_order(records: Sequence[Outgoing]) -> list[Outgoing]:
    return sorted(records, key=lambda each: each.timestamp_ms or 0)


async def found(world: World) -> list[Anomaly]:
    return await world.anomalies("at_once")


def told(events: Sequence[Anomaly]) -> list[tuple[Any, ...]]:
    return [
        (e.anomaly_id, e.revision, e.rule, e.metric, e.segment_value, e.state, e.severity, e.k, e.n, e.known_at)
        for e in events
    ]


async def test_limits_in_breach_are_found_when_their_day_closes_and_step_up_goes_on(world: World) -> None:
    """One finding for APCER and one for BPCER, of the tenant; its only segment value is listed."""
    await world.send(*in_log_order(day_of(0, passed=20, failed=20, os="ios")))
    await world.until(CLOSED - timedelta(milliseconds=1) - timedelta(seconds=1))
    assert await found(world) == []
    await world.until(CLOSED)
    apcer, bpcer = await found(world)
    assert (apcer.metric, apcer.rule, apcer.species, apcer.action) == (
        "apcer",
        "limit_breach",
        ("mask",),
        "step_up_mfa",
    )
    assert (bpcer.metric, bpcer.k, bpcer.n, bpcer.segments) == ("bpcer", 20, 30, ("os=ios",))
    assert apcer.known_at == CLOSED
    controls = [each for each in await world.controls() if each.segment_name is None]
    assert [(each.state, each.reason) for each in controls] == [("on", "apcer_breach")]


async def test_step_up_stays_on_over_a_day_that_passes_while_28_days_are_in_breach(world: World) -> None:
    """One good day after a proven breach turns nothing off."""
    await world.send(*in_log_order(day_of(0, passed=30)))
    await world.until(CLOSED)
    tomorrow = DAY + ONE_DAY
    good = []
    for n in range(700):
        good += [
            verdict(f"n{n}", at=tomorrow, liveness=0.1),
            label(f"n{n}", at=tomorrow, presentation="attack", pai_species="mask"),
        ]
    await world.send(*good)
    await world.until(CLOSED + ONE_DAY)
    assert {each.state for each in await world.controls()} == {"on"}


@pytest.mark.parametrize("late", [4, 20])
async def test_late_labels_prove_it_weeks_after(world: World, late: int) -> None:
    """Backfill silences the real-time voice of an old window, never this: it is dated by when it became known."""
    records = []
    for number in range(12):
        records += day_of(number, late=late, failed=12 if number in (5, 6) else 0)
    for record in in_log_order(records):
        await world.bus.publish([record])
    await world.until(CLOSED + timedelta(days=12 + late))
    told = [each for each in await found(world) if each.state == "firing"]
    event = told[0]
    assert {each.anomaly_id for each in told} == {event.anomaly_id}, "what is known later is counted on"
    assert (event.metric, event.backfill) == ("bpcer", False)
    assert event.since == DAY + timedelta(days=5)
    assert event.window_end == DAY + timedelta(days=6)
    # what was logged on a day counts when the day before it closes, for labels close with a day of grace
    assert event.known_at == DAY + timedelta(days=5 + late + 1)


async def run(world: World, records: Sequence[Outgoing], chunk: int, *, restart_at: int | None = None) -> list[Any]:
    """Feed the log in chunks; perhaps let another process take over in the middle."""
    for place in range(0, len(records), chunk):
        await world.send(*records[place : place + chunk])
        if restart_at is not None and place <= restart_at < place + chunk:
            await world.service.stop()
            world.service = build_ledger(
                Settings(idle_seconds=1.0, batch_max_records=7),
                world.bus,
                world.pool,
                load_policy(),
                world.clock,
                calendars=EVERYBODY_IN_UTC,
            )
            await world.service.start()
    await world.until(DAY + timedelta(days=60))
    of_labels = [each for each in await world.anomalies() if each.metric == "labels"]
    return told([*await found(world), *of_labels])


def restless() -> list[Outgoing]:
    """Twenty days whose labels come in time, late, and twice: some are taken back, in a random order of days."""
    random = Random(11)
    records = []
    for number in range(20):
        bad = 6 <= number < 9
        records += day_of(number, late=random.choice((0, 1, 5)), passed=6 * bad, failed=9 * bad, os="ios")
    for number in random.sample(range(20), 12):
        known = DAY + timedelta(days=26 + random.randrange(6))
        for n in range(random.randrange(1, 8)):
            records.append(label(f"g{number}-{n}", at=known, authority=2, presentation="attack", pai_species="print"))
    return in_log_order(records)


async def test_what_is_told_depends_on_the_log_alone(world: World, other_worlds: Any) -> None:
    """In one piece, in pieces of 40, and with another process in the middle: the same events, numbers and dates."""
    log = restless()
    whole = await run(world, log, len(log))
    assert len(whole) >= 2
    silences = [each[5:7] for each in whole if each[2] == "silence"]
    assert silences[-2:] == [("firing", "low_evidence"), ("firing", "high")]
    pieces = await run(await other_worlds(), log, 40)
    restarted = await run(await other_worlds(), log, 150, restart_at=len(log) // 2)
    assert pieces == whole
    assert restarted == whole


async def test_restated_days_in_another_order_end_the_same(world: World, other_worlds: Any) -> None:
    """Corrections of closed days within one day of the log may come in any order."""
    first = [each for number in range(10) for each in day_of(number, failed=8 if number < 3 else 0)]
    known = DAY + timedelta(days=14, hours=2)
    corrections = [
        label(f"g{number}-{n}", at=known, authority=2, presentation="attack", pai_species="print")
        for number in range(3)
        for n in range(8)
    ]
    forth = await run(world, [*in_log_order(first), *corrections], 50)
    back = await run(await other_worlds(), [*in_log_order(first), *reversed(corrections)], 50)
    assert {each[5] for each in forth if each[3] != "labels"} == {"firing", "resolved"}
    assert forth == back


@pytest.fixture
async def other_worlds(postgres_dsn: str, world: World) -> AsyncIterator[Any]:
    """Make further worlds, each on the emptied database."""
    made: list[World] = []

    async def another() -> World:
        current = made[-1] if made else world
        await current.service.stop()
        async with world.pool.acquire() as connection:
            names = [
                row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'ledger'")
            ]
            await connection.execute("truncate " + ", ".join(f"ledger.{name}" for name in names))
        made.append(World(world.pool))
        await made[-1].service.start()
        return made[-1]

    yield another
    for each in made[-1:]:
        await each.service.stop()
