"""What happened before an erasure and comes after it brings nobody back; what happens later is anew."""

from datetime import timedelta

import asyncpg
import pytest

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events import codec, topics
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.instants import instant_of
from proofwatch.runtime.migrations import migrate
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.handlers.flags import FlagsStage
from tests.integration.consents.test_consents import Consents
from tests.integration.triage.conftest import LOG_MS, SECRET, Triage
from tests.unit.triage.events import suspicion

NOW = instant_of(LOG_MS)
BEFORE, AFTER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
MINE, OTHERS = subject_tag(SECRET, "acme", "erased"), subject_tag(SECRET, "acme", "other")


@pytest.fixture
async def pool(postgres_dsn: str) -> "asyncpg.Pool":
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    await pool.execute("insert into privacy.suppressed values('acme', $1, 'subject', $2)", MINE, NOW)
    yield pool
    await pool.close()


async def test_triage_opens_no_case_of_it(pool: "asyncpg.Pool") -> None:
    """Others' suspicions of the same batch are as ever, and so is what the person does later."""
    triage = Triage(pool)
    await triage.service.start()
    await triage.tell(
        suspicion(1, subject_ref="erased", severity="high", occurred_at=BEFORE),
        suspicion(2, subject_ref="erased", severity="high", occurred_at=NOW),
        suspicion(3, subject_ref="other", severity="high", occurred_at=BEFORE),
    )
    tags = "select subject_tag from triage.cases order by 1"
    assert [row[0] for row in await pool.fetch(tags)] == [OTHERS]
    await triage.tell(suspicion(4, subject_ref="erased", severity="high", occurred_at=AFTER))
    assert {row[0] for row in await pool.fetch(tags)} == {MINE, OTHERS}
    await triage.service.stop()


async def test_imagery_keeps_no_reference_of_it(pool: "asyncpg.Pool") -> None:
    """The stage alone, in a transaction: it publishes nothing."""
    stage = FlagsStage(PostgresBroker(pool), PostgresTags(None), SECRET)
    events = [
        suspicion(1, subject_ref="erased", occurred_at=BEFORE),
        suspicion(2, subject_ref="other", occurred_at=BEFORE),
        suspicion(3, subject_ref="erased", occurred_at=AFTER),
    ]
    records = [Record(n, LOG_MS + n, b"k", codec.SUSPICION.encode(each)) for n, each in enumerate(events)]
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(TopicPartition(topics.SUSPICIONS, 0), records, 0, 3, LOG_MS, LOG_MS)
        assert await stage.step(batch, connection) == []
    found = await pool.fetch("select transaction_id, subject_tag from imagery.flagged order by 1")
    assert [tuple(row) for row in found] == [("t-2", OTHERS), ("t-3", MINE)]


async def test_consents_forget_old_words_and_the_erasures_own_tombstones(pool: "asyncpg.Pool") -> None:
    """Not even a withdrawal comes of them; a word that is said later holds, and can be taken back."""
    consents = Consents(pool)
    await consents.service.start()
    said = {"subject_ref": "erased", "granted": True}
    key = b"acme/erased/improve_and_develop"
    await consents.say({**said, "asserted_at": BEFORE.isoformat()})
    await consents.bus.publish([Outgoing(topics.CONSENTS, key, None, None, LOG_MS + 1000)])
    await consents.settle()
    assert await consents.words() == {}
    await consents.say({**said, "subject_ref": "other", "asserted_at": BEFORE.isoformat()})
    assert {tag for tag, _ in await consents.words()} == {OTHERS}
    await pool.execute("update privacy.suppressed set erased_at = $1", BEFORE)
    await consents.say({**said, "asserted_at": NOW.isoformat()})
    assert (await consents.words())[MINE, "improve_and_develop"][0] is True
    await consents.bus.publish([Outgoing(topics.CONSENTS, key, None, None, LOG_MS + 5000)])
    await consents.settle()
    assert (await consents.words())[MINE, "improve_and_develop"][0] is False
    await consents.service.stop()
