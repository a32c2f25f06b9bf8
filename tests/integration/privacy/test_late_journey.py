"""What comes late of somebody who was erased, through every stage that writes of people: it counts, and is nobody's.

A real PostgreSQL and a real Redis beside an in-process bus: its lanes are stepped, so that what is late is late.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from proofwatch.bus.errors import Blocked, Fenced
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.privacy.key_encryption import EpochKeys, written
from proofwatch.privacy.marks import transaction_mark
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.service import Service
from services.aggregator import app as aggregator
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from services.consents import app as consents
from services.devices import app as devices
from services.imagery import app as imagery
from services.privacy.adapters.cache import RedisCache
from services.privacy.adapters.search import Search, search_redis, search_tables
from services.privacy.core.needles import needles
from services.scorer import app as scorer
from services.scorer.adapters.redis import RedisSubjects
from services.scorer.ports import SubjectsBehind
from services.triage import app as triage
from tests.integration.access.house import START, make_passwords_cheap
from tests.integration.privacy.house import KEYS, SECRET, Privacy, subject

WHOM, OTHER = subject("canary-late-9d31"), subject("somebody-else-77")
COMMON: Final[dict[str, Any]] = {
    "live_progress": True, "idle_seconds": 1.0, "subject_tag_secret": base64.b64encode(SECRET).decode(),
}  # fmt: skip


class Journey:
    """Every stage that writes of people, on one bus."""

    def __init__(self, pool: Any, client: Any, *, secret: bool = True) -> None:
        self.pool, self.client = pool, client
        self.clock = SimulatedClock(ms_of(START))
        self.bus = bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, self.clock)
        self.privacy = Privacy(pool, bus, RedisCache(client, bus))
        self.secret = secret
        self.wire(KEYS)

    def wire(self, keys: Mapping[int, bytes]) -> None:
        """Make the services, which know these key-encryption keys."""
        bus, pool, client, secret = self.bus, self.pool, self.client, self.secret
        policy, clock = load_policy(), self.clock
        given = COMMON if secret else {**COMMON, "subject_tag_secret": None}
        tagging = {**COMMON, "key_encryption_keys": written(keys)}
        self.scorer = scorer.build(scorer.Settings(**given), bus, RedisSubjects(client, 3600), policy, clock)
        ledger = aggregator.LedgerSettings(**given)
        known = SECRET if secret else None
        self.ledger = aggregator.build_ledger(
            ledger, bus, pool, policy, clock, calendars=EVERYBODY_IN_UTC, secret=known
        )
        self.services = [
            self.scorer,
            devices.build(devices.Settings(**COMMON), bus, policy, clock),
            self.ledger,
            triage.build(triage.Settings(**tagging), bus, pool, clock),
            consents.build(consents.Settings(**tagging), bus, pool, clock),
            Service("imagery", [imagery.flags(imagery.Settings(**tagging), bus, pool, clock)]),
        ]

    async def start(self) -> None:
        for each in self.services:
            await each.start()

    async def stop(self) -> None:
        for each in self.services:
            await each.stop()

    async def restart(self, keys: Mapping[int, bytes]) -> None:
        """Begin all services anew, and the house, with other key-encryption keys."""
        await self.stop()
        before = self.privacy
        self.privacy = Privacy(self.pool, self.bus, RedisCache(self.client, self.bus), EpochKeys(keys))
        self.privacy.tokens, self.privacy.now = before.tokens, before.now
        self.wire(keys)
        await self.start()

    async def settle(self) -> None:
        """Work everything off; a lane that was shut out by the erasure begins anew."""
        idle = 0
        while idle < 3:
            taken = 0
            for each in self.services:
                with suppress(Fenced, SubjectsBehind):
                    taken += await each.step(idle=True)
            idle = 0 if taken else idle + 1

    async def happens(self, ref: str, ids: Iterable[str], at: datetime, **fields: Any) -> None:
        """Proofs that fail, so that a state is left and a case is made."""
        await self.bus.publish([
            Outgoing(topics.TRANSACTIONS, f"acme/{ref}".encode(), json.dumps({
                "schema_version": 1, "tenant": "acme", "transaction_id": each, "subject_ref": ref,
                "occurred_at": (at + timedelta(seconds=number)).isoformat(), "match_score": 0.1,
                "liveness_score": 0.999, **fields,
            }).encode(), None, ms_of(self.privacy.now))
            for number, each in enumerate(ids)
        ])  # fmt: skip

    async def labelled(self, ids: Iterable[str]) -> None:
        await self.bus.publish([
            Outgoing(topics.LABELS, f"acme/{each}".encode(), json.dumps({
                "schema_version": 1, "tenant": "acme", "transaction_id": each, "label_id": f"l-{each}",
                "asserted_at": self.privacy.now.isoformat(), "authority": 1, "pair": "impostor",
            }).encode(), None, ms_of(self.privacy.now))
            for each in ids
        ])  # fmt: skip

    async def left(self, ref: str, *ids: str) -> set[str]:
        """Return where something of somebody is that does not go by itself: tables, Redis, compacted topics."""
        search = Search([each for text in (ref, *ids) for each in needles("them", text)])
        await search_tables(search, self.pool, _ignore)
        await search_redis(search, self.client, _ignore)
        found = {place for place, _, _ in search.found}
        for topic in (topics.SUBJECTS, topics.STEP_UPS, topics.CONSENTS):
            newest: dict[bytes | None, bytes | None] = {}
            for partition in range(2):
                async for record in self.bus.read(TopicPartition(topic, partition)):
                    newest[record.key] = record.value
            found |= {topic for key, value in newest.items() if value is not None and ref.encode() in (key or b"")}
        return found

    async def counted(self) -> list[tuple[Any, ...]]:
        """Return what the ledger has counted: requested by day, and labelled by class."""
        days = await self.pool.fetch("select day, match_requested from ledger.windows where segment_name = ''")
        cells = await self.pool.fetch("select class, outcome, sum(n) from ledger.labelled_cells group by 1, 2")
        return sorted(map(tuple, days)) + sorted(map(tuple, cells))


def _ignore(done: int, total: int | None) -> None:
    """A progress bar for nobody."""


@pytest.fixture
async def journey(postgres_dsn: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journey]:
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool, client = await create_pool(postgres_dsn), Redis.from_url(redis_url)
    made = Journey(pool, client)
    await made.privacy.staffed()
    await made.start()
    yield made
    await made.stop()
    await client.aclose()
    await pool.close()


async def test_late_transactions_verdicts_and_labels_bring_nobody_back(journey: Journey) -> None:
    """Twice the same day, once of somebody who is erased in between: equal counts, and nothing of them is left."""
    ref, before = WHOM.subject_ref, journey.privacy.now - timedelta(hours=3)
    early, late = [f"tx-early-{n}-{ref}" for n in range(4)], [f"tx-late-{n}-{ref}" for n in range(4)]
    await journey.happens(ref, early, before)
    await journey.happens(OTHER.subject_ref, [f"tx-other-{n}" for n in range(4)], before)
    await journey.labelled(early[:1])
    await journey.settle()
    assert {"table ledger.transactions.transaction_id", "redis key", topics.SUBJECTS} <= await journey.left(ref, *early)

    assert (await journey.privacy.erase(WHOM)).state == "done"
    await journey.settle()
    assert await journey.left(ref, *early) == set()
    counts = dict(row[:2] for row in await journey.counted() if len(row) == 2)

    await journey.labelled(late[:1])  # before its verdict
    await journey.settle()
    await journey.happens(ref, late, before + timedelta(minutes=5))
    await journey.settle()
    await journey.labelled([*early[1:2], *late[1:2]])
    await journey.settle()
    assert await journey.left(ref, *early, *late) == set()
    assert await journey.left(OTHER.subject_ref) != set()

    after = dict(row[:2] for row in await journey.counted() if len(row) == 2)
    assert sum(after.values()) == sum(counts.values()) + len(late)
    labelled = await journey.pool.fetchval("select sum(n) from ledger.labelled_cells where class = 'impostor'")
    assert labelled is not None
    rows = await journey.pool.fetchval("select count(*) from ledger.transactions where logged_ms is not null")
    assert rows == 12
    pairs = await journey.pool.fetchval("select count(*) from ledger.transactions where pair_class = 'impostor'")
    assert pairs == 2  # of one that was early, and of one whose label was there before it
    counted = await journey.pool.fetch("select tenant, aspect, class, n from ledger.labels_of_erased")
    assert [tuple(row) for row in counted] == [("acme", "pair", "impostor", 2)], "what came behind is not lost"
    heard = await journey.pool.fetchval("select sum(n) from ledger.limit_counts where metric = 'labels'")
    assert heard == 4, "labels have not fallen silent"
    marks = [transaction_mark(SECRET, "acme", each) for each in (*early, *late)]
    known = await journey.pool.fetchval("select count(*) from privacy.suppressed where mark = any($1)", marks)
    assert known == len(marks)

    await journey.happens(ref, ["tx-anew-1", "tx-anew-2", "tx-anew-3"], journey.privacy.now + timedelta(minutes=1))
    await journey.settle()
    assert {"redis key", topics.SUBJECTS} <= await journey.left(ref, "tx-anew-1"), "who comes again is a new person"


async def test_without_the_secret_it_is_said_and_the_ledger_waits(
    postgres_dsn: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence each, with the variable that is missing; before anybody was erased it is not needed."""
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool, client = await create_pool(postgres_dsn), Redis.from_url(redis_url)
    journey = Journey(pool, client, secret=False)
    await journey.privacy.staffed()
    await journey.start()
    await journey.happens(WHOM.subject_ref, ["tx-1-canary"], journey.privacy.now)
    await journey.settle()
    assert list(journey.scorer.unready()) == []
    await journey.privacy.erase(WHOM)
    for _ in range(3):
        with suppress(Fenced, SubjectsBehind):
            await journey.scorer.step(idle=True)
    [said] = journey.scorer.unready()
    assert said == (
        "1 person was erased, and what comes late of them cannot be told: set PROOFWATCH_SUBJECT_TAG_SECRET, the same "
        "as triage's, and start the scorer again"
    )
    await journey.happens(WHOM.subject_ref, ["tx-2-canary"], journey.privacy.now)
    with suppress(Fenced, SubjectsBehind):
        await journey.scorer.step(idle=True)
    await journey.scorer.step(idle=True)
    with pytest.raises(Blocked, match="set PROOFWATCH_SUBJECT_TAG_SECRET, the same as triage's, and start the ledger"):
        await journey.ledger.step(idle=True)
    await journey.stop()
    await client.aclose()
    await pool.close()


async def test_an_erasure_that_the_scorer_cannot_read_is_said(journey: Journey) -> None:
    """With its place; it goes on."""
    erasure = await journey.privacy.erase(WHOM)
    await journey.bus.publish([Outgoing(topics.ERASURES, erasure.erasure_id.encode(), b"{}", 1)])
    ends = await journey.bus.ends(topics.ERASURES)
    await journey.settle()
    [said] = journey.scorer.unready()
    assert said.startswith(f"privacy.erasures.v1/1 offset {ends[1] - 1} cannot be read")
