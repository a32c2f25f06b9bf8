"""The broker killed at any moment of a view, on real components: no release without an entry in a published checkpoint.

The store is asked through a forwarder that notes when. Afterwards each request there is held against the log: the view
that it was for, whose entry must have been in a checkpoint that was on the topic by then. What had not ended when the
process was killed is told as seen.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import httpx
import pytest

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import Entry, entry_of
from proofwatch.audit.note import InvalidNote, Note
from proofwatch.audit.verify import Trust, verify
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.instants import instant_of
from services.auditor.adapters.log_reader import LogReader
from services.auditor.commands.files import Folder
from services.auditor.commands.write_export import write_export
from tests.faults.table import Report
from tests.support.imagery_world import BUCKET, TENANT, ImageryWorld, a_photo, lease
from tests.support.kafka_broker import KafkaBroker
from tests.support.s3_server import native_s3
from tests.support.timed_forwarder import TimedForwarder

KILLS: Final = 20
_LONGEST_S: Final = 1.2
_SWEPT_S: Final = 240.0
_AT: Final = TopicPartition(topics.AUDIT_CHECKPOINTS, 0)
_SEEN: Final = frozenset({"delivered", "presumed_seen"})


class Tried(NamedTuple):
    """A transaction that was looked at, and how many bytes of its picture came."""

    transaction: str
    received: int


@pytest.fixture
async def world(
    kafka_broker: KafkaBroker, postgres_dsn: str, tmp_path: Path
) -> AsyncIterator[tuple[ImageryWorld, TimedForwarder]]:
    s3 = native_s3()
    async with TimedForwarder(s3.port) as between:
        made = ImageryWorld(kafka_broker.bootstrap, postgres_dsn, s3, tmp_path, f"http://127.0.0.1:{between.port}")
        try:
            await asyncio.to_thread(made.govern)
            await asyncio.to_thread(made.start)
            yield made, between
        finally:
            made.close()
            s3.close()


async def looked(client: httpx.AsyncClient, lease_id: str, received: list[int]) -> None:
    """Look once, and count the bytes as they come, whatever becomes of it."""
    try:
        async with client.stream("POST", f"/imagery/leases/{lease_id}/views", json={"sharp": True}) as answer:
            if answer.status_code == httpx.codes.OK:
                async for chunk in answer.aiter_raw(4_096):
                    received.append(len(chunk))  # noqa: PERF401 — what had come counts when the rest does not
    except httpx.HTTPError:
        pass  # killed


@pytest.mark.timeout(1_800)
async def test_nothing_is_released_without_an_entry_that_has_left(
    world: tuple[ImageryWorld, TimedForwarder],
    postgres_dsn: str,
    kafka_broker: KafkaBroker,
    report: Report,
    tmp_path: Path,
) -> None:
    there, between = world
    chance, picture = random.Random(23), a_photo()
    pool = await create_pool(postgres_dsn)
    await there.hire(pool)
    tried: list[Tried] = []
    for kill in range(KILLS):
        transaction = f"tx-{kill}"
        case_id = await there.case(pool, transaction, picture)
        async with there.client() as client:
            lease_id = await leased(client, case_id, transaction)
            received: list[int] = []
            looking = asyncio.create_task(looked(client, lease_id, received))
            await asyncio.sleep(chance.random() * _LONGEST_S)
            there.broker.kill()
            await looking
        tried.append(Tried(transaction, sum(received)))
        there.broker.start()
        await asyncio.to_thread(there.broker.await_ready)
    await swept(pool)
    found = await check(there, between, pool, kafka_broker, tried, tmp_path)
    report.say(f"broker killed {KILLS} times during a view: {dict(found)}")
    await pool.close()


async def leased(client: httpx.AsyncClient, case_id: str, transaction: str) -> str:
    """Ask until it is granted: settings come into force some seconds after the start."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await lease(client, case_id, transaction)
            except httpx.HTTPStatusError as error:
                if error.response.json()["code"] != "reference_refused":
                    raise
                await asyncio.sleep(0.5)


async def swept(pool: "asyncpg.Pool") -> None:
    """Wait until every view has ended, and its entry is sequenced."""
    query = """select not exists(select from imagery.views where state = 'intended')
    and not exists(select from audit.pending)"""
    async with asyncio.timeout(_SWEPT_S):
        while not await pool.fetchval(query):  # noqa: ASYNC110 — what is waited for tells nobody
            await asyncio.sleep(0.5)


async def check(
    there: ImageryWorld,
    between: TimedForwarder,
    pool: "asyncpg.Pool",
    broker: KafkaBroker,
    tried: list[Tried],
    folder: Path,
) -> Counter[str]:
    entries = [entry_of(row["leaf"]) for row in await pool.fetch("select leaf from audit.entries order by index")]
    places = {each.entry_id: place for place, each in enumerate(entries)}
    views = await pool.fetch(
        "select view_id, state, transaction_id from imagery.views join imagery.leases using (lease_id)"
    )
    of_transaction: dict[str, list[asyncpg.Record]] = {}
    for view in views:
        of_transaction.setdefault(view["transaction_id"], []).append(view)
    left = await published(there, broker)
    for asked in between.asked:
        transaction = asked.path.partition("?")[0].removeprefix(f"/{BUCKET}/{TENANT}/")
        own = of_transaction[transaction]
        assert len(own) == 1
        place = places[own[0]["view_id"]]
        assert entries[place].action == "imagery.view_intended"
        assert any(at <= asked.at and size > place for at, size in left), "it had left before the store was asked"
    assert len(between.asked) == len({each.path for each in between.asked}), "one view is one request"
    for each in tried:
        for view in of_transaction.get(each.transaction, []):
            told = ended(entries, view["view_id"])
            assert told.details["state"] == view["state"]
            if each.received:
                assert view["state"] in _SEEN
        if each.received:
            assert of_transaction[each.transaction], "what was seen has an entry"
    await write_export(LogReader(pool), folder / "export")
    verdict = verify(Folder(folder / "export"), Trust([there.key.verifier]))
    assert verdict.state == "CONSISTENT, UNWITNESSED", verdict
    states = Counter(view["state"] for view in views)
    states["no view begun"] = KILLS - len(views)
    states["store asked"] = len(between.asked)
    states["bytes received"] = sum(each.received > 0 for each in tried)
    return states


def ended(entries: list[Entry], view_id: str) -> Entry:
    """Return the one entry that says what became of a view."""
    [found] = [each for each in entries if each.entry_id == f"{view_id}/ended"]
    return found


async def published(there: ImageryWorld, broker: KafkaBroker) -> list[tuple[datetime, int]]:
    """Return when the topic had each checkpoint of this log, by the broker's own time, and its size."""
    bus = KafkaBus(broker.bootstrap, "test")
    await bus.start()
    found = []
    async for record in bus.read(_AT):
        note = Note.parse(AUDIT_CHECKPOINT.decode(record.value).note.encode())
        try:
            if note.signers([there.key.verifier]):
                found.append((instant_of(record.timestamp_ms), Checkpoint.parse(note.text).size))
        except InvalidNote:
            continue  # of another log
    await bus.stop()
    return found
