"""A new version through combine and windows: its marker, what is found of it, and that batches decide nothing."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from proofwatch.events.types import Anomaly, Device, Timings, Verdict
from services.aggregator.adapters import version_store
from tests.integration.aggregator.house import house
from tests.integration.aggregator.traffic import START, verdict
from tests.support.postgres_server import PostgresServer

HOURS = 6


def day() -> list[Verdict]:
    """Return six hours of one tenant: from the fourth on a third has a new SDK, half of whose users fail."""
    chance, found = random.Random(3), []
    for number in range(3_000):
        second = number * HOURS * 3_600 / 3_000
        new = 10_800 <= second < 14_400 and chance.random() < 0.33
        each = verdict(number, START + timedelta(seconds=second), failed=chance.random() < (0.5 if new else 0.03))
        device = Device(os="ios", sdk_version="2.0" if new else "1.9")
        matcher = "7.3" if second < 18_000 else "7.4"
        found.append(replace(each, device=device, matcher_version=matcher, timings=Timings(capture_ms=1_800.0)))
    return found


async def run(dsn: str, batch: int) -> tuple[Sequence[Anomaly], list[Any]]:
    """Return what was told of versions, and the markers that were stored."""
    async with house(dsn, batch=batch) as made:
        verdicts = day()
        for begin in range(0, len(verdicts), 500):
            await made.feed(verdicts[begin : begin + 500])
            await made.settle()
        await made.pass_time(3_600)
        async with made.pool.acquire() as connection:
            markers = await version_store.read_markers(connection)
        return [each for each in made.anomalies() if each.rule == "version_change"], markers


async def test_a_bad_release_is_told_with_its_slice_and_ends_when_it_is_rolled_back(postgres_dsn: str) -> None:
    """And a matcher version that changes nothing is a marker, and no more."""
    told, markers = await run(postgres_dsn, 500)
    assert {(each.segment_name, each.segment_value) for each in told} == {("sdk_version", "2.0")}
    assert {"liveness_fail_rate", "rejection_rate"} <= {each.metric for each in told}
    last = {each.anomaly_id: each for each in told}
    assert {(each.state, each.resolution) for each in last.values()} == {("resolved", "no_traffic")}
    assert {(tenant, each.name, each.version, each.previous, each.state) for tenant, each in markers} == {
        ("bank", "sdk_version", "2.0", "1.9", "no_traffic"),
        ("bank", "matcher_version", "7.4", "7.3", "comparing"),
    }


async def test_how_the_log_is_cut_into_batches_decides_nothing(postgres_server: PostgresServer) -> None:
    """The same findings, revision by revision, and the same markers."""
    found = []
    for batch in (31, 500):
        dsn = postgres_server.create_database()
        found.append(await run(dsn, batch))
        postgres_server.drop_database(dsn)
    assert found[0] == found[1]
