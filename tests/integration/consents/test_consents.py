"""Consents on the in-process bus and a real database: what holds, and what never comes back."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import asyncpg
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events import topics
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.consents.app import build
from services.consents.config import Settings

SECRET = bytes(range(32))
LOG_MS = 1_767_225_600_000
NOW = instant_of(LOG_MS)


class Consents:
    """The service, a bus, and a database to look into."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.settings = Settings(subject_tag_secret=base64.b64encode(SECRET).decode(), batch_max_records=3)
        self.clock = SimulatedClock(LOG_MS)
        self.bus = LocalBus({spec.name: spec.partitions for spec in topics.kafka_specs()}, self.clock)
        self.service = self.built()

    def built(self) -> Service:
        return build(self.settings, self.bus, self.pool, self.clock)

    async def say(self, *said: Mapping[str, Any], partition: int | None = None, key: bytes | None = None) -> None:
        for number, each in enumerate(said):
            document = {"schema_version": 1, "tenant": "acme", "purpose": "improve_and_develop", **each}
            own = f"{document['tenant']}/{document['subject_ref']}/{document['purpose']}".encode()
            value = json.dumps(document).encode()
            await self.bus.publish([Outgoing(topics.CONSENTS, key or own, value, partition, LOG_MS + number)])
        await self.settle()

    async def settle(self) -> None:
        while await self.service.step():
            pass

    async def words(self) -> dict[tuple[str, str], tuple[bool, datetime, datetime | None]]:
        rows = await self.pool.fetch("select * from consents.words")
        return {
            (row["subject_tag"], row["purpose"]): (row["granted"], row["asserted_at"], row["expires_at"])
            for row in rows
        }

    async def letters(self) -> list[Record]:
        topic = topics.dead_letter_topic(topics.CONSENTS)
        ends = await self.bus.ends(topic)
        return [record for at in sorted(ends) async for record in self.bus.read(TopicPartition(topic, at))]


@pytest.fixture
async def consents(postgres_dsn: str) -> AsyncIterator[Consents]:
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    found = Consents(pool)
    await found.service.start()
    try:
        yield found
    finally:
        await found.service.stop()
        await pool.close()


def said(subject: str, granted: bool, minutes: int, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return {"subject_ref": subject, "granted": granted, "asserted_at": at, **more}


def tag(subject: str) -> str:
    return subject_tag(SECRET, "acme", subject)


async def test_what_holds_is_the_latest_said_in_every_order_of_arrival(consents: Consents) -> None:
    """A grant, its withdrawal, a grant anew: six orders, six subjects, one result; and no reference in the tables."""
    words = (("first", True, -30), ("withdrawn", False, -20), ("anew", True, -25))
    for number, order in enumerate(permutations(words)):
        await consents.say(*(said(f"sub-{number}", granted, minutes) for _, granted, minutes in order))

    assert await consents.words() == {
        (tag(f"sub-{number}"), "improve_and_develop"): (False, NOW - timedelta(minutes=20), None) for number in range(6)
    }
    stored = str([dict(row) for row in await consents.pool.fetch("select * from consents.words")])
    assert "sub-" not in stored


async def test_a_withdrawal_holds_at_once_and_survives_a_restart(consents: Consents) -> None:
    """An older grant that comes after the service began anew changes nothing."""
    await consents.say(said("sub-1", True, -30))
    await consents.say(said("sub-1", False, -10))
    await consents.service.stop()
    consents.service = consents.built()
    await consents.service.start()

    await consents.say(said("sub-1", True, -20))

    assert await consents.words() == {(tag("sub-1"), "improve_and_develop"): (False, NOW - timedelta(minutes=10), None)}


async def test_a_record_that_is_taken_back_is_a_withdrawal(consents: Consents) -> None:
    """A tombstone of the compacted topic: what it took back, and anything older that comes late, rests on nothing."""
    key = b"acme/a/b/improve_and_develop"  # a reference may have a slash
    await consents.say(said("a/b", True, -30))
    await consents.bus.publish([Outgoing(topics.CONSENTS, key, None, None, LOG_MS + 5)])
    await consents.say(said("a/b", True, -20))

    [(found, (granted, asserted_at, _))] = (await consents.words()).items()
    assert (found, granted) == ((tag("a/b"), "improve_and_develop"), False)
    assert asserted_at == instant_of(LOG_MS + 5)


async def test_a_withdrawal_on_another_partition_holds(consents: Consents) -> None:
    """A producer with another partitioner is no reason to go on; whichever lane is first."""
    for at in range(6):
        await consents.say(said("sub-1", False, -10), partition=at)
        await consents.say(said("sub-1", True, -20), partition=5 - at)

    assert [granted for granted, *_ in (await consents.words()).values()] == [False]
    assert await consents.letters() == []


async def test_purposes_and_tenants_are_apart(consents: Consents) -> None:
    """A consent is of one subject of one tenant for one purpose."""
    await consents.say(
        said("sub-1", True, -10),
        said("sub-1", False, -10, purpose="billing"),
        said("sub-1", False, -10, tenant="other"),
    )

    rows = await consents.pool.fetch("select tenant, purpose, granted from consents.words order by 1, 2")
    assert [tuple(row) for row in rows] == [
        ("acme", "billing", False),
        ("acme", "improve_and_develop", True),
        ("other", "improve_and_develop", False),
    ]


async def test_an_end_is_kept_with_its_instant(consents: Consents) -> None:
    """Whoever asks later compares with it."""
    ends = NOW + timedelta(days=30)
    await consents.say(said("sub-1", True, -10, expires_at=ends.isoformat()))

    assert [each for *_, each in (await consents.words()).values()] == [ends.astimezone(UTC)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"purpose": "marketing"}, "schema_mismatch"),
        ({"granted": "yes"}, "schema_mismatch"),
        ({"asserted_at": "0001-01-01T00:00:00+14:00"}, "schema_mismatch"),
        ({"asserted_at": "1969-12-31T23:59:59Z"}, "schema_mismatch"),
        ({"schema_version": 2}, "unknown_schema_version"),
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter_and_no_consent(
    consents: Consents, wrong: dict[str, Any], reason: str
) -> None:
    """Nothing rests on it; what comes behind it is read."""
    await consents.say({**said("sub-1", True, -10), **wrong}, said("sub-2", True, -10))

    assert [key for key, _ in await consents.words()] == [tag("sub-2")]
    [letter] = await consents.letters()
    assert dict(letter.headers)["proofwatch.reason"].decode() == reason


async def test_a_key_that_is_not_the_events_is_refused(consents: Consents) -> None:
    """Else compaction would keep one subject's word in place of another's."""
    await consents.say(said("sub-1", True, -10), key=b"acme/sub-2/improve_and_develop")

    assert await consents.words() == {}
    assert [dict(each.headers)["proofwatch.reason"] for each in await consents.letters()] == [b"key_mismatch"]
