"""Real scorer processes on a broker and a Redis of their own, and what standalone mode says to the same input."""

import asyncio
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Verdict
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from tests.e2e.alone import run_alone
from tests.e2e.day import Day
from tests.e2e.world import World
from tests.faults.broker import Feeder, Seen, Sent
from tests.faults.judge import Order
from tests.faults.system import System
from tests.support.processes import ServiceProcess

RATE: Final = 400
SCENARIO: Final = Scenario(events=100_000, seed=5, resends=0.01, malformed=0.002)
"""More than the campaign takes: it ends when the faults are over, and what was sent until then counts."""


def scorers(running: World, dsn: str, directory: Path) -> System:
    """Return the scorer under its own names. `dsn`: a database for the undisturbed run."""
    sent = [record for record in simulate(SCENARIO) if record.topic == topics.TRANSACTIONS]
    logs, alone = directory / "scorers", directory / "alone"
    logs.mkdir()
    broker = running.stack.kafka
    return System(
        broker=broker,
        group="scorer",
        source=topics.TRANSACTIONS,
        target=topics.VERDICTS,
        partitions=topics.load_manifests()[topics.TRANSACTIONS].partitions,
        member=lambda number: ServiceProcess("scorer", running.env, logs, number=number),
        feed=lambda: Feeder(broker.bootstrap, topics.TRANSACTIONS, map(_sent, sent), RATE),
        wanted=lambda count: _undisturbed(sent[:count], dsn, alone),
        scope=_key,
        redis=running.stack.redis,
    )


def _undisturbed(records: list[Outgoing], dsn: str, directory: Path) -> Order:
    """Return the verdicts of standalone mode, by the key that keeps them in order."""
    return by_key(asyncio.run(run_alone(Day(records, (), ()), dsn, directory)).verdicts)


def by_key(verdicts: Iterable[bytes]) -> Order:
    """Return verdicts by tenant/subject_ref."""
    decode = msgspec.json.Decoder(Verdict).decode
    found: dict[Hashable, list[bytes]] = {}
    for value in verdicts:
        verdict = decode(value)
        found.setdefault(f"{verdict.tenant}/{verdict.subject_ref}".encode(), []).append(value)
    return found


def _sent(record: Outgoing) -> Sent:
    return Sent(record.key, record.value, record.partition, record.timestamp_ms)


def _key(record: Seen) -> Hashable:
    return record.key
