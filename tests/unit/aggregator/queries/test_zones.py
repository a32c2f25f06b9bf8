"""Spans are read, and tables written, by the tenant's clock; what programs read stays in UTC."""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres import pool
from proofwatch.bus.records import Outgoing
from proofwatch.exits import door
from proofwatch.exits.standing import Standing
from proofwatch.governance import records
from proofwatch.governance.follower import Follower
from proofwatch.governance.release import NO_CONTRACT, UNDER_CONTRACT
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.config import GovernedSettings
from services.aggregator.core.times import DAY_MS
from services.aggregator.queries import clock
from services.aggregator.queries.admitted import admitted_database
from services.aggregator.queries.clock import clock_of
from services.cli import main
from tests.unit.aggregator.queries.runs import TENANT, shots, windows, write_run
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, tenant

WINDOWS = windows(shots(200, 3), small_cell=10)
DAY = WINDOWS[0].start.date()


def asked(run: Path, capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str]:
    code = main(["windows", "--tenant", TENANT, "--run", str(run), *typed])
    written = capsys.readouterr()
    return code, written.out + written.err


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run whose tenants live in Kolkata."""
    folder = write_run(tmp_path / "run", WINDOWS)
    (folder / "summary.json").write_text(json.dumps({"calendar": {"time_zone": "Asia/Kolkata", "weekend": []}}))
    return folder


def test_a_date_is_the_tenant_s_and_how_it_was_read_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the run's zone, by another that is typed, by UTC where a run says nothing; a time with its zone by that."""
    assert f"asked for: since {DAY} 00:00 Asia/Kolkata (UTC+5:30)" in asked(run, capsys, "--since", f"{DAY}")[1]
    found = asked(run, capsys, "--since", f"{DAY}", "--time-zone", "Asia/Tokyo")[1]
    assert f"asked for: since {DAY} 00:00 Asia/Tokyo (UTC+9)" in found
    found = asked(run, capsys, "--since", f"{DAY}T00:00Z")[1]
    assert f"asked for: since {DAY} 05:30 Asia/Kolkata (UTC+5:30)" in found
    (run / "summary.json").unlink()
    assert f"asked for: since {DAY} 00:00 UTC\n" in asked(run, capsys, "--since", f"{DAY}")[1]


def test_tables_are_in_the_tenant_s_time_and_json_in_utc(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The zone stands at the head of the column."""
    code, table = asked(run, capsys)
    assert code == 0
    assert "window, Asia/Kolkata" in table
    rows = json.loads(asked(run, capsys, "--format", "json")[1].partition("\n}")[0] + "\n}")["rows"]
    assert all(each["start"].endswith("Z") for each in rows)
    assert ":35 " in table or ":30 " in table


def test_a_span_without_windows_is_told_in_the_same_time(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked for, and what there is."""
    code, said = asked(run, capsys, "--since", "2031-01-01")
    assert code == 2
    assert "since 2031-01-01 00:00 Asia/Kolkata (UTC+5:30); its windows reach from" in said


def test_a_run_that_is_not_finished_says_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures are those of what it published until now."""
    assert "not finished" not in asked(run, capsys)[1]
    (run / "summary.json").unlink()
    code, said = asked(run, capsys)
    assert code == 0
    assert "this run is not finished: it goes on, or was broken off (no summary.json)" in said


class Broker(LocalBus):
    """A bus that is connected to."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def in_force(zone: str) -> Broker:
    """Return a log in which a tenant's settings are in force since the second day of 1970."""
    log = Log()
    log.put(activation(log.approved(tenant(time_zone=zone), 0), "acme", 2 * DAY_MS), DAY_MS)
    bus = Broker(dict.fromkeys(records.GOVERNED, 1), SimulatedClock(20 * DAY_MS))
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])
    return bus


def query(of: str = "acme", time_zone: str | None = None) -> Namespace:
    return Namespace(tenant=of, time_zone=time_zone, run=None)


def test_the_tenant_s_clock_is_that_of_its_settings_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """They travel on Kafka and are in no table; a zone that is typed wins, and Kafka is not asked."""
    asked = governed_by(monkeypatch, "Asia/Kolkata")
    governed = GovernedSettings(keyring_file=Path("keyring.json"))
    assert clock_of(query(time_zone="Asia/Tokyo"), governed) == ("Asia/Tokyo", [], None)
    assert asked == []
    told = "times are Asia/Kolkata, as the settings of acme in force say"
    assert clock_of(query(), governed)[:2] == ("Asia/Kolkata", [told])
    zone, (said,), standing = clock_of(query(of="other"), governed)
    assert zone is None
    assert standing == Standing(NO_CONTRACT, "unknown")
    assert said.startswith("times are UTC: no settings of other are in force; name its time zone with --time-zone")


async def test_a_query_connects_to_kafka_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force is read for the clock, and the door judges by it; where the clock is typed the door reads."""
    asked = governed_by(monkeypatch, "Asia/Kolkata")
    seen: list[Standing] = []

    @asynccontextmanager
    async def opened(*_: object, **__: object) -> AsyncIterator[None]:
        yield None

    async def ask(*given: Any, **_: object) -> Any:
        seen.append(given[4])
        return SimpleNamespace(sees=None)

    monkeypatch.setattr(pool, "opened", opened)
    monkeypatch.setattr(door, "ask", ask)
    governed = GovernedSettings(keyring_file=Path("keyring.json"))
    for given, times in ((query(), 1), (query(time_zone="Asia/Tokyo"), 1)):
        given.by, given.session, given.reason, given.dsn = "me", None, "", "postgresql://none"
        before = len(asked)
        found = await asyncio.to_thread(clock_of, given, governed)
        async with admitted_database("rates", given, governed, found.standing):
            pass
        assert len(asked) - before == times
    assert seen == [Standing(UNDER_CONTRACT, "active")] * 2


def governed_by(monkeypatch: pytest.MonkeyPatch, zone: str) -> list[str]:
    """Let Kafka have a tenant's settings; return who connects to it from now on."""
    bus: list[Broker] = []
    asked: list[str] = []

    def connected(_settings: object, client_id: str, **_: object) -> Broker:
        asked.append(client_id)
        return bus[0]

    def documents(_settings: object, _bus: object, _clock: object) -> Follower:
        clock = SimulatedClock(20 * DAY_MS)
        return Follower(bus[0], Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))

    def prepare() -> None:
        bus.append(asyncio.run(in_force(zone)))

    thread = Thread(target=prepare)  # a test of coroutines has a loop already
    thread.start()
    thread.join()
    monkeypatch.setattr(KafkaBus, "of", connected)
    monkeypatch.setattr(GovernedSettings, "documents", documents)
    return asked


def test_where_nothing_is_known_of_the_tenant_s_clock_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody governs, or Kafka is away: a table in UTC is better than none."""
    zone, (said,), _ = clock_of(query(), GovernedSettings(keyring_file=None))
    assert zone is None
    assert said.startswith("times are UTC: nobody governs tenants here (PROOFWATCH_KEYRING_FILE)")

    async def away(_settings: object, _tenant: str) -> tuple[str | None, Standing]:
        raise BusUnavailable("kafka:9092 does not answer")

    monkeypatch.setattr(clock, "_in_force", away)
    zone, (said,), _ = clock_of(query(), GovernedSettings(keyring_file=Path("keyring.json")))
    assert zone is None
    assert "the tenant's settings cannot be read: kafka:9092 does not answer; name its time zone" in said
