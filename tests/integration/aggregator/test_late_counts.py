"""Failures that come when their five minutes have closed are alarms all the same, and each counts once."""

import zlib
from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from proofwatch.events.types import Anomaly, Verdict
from proofwatch.instants import ms_of
from services.aggregator.core.cusum.profile import unpacked
from services.aggregator.core.cusum.state import HourRow
from tests.integration.aggregator.house import PARTITIONS, House, house
from tests.integration.aggregator.traffic import START, records, verdict

LATE = timedelta(minutes=10)


async def arrive(made: House, verdicts: Iterable[Verdict]) -> None:
    """Publish verdicts as they come ten minutes after they happened, a minute at a time."""
    for begin in range(0, len(every := list(verdicts)), 60):
        part = every[begin : begin + 60]
        at_ms = ms_of(part[-1].occurred_at + LATE)
        made.clock.advance_to(max(at_ms, made.clock.now_ms()))
        await made.bus.publish([each._replace(timestamp_ms=at_ms) for each in records(part, PARTITIONS)])
        await made.settle()


def told(made: House) -> list[Anomaly]:
    return [
        each
        for each in made.anomalies()
        if each.metric == "liveness_fail_rate" and each.rule == "cusum" and each.severity == "high"
    ]


async def test_a_source_that_is_always_late_is_watched(postgres_dsn: str) -> None:
    """Each of its windows closes with the first that is seen of it; half of all fail for five minutes."""
    async with house(postgres_dsn) as made:
        every = [verdict(n, START + timedelta(seconds=n), failed=900 <= n < 1200 and n % 2 == 0) for n in range(1800)]
        await arrive(made, every)
        firing = [each for each in told(made) if each.state == "firing" and each.segment_name is None]
        assert firing
        assert firing[0].known_at is not None
        assert firing[0].known_at <= START + timedelta(seconds=1200) + LATE + timedelta(minutes=6)
        await made.pass_time(900)
        (row,) = await made.pool.fetch("select due_ms from windows.late_counts where tenant = 'bank'")
        assert row[0] is None


async def test_what_silence_follows_is_told_across_a_restart(postgres_dsn: str) -> None:
    """Minutes come at once, half an hour late, their failures last: the windows close with the first part of it."""
    async with house(postgres_dsn) as made:
        every = [verdict(n, START + timedelta(seconds=n), failed=n >= 180) for n in range(280)]
        await made.feed([verdict(9_999, START + timedelta(minutes=30), tenant="other")])
        await made.settle()
        at_ms = made.clock.now_ms()
        for part in (every[:180], every[180:]):
            await made.bus.publish([each._replace(timestamp_ms=at_ms) for each in records(part, PARTITIONS)])
            await made.settle()
        assert told(made) == []
        await made.windows.stop()
        await made.join_windows()
        await made.pass_time(400)
        (found,) = [each for each in told(made) if each.segment_name is None]
        assert (found.state, found.k) == ("firing", 100)
        assert found.action == "flag_cohort_for_manual_review"


@pytest.mark.parametrize("batch", [1, 1_000])
async def test_each_counts_once_however_the_log_is_cut(postgres_dsn: str, batch: int) -> None:
    """The hour's counts of the charts are those of its transactions."""
    async with house(postgres_dsn, batch=batch) as made:
        await arrive(made, [verdict(n, START + timedelta(seconds=3 * n), failed=n % 20 == 0) for n in range(480)])
        await made.pass_time(900)
        assert any(each.length_s == 300 and each.revision > 1 for each in made.published())
        await arrive(made, [verdict(9_000, START + timedelta(hours=2))])
        await made.pass_time(900)
        (row,) = await made.pool.fetch("select hours from windows.rate_charts where segment_name = ''")
        assert hours_of(row[0]) == (24, 480)


def hours_of(body: bytes) -> tuple[int, int]:
    """Return k and n of all attempts in the hours of a row."""
    hours = unpacked(msgspec.msgpack.decode(zlib.decompress(body), type=HourRow).hours["liveness_fail_rate"])
    return int(hours[:, 1].sum()), int(hours[:, 2].sum())
