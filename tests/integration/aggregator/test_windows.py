"""combine and windows together, on the in-process bus and a real PostgreSQL."""

import random
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from proofwatch.bus.postgres import pool
from proofwatch.bus.postgres.fence import PostgresFence, create_pool
from proofwatch.bus.postgres.outbox import EmptyHistory
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TALLY
from proofwatch.events.types import Anomaly, Tally, Verdict, Window
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters import postgres_windows as store
from services.aggregator.adapters.postgres_stores import windows_stores
from services.aggregator.adapters.removed_rows import RemovedRows
from services.aggregator.app import build_combine
from services.aggregator.core import lengths
from services.aggregator.core.calendars import EVERYBODY_IN_UTC, utc_days
from services.aggregator.core.closing import Rules
from services.aggregator.core.lengths import LENGTHS, LENGTHS_S, WindowLength, seconds_of
from services.aggregator.core.progress import TalliesMissing
from services.aggregator.core.publishing import window_event
from services.aggregator.handlers import open_windows, tally_arrivals, window_findings
from services.aggregator.handlers.windows import WindowsStage
from tests.integration.aggregator.house import PARTITIONS, house, poison
from tests.integration.aggregator.traffic import START, WindowKey, expected, records, traffic, verdict

DAY_S = 86_400
WITHIN_A_DAY = tuple(each for each in LENGTHS_S if each < DAY_S)


def assert_equal_to_a_direct_count(
    found: dict[WindowKey, Window], verdicts: list[Verdict], lengths_s: Sequence[int] = LENGTHS_S
) -> None:
    wanted = expected(verdicts, lengths_s)
    assert found.keys() == wanted.keys()
    for key, counts in wanted.items():
        assert Counter({name: found[key].counts.get(name, 0) for name in counts}) == counts, key


def substance(found: dict[WindowKey, Window]) -> dict[WindowKey, Any]:
    return {key: (w.counts, w.sums, w.sketches, w.policies, w.figures) for key, w in found.items()}


async def run(dsn: str, verdicts: list[Verdict], cuts: list[int], batch: int) -> dict[WindowKey, Window]:
    async with house(dsn, batch=batch) as made:
        for begin, end in pairwise(cuts):
            await made.feed(verdicts[begin:end])
            await made.settle()
        await made.pass_time(2 * DAY_S)
        return made.last()


async def test_a_database_of_the_release_before_is_upgraded_with_what_it_holds(postgres_dsn: str) -> None:
    """Open and closed buckets without compression, no journal, the old layout of progress: migrated, it goes on."""
    verdicts = traffic(400, seed=6)
    async with house(postgres_dsn) as made:
        await made.feed(verdicts[:200])
        await made.settle()
        await made.windows.stop()
        await _as_before(made.pool)
        changed = await migrate(postgres_dsn)
        assert "windows" in changed
        await made.join_windows()
        await made.feed(verdicts[200:])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)
        assert max(Counter((w.window_id, w.revision) for w in made.published()).values()) == 1


async def _as_before(pool: Any) -> None:
    """Leave the tables as the release before wrote them."""
    async with pool.acquire() as connection, connection.transaction():
        for row in await connection.fetch("select * from windows.progress"):
            opened = await store.load_open(connection, row["partition"], utc_days)
            progress = await store.load_progress(connection, row["partition"])
            await store.save(connection, row["partition"], progress, list(opened.buckets.values()), None, utc_days)
            plain = msgspec.msgpack.encode(list(progress.sources.items()))
            await connection.execute(
                "update windows.progress set sources = $1 where partition = $2", plain, row["partition"]
            )
        for row in await connection.fetch("select * from windows.buckets"):
            body, at = zlib.decompress(row["body"]), (row["tenant"], row["length_s"], row["start_ms"])
            await connection.execute(
                "update windows.buckets set body = $1 where (tenant, length_s, start_ms) = ($2, $3, $4)", body, *at
            )
        await connection.execute(
            "drop table windows.journal; alter table proofwatch.migrations drop column revision;"
            "update proofwatch.migrations set digest = 'of the release before'"
        )


async def test_a_step_writes_what_it_adds_and_the_journal_stays_short(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open buckets are not rewritten by every tally; when the journal is long they are, and it begins anew."""
    monkeypatch.setattr(open_windows, "CHECKPOINT_STEPS", 20)
    verdicts = traffic(120, seed=8, minutes=2)
    async with house(postgres_dsn, batch=1) as made:
        lengths, written = [], []
        for each in verdicts:
            await made.feed([each])
            await made.round()
            lengths.append(
                await made.pool.fetchval(
                    "select coalesce(max(n), 0) from (select count(*) n from "
                    "windows.journal group by partition) as lengths"
                )
            )
            written.append(await made.pool.fetchval("select sum(xmin::text::bigint) from windows.buckets"))
        assert 10 < max(lengths) < 20
        assert len(set(written)) < len(verdicts) / 3, "most steps write no bucket"
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)


async def test_a_quarter_stays_flat_once_retention_begins(postgres_dsn: str) -> None:
    """Minutes go after 7 days, five minutes after 30, days never; what went is said, and late data does not undo it."""
    chance = random.Random(3)
    async with house(postgres_dsn, keep_minutes_days=7, keep_five_minutes_days=30) as made:
        sizes = []
        for day in range(90):
            at = START + timedelta(days=day)
            times = sorted(chance.uniform(0, 3_600) for _ in range(6))
            await made.feed([verdict(day * 100 + n, at + timedelta(seconds=s)) for n, s in enumerate(times)])
            await made.settle()
            sizes.append({row["length_s"]: row["n"] for row in await made.pool.fetch(_SIZES)})
        for length_s, days in ((60, 7), (300, 30)):
            most = max(each.get(length_s, 0) for each in sizes[days : days + 10])
            assert max(each.get(length_s, 0) for each in sizes) <= most * 1.5
            assert most < (days + 2) * 24
        assert sizes[-1][DAY_S] >= 89, "days are kept"
        removed = await made.pool.fetch("select length_s, sum(rows) n from windows.removed group by 1 order by 1")
        assert [row["length_s"] for row in removed] == [*WITHIN_A_DAY]
        whose = await RemovedRows(PostgresFence(made.pool, "windows")).sample()
        assert {each.labels[1] for each in whose} == {"windows.buckets"}
        assert {each.labels[0] for each in whose} == {each.tenant for each in made.published()}
        assert sum(each.value for each in whose) == sum(row["n"] for row in removed)
        told = len(made.published())
        await made.feed([verdict(99_999, START + timedelta(seconds=5))])
        await made.settle()
        await made.windows.stop()
        await made.join_windows()
        await made.pass_time(DAY_S)
        later = made.published()[told:]
        assert [each.revision for each in later if each.length_s == DAY_S and each.start.date() == START.date()] != []
        assert not [each for each in later if each.length_s < DAY_S and each.start < START + timedelta(days=1)]


_SIZES = "select length_s, count(*) n from windows.buckets group by 1"


async def test_any_cut_into_batches_gives_the_same_final_windows(new_database: Callable[[], str]) -> None:
    """Counts, sums, sketches and figures of the last revisions are a function of the log alone."""
    verdicts = traffic(800, seed=1)
    outcomes = [
        await run(new_database(), verdicts, cuts, batch)
        for cuts, batch in (([0, 800], 2000), ([0, 1, 250, 600, 800], 7), (list(range(0, 801, 100)), 100))
    ]
    assert_equal_to_a_direct_count(outcomes[0], verdicts)
    assert substance(outcomes[0]) == substance(outcomes[1]) == substance(outcomes[2])


async def test_a_further_length_is_counted_closed_and_judged_like_the_others(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour is one row of `core.lengths`; the other windows stay what they were."""
    verdicts = traffic(800, seed=1)
    before = await run(new_database(), verdicts, [0, 800], 100)
    added = sorted((*LENGTHS, WindowLength(1_800, quiet_windows=2)))
    monkeypatch.setattr(lengths, "LENGTHS_S", seconds_of(added))
    monkeypatch.setattr(lengths, "QUIET_WINDOWS", {each.seconds: each.quiet_windows for each in added})
    outcomes = [
        await run(new_database(), verdicts, cuts, batch)
        for cuts, batch in (([0, 800], 2000), ([0, 1, 250, 600, 800], 7))
    ]
    assert_equal_to_a_direct_count(outcomes[0], verdicts, (*LENGTHS_S, 1_800))
    assert substance(outcomes[0]) == substance(outcomes[1])
    others = {key: window for key, window in outcomes[0].items() if window.length_s != 1_800}
    assert substance(others) == substance(before)


@pytest.mark.parametrize("crash_at", ["save", "commit"])
async def test_a_crash_in_any_step_changes_nothing(
    postgres_dsn: str, crash_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third transaction is rolled back, with the stage's memory already moved on; the windows are the same."""
    verdicts = traffic(400, seed=2)
    save, step, calls = store.save, WindowsStage.step, Counter[str]()

    def crash() -> None:
        calls["all"] += 1
        if calls["all"] % 3 == 0:
            raise RuntimeError("the database went away")

    async def failing_save(*arguments: Any) -> None:
        crash()
        await save(*arguments)

    async def step_that_is_rolled_back(stage: WindowsStage, batch: Batch, tx: Any) -> Any:
        outgoing = await step(stage, batch, tx)
        if batch.records:
            crash()
        return outgoing

    async with house(postgres_dsn, batch=5) as made:
        await made.feed(verdicts)
        if crash_at == "save":
            monkeypatch.setattr(store, "save", failing_save)
        else:
            monkeypatch.setattr(WindowsStage, "step", step_that_is_rolled_back)
        crashes, busy = 0, 1
        while busy:
            try:
                busy = await made.round() or await made.round(idle=True)
            except RuntimeError:
                crashes += 1
        monkeypatch.undo()
        assert crashes > 5
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)
        assert max(Counter((w.window_id, w.revision) for w in made.published()).values()) == 1


async def test_a_step_that_judges_for_long_keeps_its_transaction(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours that close at once are judged for longer than a database lets a transaction wait for its next statement."""
    monkeypatch.setitem(pool._SESSION, "idle_in_transaction_session_timeout", "3000")
    taken_s = []

    def slow(*revised: Any) -> Window:
        time.sleep(0.03)
        taken_s.append(0.03)
        return window_event(*revised)

    monkeypatch.setattr(window_findings, "window_event", slow)
    verdicts = traffic(400, seed=6, minutes=120)
    async with house(postgres_dsn, batch=1_000) as made:
        await made.feed(verdicts)
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)
    assert sum(taken_s) > 15


async def test_what_was_rolled_back_is_forgotten(postgres_dsn: str) -> None:
    """The stage's memory never outlives its transaction, even if nobody tells it that a partition is opened anew."""

    async def sources() -> int:
        return 1

    await migrate(postgres_dsn)
    stage = WindowsStage(
        load_policy().monitoring, Rules(0, DAY_S * 1000, 1, utc_days), sources, windows_stores(), EVERYBODY_IN_UTC
    )
    at = TopicPartition(topics.TALLIES, 0)
    await stage.opened(at, 0, EmptyHistory())
    first, second = (Record(n, 1, b"k", _tally(5 * n, 5 * n + 5).value) for n in range(2))
    pool = await create_pool(postgres_dsn)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await stage.step(Batch(at, [first], 0, 1, 1, 1), connection)
        await transaction.rollback()
        async with connection.transaction():
            await stage.step(Batch(at, [first], 0, 1, 1, 1), connection)
        assert (await store.load_progress(connection, 0)).step == 1
        transaction = connection.transaction()
        await transaction.start()
        await stage.step(Batch(at, [second], 1, 2, 1, 1), connection)
        await transaction.rollback()
        async with connection.transaction():
            third = Record(2, 1, b"k", _tally(10, 15).value)
            with pytest.raises(TalliesMissing, match="merged up to position 5,"):
                await stage.step(Batch(at, [third], 2, 3, 1, 1), connection)
    await pool.close()


async def test_members_that_come_and_go_change_nothing(postgres_dsn: str) -> None:
    """Partitions move to a second process and back; each owner reads its buckets from the database."""
    verdicts = traffic(600, seed=4)
    async with house(postgres_dsn, batch=20) as made:
        await made.feed(verdicts[:200])
        await made.round()
        first = made.windows
        await made.join_windows()
        await made.feed(verdicts[200:400])
        await made.round()
        await first.step()
        await first.stop()
        await made.feed(verdicts[400:])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)


async def test_late_data_restates_a_closed_window(postgres_dsn: str) -> None:
    """Revision 1 at closing; a straggler raises the revision of its minute, and the open day waits."""
    async with house(postgres_dsn) as made:
        await made.feed([verdict(n, START + timedelta(seconds=n)) for n in range(20)])
        await made.settle()
        await made.pass_time(200)
        minute = next(w for w in made.published() if w.length_s == 60 and w.segment_name is None)
        assert (minute.revision, minute.counts["transactions"]) == (1, 20)
        straggler = verdict(99, START + timedelta(seconds=5), failed=True)
        (record,) = records([straggler], PARTITIONS)
        await made.bus.publish([record._replace(timestamp_ms=made.clock.now_ms())])
        await made.settle()
        restated = [w for w in made.published() if w.window_id == minute.window_id]
        assert [(w.revision, w.counts["transactions"]) for w in restated] == [(1, 20), (2, 21)]
        assert [w for w in made.published() if w.length_s == DAY_S] == []


async def test_one_fast_clock_makes_nobody_late(postgres_dsn: str) -> None:
    """A source far ahead in time closes nothing that the others have not passed."""
    ahead, rest = START + timedelta(hours=5), [verdict(n, START) for n in range(40)]
    async with house(postgres_dsn, live_progress=False, start_ms=ms_of(ahead)) as made:
        (fast,) = records([verdict(1, ahead, tenant="fast")], PARTITIONS)
        await made.bus.publish([fast])
        for record in records(rest, PARTITIONS):
            if record.partition != fast.partition:
                await made.bus.publish([record])
        await made.settle()
        assert made.published() == []
        for partition in range(PARTITIONS):
            if partition != fast.partition:
                later = fast._replace(partition=partition)
                await made.bus.publish([later])
        await made.settle()
        closed = {(w.tenant, w.length_s) for w in made.published()}
        assert closed == {("bank", length_s) for length_s in WITHIN_A_DAY}


async def test_a_quiet_tenant_closes_by_idle_time(postgres_dsn: str) -> None:
    """Nothing arrives any more, from nobody; the clock alone closes minute, five minutes and day."""
    async with house(postgres_dsn) as made:
        await made.feed([verdict(1, START)])
        await made.settle()
        assert made.published() == []
        await made.pass_time(400)
        assert {w.length_s for w in made.published()} == {60, 300}
        await made.pass_time(DAY_S)
        assert {w.length_s for w in made.published()} == {*LENGTHS_S}
        assert all(w.revision == 1 and not w.backfill for w in made.published())


async def test_a_rise_raises_real_time_and_daily_anomalies_that_end(postgres_dsn: str) -> None:
    """Half of all fail for five minutes: flagged with the next closing, over when the chart is back, reviewed daily."""
    async with house(postgres_dsn) as made:
        verdicts = [verdict(n, START + timedelta(seconds=n), failed=120 <= n < 420 and n % 2 == 0) for n in range(3600)]
        for begin in range(0, 3600, 60):
            await made.feed(verdicts[begin : begin + 60])
            await made.settle()
        await made.pass_time(2 * DAY_S)
        found = [a for a in made.anomalies() if a.metric == "liveness_fail_rate" and a.segment_name is None]
        charts = [a for a in found if a.rule == "cusum" and a.direction == "up"]
        states = [("firing", "high", 1), ("firing", "high", 2), ("resolved", "high", 3)]
        assert [(a.state, a.severity, a.revision) for a in charts] == states
        begun, grown, over = charts
        assert [(a.k, a.affected) for a in (begun, grown)] == [(90, pytest.approx(84, abs=9)), (150, over.affected)]
        assert charts[0].action == "flag_cohort_for_manual_review"
        assert charts[0].since == START
        assert timedelta(minutes=15) < over.window_end - begun.window_end < timedelta(minutes=50)
        days = [a for a in found if a.cadence == "daily"]
        assert [(a.state, a.action, a.k, a.n) for a in days] == [("firing", "incident_review", 150, 3600)]


async def test_batches_of_any_size_find_the_same(new_database: Callable[[], str]) -> None:
    """A wave of three hours that grows from 5 to 50 %: begin, how many by now, each step and the end, to the byte."""

    def fails(n: int) -> bool:
        return 1800 <= n < 7200 and n % 20 < (1 if n < 3600 else 4 if n < 5400 else 10)

    verdicts = [verdict(n, START + timedelta(seconds=2 * n), failed=fails(n)) for n in range(10_800)]
    found = []
    for batch in (31, 500):
        async with house(new_database(), batch=batch) as made:
            for begin in range(0, len(verdicts), 1_800):
                await made.feed(verdicts[begin : begin + 1_800])
                await made.settle()
            await made.pass_time(2 * DAY_S)
            found.append(sorted(made.anomalies(), key=lambda each: (each.anomaly_id, each.revision)))
    assert found[0] == found[1]
    charts = [each for each in found[0] if each.rule == "cusum" and each.segment_name is None]
    of_check = [each for each in charts if each.metric == "liveness_fail_rate" and each.direction == "up"]
    assert {each.state for each in of_check} == {"firing", "resolved"}
    assert len(of_check) >= 4


async def days_of(dsn: str, chunk: int) -> tuple[list[Window], list[Anomaly]]:
    """Feed ten days of 40 transactions, the fourth with failures, so many at a time."""
    verdicts = [
        verdict(40 * day + n, START + timedelta(days=day, minutes=10 * n), failed=n % 40 < (24 if day == 3 else 1))
        for day in range(10)
        for n in range(40)
    ]
    async with house(dsn, batch=2000) as made:
        for begin in range(0, len(verdicts), chunk):
            await made.feed(verdicts[begin : begin + chunk])
            await made.settle()
        await made.pass_time(2 * DAY_S)
        return made.published(), made.anomalies()


async def test_a_log_published_at_once_says_what_it_says_a_day_at_a_time(new_database: Callable[[], str]) -> None:
    """Ten days in one batch, with the default horizon of two: every window and every finding is the same."""
    outcomes = [await days_of(new_database(), chunk) for chunk in (400, 40, 7)]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    windows, anomalies = outcomes[0]
    assert not any(each.backfill for each in windows)
    daily = [each for each in anomalies if each.window_end - each.window_start == timedelta(days=1)]
    assert {each.window_start.date() for each in daily if each.state == "firing"} == {
        (START + timedelta(days=3)).date()
    }


async def test_what_came_too_late_restates_as_backfill_beside_what_came_in_time(postgres_dsn: str) -> None:
    """In one batch with it: the window closes as it would have, then is restated, and nobody is told."""
    async with house(postgres_dsn, batch=2000) as made:
        in_time = [verdict(n, START + timedelta(seconds=n)) for n in range(20)]
        later = [verdict(100 + n, START + timedelta(days=5, seconds=n)) for n in range(20)]
        held_back = [verdict(200 + n, START + timedelta(seconds=n), failed=True) for n in range(20)]
        late = [each._replace(timestamp_ms=ms_of(later[-1].occurred_at)) for each in records(held_back, 3)]
        await made.bus.publish([*records(in_time, 3), *records(later, 3), *late])
        made.clock.advance_to(ms_of(later[-1].occurred_at))
        await made.settle()
        await made.pass_time(400)
        minute = [w for w in made.published() if w.start == START and w.length_s == 60 and w.segment_name is None]
        assert [(w.revision, w.backfill, w.counts["transactions"]) for w in minute] == [(1, False, 20), (2, True, 40)]
        assert made.anomalies() == []


async def test_silence_is_told_once_and_ended_once_across_a_restart(postgres_dsn: str) -> None:
    """Nothing comes, time goes on: when it is to be told is stored, and so is that it was."""
    async with house(postgres_dsn) as made:
        await made.feed([verdict(n, START + timedelta(seconds=6 * n)) for n in range(1300)])
        await made.settle()
        await made.join_windows()
        await made.pass_time(1800)
        await made.join_windows()
        await made.pass_time(1800)
        again = START + timedelta(seconds=6 * 1300 + 3600)
        await made.feed([verdict(2000 + n, again + timedelta(seconds=6 * n)) for n in range(200)])
        await made.settle()
        found = [each for each in made.anomalies() if each.rule == "volume"]
        # While it lasts it is revised, for it counts the people who do not come; it begins and ends once.
        assert {each.direction for each in found} == {"down"}
        assert [each.revision for each in found] == list(range(1, len(found) + 1))
        assert [each.state for each in found] == ["firing"] * (len(found) - 1) + ["resolved"]
        assert len({each.anomaly_id for each in found}) == 1
        assert found[0].window_end - (START + timedelta(seconds=6 * 1300)) <= timedelta(minutes=6)


def release(number: int, second: int, *, gone: bool, **more: Any) -> Verdict:
    """Return a verdict of the tenant that goes on; every second one of the release, until it is gone."""
    old = gone or number % 2 == 0
    return verdict(number, START + timedelta(seconds=second), os="old" if old else "new", failed=not old, **more)


async def test_what_fired_on_a_release_that_was_withdrawn_ends(postgres_dsn: str) -> None:
    """Its windows come no more, the tenant's do: within half an hour of these, across a restart of windows too."""
    async with house(postgres_dsn) as made:
        await made.feed([release(n, 6 * n, gone=False) for n in range(200)])
        await made.settle()
        await made.join_windows()
        for begin in range(200, 700, 50):
            await made.feed([release(n, 6 * n, gone=True) for n in range(begin, begin + 50)])
            await made.settle()
        new = [each for each in made.anomalies() if each.segment_value == "new" and each.rule == "cusum"]
        last: dict[str, Anomaly] = {each.anomaly_id: each for each in new}
        assert {each.cadence for each in last.values()} == {"real_time"}
        assert {(each.state, each.resolution, each.n) for each in last.values()} == {("resolved", "no_traffic", 0)}
        gone = START + timedelta(minutes=20)
        assert {each.window_start for each in last.values()} == {gone}
        assert {each.window_end for each in last.values()} == {gone + timedelta(minutes=30)}
        await made.pass_time(2 * DAY_S)
        daily = [each for each in made.anomalies() if each.segment_value == "new" and each.cadence == "daily"]
        assert daily
        assert {each.state for each in daily} == {"firing"}  # for ten minutes less than two hours it may come back


async def test_what_fires_on_a_tenant_that_went_silent_ends_though_nothing_comes(postgres_dsn: str) -> None:
    """Idle partitions alone move time; after three days it is told, once."""
    async with house(postgres_dsn) as made:
        await made.feed([verdict(n, START + timedelta(seconds=n), failed=True) for n in range(300)])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        fired = {each.anomaly_id for each in made.anomalies()}
        assert fired
        assert {each.state for each in made.anomalies()} == {"firing"}
        await made.join_windows()
        for _ in range(3):
            await made.pass_time(DAY_S)
        ended = [each for each in made.anomalies() if each.state == "resolved"]
        assert {(each.resolution, each.cadence) for each in ended} == {
            ("no_traffic", "real_time"),
            ("no_traffic", "daily"),
        }
        assert sorted(each.anomaly_id for each in ended) == sorted(fired)


async def test_backfill_is_published_but_causes_nothing(postgres_dsn: str) -> None:
    """A log that is older than the alert horizon fills windows and raises no anomaly."""
    async with house(postgres_dsn, alert_horizon_hours=1) as made:
        verdicts = [verdict(n, START + timedelta(seconds=n), failed=True) for n in range(100)]
        for record in records(verdicts, PARTITIONS):
            await made.bus.publish([record._replace(timestamp_ms=record.timestamp_ms + 3 * DAY_S * 1000)])  # type: ignore[operator]  # set by records()
        made.clock.advance_to(made.clock.now_ms() + 3 * DAY_S * 1000)
        await made.pass_time(400)
        assert_equal_to_a_direct_count(made.last(), verdicts)
        assert all(w.backfill for w in made.published())
        assert made.anomalies() == []


async def test_a_poison_tally_becomes_a_dead_letter(postgres_dsn: str) -> None:
    """It stops nothing."""
    async with house(postgres_dsn) as made:
        await made.bus.publish([poison(topics.TALLIES, partition, b"{") for partition in range(4)])
        await made.feed([verdict(1, START)])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert made.values(f"{topics.TALLIES}.dlq") == [b"{"] * 4
        assert_equal_to_a_direct_count(made.last(), [verdict(1, START)])


async def test_a_missing_tally_halts_loudly(postgres_dsn: str) -> None:
    """A hole in the source's positions is an error that names the place, never a silent undercount."""
    async with house(postgres_dsn) as made:
        for before, after in ((0, 5), (6, 9)):
            await made.bus.publish([_tally(before, after)])
        with pytest.raises(TalliesMissing, match="merged up to position 5, but the next tally stands for 6 to 9"):
            await made.settle()


async def test_a_repeated_tally_is_merged_once(postgres_dsn: str) -> None:
    """Ranges that are merged already are skipped, whoever repeats them, and not in silence."""
    tally_arrivals._skipped = Condition(structlog.get_logger(), "tally_skipped")
    with capture_logs() as said:
        await _repeated(postgres_dsn)
    assert {line["partition"] for line in said if line["event"] == "tally_skipped"}


async def _repeated(dsn: str) -> None:
    async with house(dsn) as made:
        await made.feed([verdict(1, START)])
        await made.combine.step()
        for partition in range(4):
            log = made.bus.log(TopicPartition(topics.TALLIES, partition))
            await made.bus.publish([Outgoing(topics.TALLIES, r.key, r.value, partition) for r in log.slice(0, 10)])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), [verdict(1, START)])


async def test_verdicts_of_a_topic_made_anew_are_counted_from_its_beginning(postgres_dsn: str) -> None:
    """Its offsets begin anew, below what is merged of the topic before; once it is accepted none is left out."""
    verdicts = [verdict(number, START) for number in range(20)]
    async with house(postgres_dsn) as made:
        await made.feed(verdicts[:15])
        await made.settle()
        await made.combine.stop()
        await made.windows.stop()
        made.bus.replace(topics.VERDICTS)
        made.bus.restarted()
        made.bus.accepted.add(f"{topics.VERDICTS}={(await made.bus.topic(topics.VERDICTS)).id}")
        made.bus.restarted()
        made.combine = build_combine(made.settings, made.bus, load_policy(), made.clock)
        await made.combine.start()
        await made.join_windows()
        await made.feed(verdicts[15:])
        await made.settle()
        await made.pass_time(2 * DAY_S)
        assert_equal_to_a_direct_count(made.last(), verdicts)


async def test_a_transaction_takes_a_megabyte_of_tallies(postgres_dsn: str) -> None:
    """What a batch costs is told by its cells, not by the number of its tallies."""
    async with house(postgres_dsn) as made:
        await made.bus.publish([poison(topics.TALLIES, 0, b"[" * 600_000) for _ in range(3)])
        taken: list[int] = []
        with patch.object(WindowsStage, "step", _noted(taken)):
            await made.settle()
        assert [n for n in taken if n][:3] == [1, 1, 1]  # after them come those of combine


async def test_where_nothing_is_limited_in_time_a_transaction_takes_all_that_is_there(postgres_dsn: str) -> None:
    """Of a database that ends with its process: each transaction costs something of its own."""
    async with house(postgres_dsn) as made:
        made.pool.transaction_s = None
        await made.windows.stop()
        await made.join_windows()
        await made.bus.publish([poison(topics.TALLIES, 0, b"[" * 600_000) for _ in range(3)])
        taken: list[int] = []
        with patch.object(WindowsStage, "step", _noted(taken)):
            await made.windows.step()
        assert [n for n in taken if n][:1] == [3]


def _noted(taken: list[int]) -> Any:
    step = WindowsStage.step

    async def noted(stage: WindowsStage, batch: Batch, tx: Any) -> Any:
        taken.append(len(batch.records))
        return await step(stage, batch, tx)

    return noted


def _tally(before: int, after: int) -> Outgoing:
    tally = Tally(
        schema_version=1,
        source_topic=topics.VERDICTS,
        source_partition=0,
        position_before=before,
        position_after=after,
        progress_at=1,
        cells=(),
    )
    return Outgoing(topics.TALLIES, b"k", TALLY.encode(tally), 0)
