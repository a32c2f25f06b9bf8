"""What every stage refuses, byte by byte: the dead letters are read by operators' tools, and by us after a restart."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, get_args

import asyncpg
import pytest

from proofwatch import resources
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.wire import Wire
from proofwatch.events.wire_framed import frame
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator import app as aggregator
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from services.consents import app as consents
from services.devices import app as devices
from services.imagery import app as imagery
from services.notifier import app as notifier
from services.scorer import app as scorer
from services.scorer.adapters.memory import MemorySubjects
from services.standalone.app import Standalone
from services.standalone.config import SETTINGS
from services.triage import app as triage
from tests.unit.events.registries import MemoryRegistry

GOLDEN: Final = Path(__file__).parent / "golden.json"
NOW_MS: Final = 1_790_000_000_000
EVENTS: Final = {
    topics.TRANSACTIONS: "transaction",
    topics.LABELS: "label",
    topics.DEVICE_PROOFS: "device-proof",
    topics.VERDICTS: "verdict",
    topics.TALLIES: "tally",
    topics.SUSPICIONS: "suspicion",
    topics.WINDOWS: "window",
    topics.ANOMALIES: "anomaly",
    topics.INCIDENTS: "incident",
    topics.ESCALATIONS: "escalation",
    topics.PLATFORM_ALERTS: "platform-alert",
    topics.CONSENTS: "consent",
    topics.PATTERN_HITS: "pattern-hit",
    topics.ATTACK_PATTERNS: "attack-pattern",
}
ELSEWHERE: Final = frozenset({"tenant_not_served"})
"""Reasons that no record alone brings about; `tests/unit/scorer/test_governed.py` does."""


def values(event: str) -> Iterator[bytes | None]:
    """Yield the example and what is wrong with it in every way that we know."""
    document: dict[str, Any] = json.loads((resources.schemas() / f"examples/{event}/full.json").read_text())
    if event == "tally":
        document["cells"] = []  # what combine counts is believed: the letters are all that is asked for here
    yield json.dumps(document).encode()
    yield from (None, b"{", b"\xff", b"[1]", frame(4711) + b"{}", frame(4711)[:3], b'"\x00"', b"[" * 5_000)
    for field, value in document.items():
        odd: list[Any] = ["\0", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", -1, "x" * 200, [], 2**70]
        for other in odd:
            if event == "tally" and other in (-1, 2**70):
                continue  # only combine writes them: they are believed, and stand for what was never read
            if not isinstance(value, dict | list) or other in ([], -1):
                yield json.dumps(document | {field: other}).encode()
        yield json.dumps({name: each for name, each in document.items() if name != field}).encode()


def records(topic: str) -> Iterator[Outgoing]:
    """Yield good and bad records of a topic: values, keys, partitions and times."""
    event, headers = EVENTS[topic], (("trace", b"1"),)
    good = next(iter(values(event))) or b""
    document = json.loads(good)
    second = document.get("device_ref") if event == "device-proof" else document.get("subject_ref")
    key = f"{document.get('tenant')}/{second}".encode()
    for number, value in enumerate(values(event)):
        yield Outgoing(topic, key, value, None, NOW_MS + number, headers)
    for other in (b"acme/other", b"\xff", b"", None):
        yield Outgoing(topic, other, good, None, NOW_MS, headers)
    for partition in (0, 1):
        yield Outgoing(topic, key, good, partition, NOW_MS, headers)
    for at_ms in (NOW_MS + 10**10, 0, NOW_MS - 10**12):
        yield Outgoing(topic, key, good, None, at_ms, headers)
    if event == "transaction":
        yield Outgoing(topic, key, json.dumps(document | {"match_score": 0.123}).encode(), None, NOW_MS, headers)


async def letters(pool: asyncpg.Pool, wire: Wire) -> list[list[Any]]:
    """Feed every stage with everything, and return all dead letters: place, time, key, value, headers."""
    clock, policy = SimulatedClock(NOW_MS), load_policy()
    bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, clock)
    aggregating = aggregator.Settings(**SETTINGS)
    subjects = MemorySubjects(3600)
    system = Standalone(
        bus,
        [
            scorer.build(scorer.Settings(**SETTINGS), bus, subjects, policy, clock, wire=wire),
            devices.build(devices.Settings(**SETTINGS), bus, policy, clock, wire),
            aggregator.build_combine(aggregating, bus, policy, clock, wire),
            aggregator.build_windows(aggregating, bus, pool, policy, clock, wire, calendars=EVERYBODY_IN_UTC),
            aggregator.build_ledger(aggregating, bus, pool, policy, clock, wire=wire, calendars=EVERYBODY_IN_UTC),
            aggregator.build_incidents(aggregating, bus, pool, clock, wire),
            triage.build(triage.Settings(**SETTINGS), bus, pool, clock, wire),
            notifier.build(notifier.Settings(**SETTINGS), bus, pool, clock, {}, wire),
            consents.build(consents.Settings(**SETTINGS), bus, pool, clock, wire),
            Service("imagery", [imagery.flags(imagery.Settings(**SETTINGS), bus, pool, clock, wire)]),
        ],
        clock,
    )
    for topic in EVENTS:
        await bus.publish(list(records(topic)))
    await system.start()
    await system.work_off()
    await system.stop()
    return [
        [topic, partition, *_shown(record)]
        for topic in EVENTS
        for partition in range(2)
        async for record in bus.read(TopicPartition(topics.dead_letter_topic(topic), partition))
    ]


def _shown(record: Record) -> list[Any]:
    value = record.value if record.value is None or len(record.value) < 4_000 else b"(%d bytes)" % len(record.value)
    headers = [[name, _text(each)] for name, each in record.headers]
    return [record.timestamp_ms, _text(record.key), _text(value), headers]


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"base64:{b64encode(value).decode()}"


@pytest.mark.usefixtures("postgres_dsn")
async def test_the_letters_of_every_stage_are_what_they_were(postgres_dsn: str) -> None:
    """Original bytes, place, time and headers, in their order; a change here is one of the wire."""
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        found = await letters(pool, await MemoryRegistry().wire("json"))
    finally:
        await pool.close()
    said = [dict(headers) for *_, headers in found]
    assert {each["proofwatch.reason"] for each in said} == set(get_args(DeadLetterReason)) - ELSEWHERE
    groups = {each["__connect.errors.stage"] for each in said}
    assert groups == {
        "scorer",
        "devices",
        "combine",
        "windows",
        "ledger",
        "incidents",
        "triage",
        "notifier",
        "consents",
        "imagery",
    }
    assert json.loads(GOLDEN.read_text()) == summary(found)


def summary(found: list[list[Any]]) -> dict[str, Any]:
    """Return the first letter of every stage and reason in full, and a digest of all."""
    first: dict[str, list[Any]] = {}
    for each in found:
        said = dict(each[-1])
        first.setdefault(f"{said['__connect.errors.stage']} {each[0]} {said['proofwatch.reason']}", each)
    lines = "\n".join(json.dumps(each) for each in found)
    return {"letters": len(found), "sha256": sha256(lines.encode()).hexdigest(), "first": first}
