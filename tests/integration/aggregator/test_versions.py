"""A new version through combine and windows: its marker, what is found of it, and that batches decide nothing."""

import argparse
import asyncio
import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.detection.finding_words import finding_sentence
from proofwatch.events import topics
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.types import Anomaly, Device, Timings, Verdict
from proofwatch.governance.policy import load_policy
from services.aggregator.adapters import segment_value_store, version_store
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.queries import baseline
from services.aggregator.queries import markers as markers_command
from tests.integration.aggregator.house import house
from tests.integration.aggregator.traffic import START, verdict
from tests.support.postgres_server import PostgresServer
from tests.unit.governance.scene import Log, activation

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


async def test_what_begins_anew_by_a_marker_is_the_same_however_the_log_is_cut(
    postgres_server: PostgresServer,
) -> None:
    """A check that fails closed is told by its minutes, and judged anew by the vendor's change ten minutes later."""
    at_ms = round((START + timedelta(hours=3)).timestamp() * 1000)
    entry = Declared("bank", "vendor", "face 8", at_ms, at_ms, "A. Rao", "change 1187")
    verdicts = [
        verdict(n, START + timedelta(seconds=6 * n), failed=1_700 <= n < 1_900 or n % 40 == 0) for n in range(2_400)
    ]
    found = []
    for batch in (31, 500):
        dsn = postgres_server.create_database()
        async with house(dsn, batch=batch) as made:
            async with made.pool.acquire() as connection:
                await version_store.write_declared(connection, entry)
            await made.feed(verdicts)
            await made.settle()
            await made.pass_time(600)
            found.append(sorted(made.anomalies(), key=lambda each: (each.anomaly_id, each.revision)))
        postgres_server.drop_database(dsn)
    assert found[0] == found[1]
    anew = {(each.rule, each.metric) for each in found[0] if each.resolution == "judged_anew"}
    assert ("collapse", "liveness_fail_rate") in anew
    assert {rule for rule, _ in anew} >= {"collapse", "cusum"}


async def test_what_a_person_declared_is_compared_listed_and_has_the_rates_begin_anew(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vendor's change that no field of the traffic names; the entry stays."""
    at_ms = round((START + timedelta(hours=3)).timestamp() * 1000)
    entry = Declared("bank", "vendor", "face 8", at_ms, at_ms, "A. Rao", "change 1187")
    verdicts = [
        verdict(n, START + timedelta(seconds=6 * n), failed=n % (50 if n < 1_800 else 2) == 0) for n in range(3_000)
    ]
    async with house(postgres_dsn, batch=500) as made:
        async with made.pool.acquire() as connection:
            await version_store.write_declared(connection, entry)
            with pytest.raises(Exception, match=r"entries of windows\.declared_markers stay"):
                await connection.execute("delete from windows.declared_markers")
        await made.feed(verdicts[:1_900])
        await made.settle()
        await made.feed(verdicts[1_900:])
        await made.settle()
        await made.pass_time(600)
        told = made.anomalies()
    compared = [each for each in told if each.rule == "version_change"]
    assert {(each.segment_name, each.segment_value, each.state) for each in compared} == {
        ("vendor", "face 8", "firing")
    }
    assert "liveness_fail_rate" in {each.metric for each in compared}
    charts = [each for each in told if each.rule == "cusum" and each.metric == "liveness_fail_rate"]
    assert not [each for each in charts if each.window_end > START + timedelta(hours=3, minutes=5)]
    assert await asyncio.to_thread(command, postgres_dsn, "--tenant", "bank") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "vendor face 8: by A. Rao: change 1187" in shown
    said = ("--kind", "sdk", "--version", "9", "--by", "A. Rao", "--reason", "why")
    assert await asyncio.to_thread(command, postgres_dsn, "add", "--tenant", "tpyo", *said) == 2
    assert await asyncio.to_thread(command, postgres_dsn, "add", "--tenant", "bank", *said) == 0
    assert "sdk_version 9 of bank since" in capsys.readouterr().out
    assert await asyncio.to_thread(command, postgres_dsn, "--tenant", "bank", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {(each["name"], each["version"], each["by"]) for each in rows} >= {("sdk_version", "9", "A. Rao")}


def command(dsn: str, *words: str) -> int:
    """Run `proofwatch markers`."""
    parser = argparse.ArgumentParser()
    markers_command.add_arguments(parser)
    asked = () if "add" in words else ("--by", "a test")
    return markers_command.run(parser.parse_args([*words, *asked, "--dsn", dsn]))


async def test_a_build_for_each_handset_is_counted_together_and_no_transaction_is_lost(postgres_dsn: str) -> None:
    """Also after another process took over: who has a place is stored."""
    verdicts = []
    for n in range(240):
        device = Device(os="ios", sdk_version=f"4.2.0-{n % 120:x}")
        verdicts.append(replace(verdict(n, START + timedelta(seconds=n), failed=False), device=device))
    async with house(postgres_dsn) as made:
        await made.feed(verdicts[:120])
        await made.settle()
        await made.join_windows()
        await made.feed(verdicts[120:])
        await made.settle()
        await made.pass_time(600)
        windows = [each for each in made.published() if each.length_s == 300 and each.segment_name == "sdk_version"]
        async with made.pool.acquire() as connection:
            stored = await segment_value_store.load_values(connection, {"bank"})
        alerts = [
            PLATFORM_ALERT.decode(each.value)
            for each in made.bus.log(TopicPartition(topics.PLATFORM_ALERTS, 0)).slice(0, 10)
        ]
    assert len(stored["bank"].values["sdk_version"]) == 50
    assert [(each.state, each.service, each.kind) for each in alerts] == [("firing", "windows", "health")]
    assert "sdk_version of tenant bank has more values" in alerts[0].summary
    counts = {each.segment_value: each.counts["transactions"] for each in windows}
    assert len(counts) == 51
    assert counts["(other)"] == 2 * 70
    assert sum(counts.values()) == 240


async def test_an_activated_policy_is_told_once_by_a_comparison_and_is_not_absorbed_unseen(
    postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 % fail before, which fires where 1 % is expected, and 40 % since: judged anew, with 5 % still to be seen."""
    start_ms, log, before = round(START.timestamp() * 1000), Log(), load_policy()
    stricter = log.approved(before.with_thresholds(liveness=0.9995), start_ms - DAY_MS)
    log.put(activation(stricter, "bank", start_ms + 5 * HOUR_MS), start_ms - DAY_MS)
    governed = [Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records]
    verdicts = [
        verdict(n, START + timedelta(seconds=18 * n), failed=n % 20 == 0, policy_hash=before.hash) for n in range(1_000)
    ] + [
        verdict(n, START + timedelta(hours=5, seconds=9 * (n - 1_000)), failed=n % 5 < 2, policy_hash=stricter.hash)
        for n in range(1_000, 1_400)
    ]
    async with house(postgres_dsn, governed=governed) as made:
        for begin in range(0, 1_400, 350):
            await made.feed(verdicts[begin : begin + 350])
            await made.settle()
        told = made.anomalies()
    charts = [e for e in told if e.rule == "cusum" and e.metric == "liveness_fail_rate" and e.segment_name is None]
    assert [(e.state, e.resolution) for e in charts][-2:] == [("firing", None), ("resolved", "judged_anew")]
    assert charts[-1].window_start == START + timedelta(hours=5)
    compared = [each for each in told if each.rule == "version_change" and each.metric == "liveness_fail_rate"]
    assert {(each.segment_name, each.segment_value, each.severity) for each in compared} == {
        ("policy", stricter.hash, "high")
    }
    assert len({each.anomaly_id for each in compared}) == 1
    assert compared[0].since == START + timedelta(hours=5)
    said = finding_sentence(compared[-1], f"policy {stricter.hash} of bank")
    assert "Failed liveness checks changed with the new version at policy" in said
    assert "rejected beyond what was to be expected" in said
    assert await asyncio.to_thread(command, postgres_dsn, "--tenant", "bank") == 0
    assert "by ada: policy default after default" in " ".join(capsys.readouterr().out.split())
    shown = ("show", "--tenant", "bank", "--metric", "liveness_fail_rate")
    assert await asyncio.to_thread(baseline_command, postgres_dsn, *shown) == 0
    assert "liveness_fail_rate of whole tenant was 5.000% (50 of 1,000) until policy" in " ".join(
        capsys.readouterr().out.split()
    )


def baseline_command(dsn: str, *words: str) -> int:
    """Run `proofwatch baseline`."""
    parser = argparse.ArgumentParser()
    baseline.add_arguments(parser)
    return baseline.run(parser.parse_args([*words, "--by", "a test", "--dsn", dsn]))
