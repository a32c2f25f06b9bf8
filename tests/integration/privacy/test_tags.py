"""Tags of subjects under data keys: moved once, all together; a destroyed key leaves tags that are nobody's.

Through the services that write them, on a real PostgreSQL and a real Redis beside an in-process bus.
"""

import asyncio
import contextvars
import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pytest

from proofwatch.bus.errors import Blocked
from proofwatch.bus.postgres.pool import transaction
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.stores import load_stores
from proofwatch.instants import ms_of
from proofwatch.privacy.data_keys import tag_of
from proofwatch.privacy.key_encryption import EpochDestroyed, EpochKeys, Wrapped
from proofwatch.privacy.postgres_keys import PostgresKeys, about
from proofwatch.privacy.suppression import suppressed
from services.privacy.adapters.epochs import PostgresEpochs
from services.privacy.adapters.retention import PostgresRetention
from services.privacy.adapters.tagging import PostgresTagging
from services.privacy.config import RetentionSettings
from services.privacy.core.acts import PRIVACY
from services.privacy.core.erasure import Subject
from services.privacy.core.retention import rules_of
from services.privacy.handlers.retention import ran
from tests.integration.privacy.house import KEYS, Privacy, subject
from tests.integration.privacy.test_late_journey import OTHER, WHOM, Journey, journey

__all__ = ["journey"]
TABLES: Final = ("triage.cases", "triage.attempts", "imagery.flagged", "consents.words")
BOTH: Final = {1: KEYS[1], 2: bytes(range(1, 33))}


async def tags(pool: Any) -> dict[str, set[str]]:
    """The tags that each table has."""
    found = {}
    for table in TABLES:
        rows = await pool.fetch(f"select subject_tag from {table} where subject_tag is not null")  # noqa: S608 - ours
        found[table] = {row[0] for row in rows}
    return found


def in_all(tags: set[str]) -> dict[str, set[str]]:
    return {table: set(tags) for table in TABLES}


async def escalated(journey: Journey) -> list[str]:
    """The tags of the escalations, partition by partition."""
    places = [TopicPartition(topics.ESCALATIONS, partition) for partition in range(2)]
    return [
        json.loads(record.value or b"{}").get("subject_tag")
        for place in places
        async for record in journey.bus.read(place)
    ]


async def moved(privacy: Privacy) -> Mapping[str, int]:
    at, figures = await PostgresTagging(privacy.pool, privacy.keys).move(privacy.tokens["pia"], "now", privacy.now)
    assert at == privacy.now
    return figures


async def lived(journey: Journey, whom: Subject, name: str) -> None:
    """Failures that make a case and flag pictures, and a consent."""
    at = journey.privacy.now - timedelta(hours=2)
    ids = [f"tx-{name}-{n}-{whom.subject_ref}" for n in range(4)]
    await journey.happens(whom.subject_ref, ids, at, imagery_ref="s3://pictures/one.jpg")
    word = {"tenant": "acme", "subject_ref": whom.subject_ref, "purpose": "improve_and_develop", "granted": True}
    key = f"acme/{whom.subject_ref}/improve_and_develop"
    await journey.privacy.publish(topics.CONSENTS, key, {**word, "asserted_at": at.isoformat()})
    await journey.settle()


async def test_what_a_destroyed_key_leaves_nobody_can_link(journey: Journey) -> None:
    """Moved: a case goes on under another tag. Erased, and the epoch destroyed: whoever has today's secrets and keys, a
    backup of before, and every record of the topics finds no tag of theirs. Who comes again is somebody else.
    """
    privacy, pool = journey.privacy, journey.pool
    await lived(journey, WHOM, "a")
    await lived(journey, OTHER, "a")
    assert await tags(pool) == in_all({WHOM.mark, OTHER.mark})
    before = Counter(await escalated(journey))
    assert before.keys() == {WHOM.mark, OTHER.mark}

    figures = await moved(privacy)
    assert (figures["subjects"], figures["cases"], figures["consents"]) == (2, 2, 2)
    held = await privacy.data_keys.held(pool, {("acme", WHOM.mark), ("acme", OTHER.mark)})
    mine, others = (tag_of(held["acme", each.mark]) for each in (WHOM, OTHER))
    assert await tags(pool) == in_all({mine, others})
    assert await PostgresTagging(pool, privacy.keys).move(privacy.tokens["pia"], "twice", privacy.now) == (
        privacy.now, {},
    )  # fmt: skip
    [entry] = [each for each in await privacy.entries() if each.action == "keys.tags_moved"]
    assert not any(tag in repr(entry) for tag in (mine, others, WHOM.mark, OTHER.mark, WHOM.subject_ref))

    await lived(journey, WHOM, "b")
    assert await tags(pool) == in_all({mine, others})
    assert await pool.fetchval("select count(*) from triage.cases where subject_tag = $1", mine) == 1
    assert (Counter(await escalated(journey)) - before).keys() == {mine}

    backup = await pool.fetchrow("select key_id, epoch, wrapped from privacy.keys where mark = $1", WHOM.mark)
    rewrapping = PostgresEpochs(pool, EpochKeys(BOTH))
    await rewrapping.wrap_anew(privacy.tokens["pia"], "monthly", privacy.now)
    await journey.restart(BOTH)
    privacy = journey.privacy
    assert (await privacy.erase(WHOM)).state == "done"
    await rewrapping.require_unused(privacy.tokens["pia"], 1, "monthly", privacy.now)
    today = EpochKeys({2: BOTH[2]})
    with pytest.raises(EpochDestroyed):
        await today.unwrap(Wrapped(backup["epoch"], backup["wrapped"]), about("acme", backup["key_id"]))
    after = await tags(pool)
    assert not any(mine in each or WHOM.mark in each for each in after.values())
    readable = await PostgresKeys(today).held(pool, {("acme", WHOM.mark), ("acme", OTHER.mark)})
    assert {tag_of(each) for each in readable.values()} == {others}

    await journey.happens(WHOM.subject_ref, [f"tx-anew-{n}" for n in range(4)], privacy.now + timedelta(minutes=1))
    await journey.settle()
    [anew] = (await tags(pool))["triage.cases"] - after["triage.cases"]
    assert anew not in {mine, WHOM.mark}


async def test_a_table_has_one_kind_of_tag_and_refuses_the_other(privacy: Privacy) -> None:
    """A process that asked before the move and writes behind it, one of an older release, and a database set back."""
    await privacy.rows(WHOM, "tx-1", privacy.now)
    pool, known = privacy.pool, PostgresTags(privacy.keys)
    early, whose = await pool.acquire(), ("acme", OTHER.mark)
    begun = early.transaction()
    await begun.start()
    assert await known.of(early, {whose}) == ({whose: OTHER.mark}, False)
    await moved(privacy)
    insert = "insert into consents.words(tenant, subject_tag, purpose, granted, asserted_at, keyed) "
    values = "values('acme', $1, 'improve_and_develop', true, now(), $2)"
    with pytest.raises(asyncpg.RaiseError, match="are under data keys: this process knows that not yet"):
        await early.execute(insert + values, OTHER.mark, False)
    await begun.rollback()
    await pool.release(early)
    with pytest.raises(asyncpg.RaiseError, match="or is of an older release"):
        await privacy.rows(OTHER, "tx-2", privacy.now)
    found = await known.of(pool, {whose})
    assert found == await PostgresTags(privacy.keys).of(pool, {whose})
    assert (found.keyed, found.tags[whose] != OTHER.mark) == (True, True)
    nobody = ("acme", subject("nobody-yet").mark)
    assert await known.of(pool, {nobody}, make=False) == ({}, True)
    await pool.execute(insert + values, found.tags[whose], True)
    await pool.execute("update privacy.tagging set moved_at = null")
    with pytest.raises(asyncpg.RaiseError, match="are under the deployment's secret"):
        await pool.execute(insert + values, "0" * 32, True)


async def test_without_keys_it_is_said_and_nothing_is_written(privacy: Privacy) -> None:
    """One sentence each; also for keys of an epoch that this process does not have."""
    assert (await PostgresTags(None).of(privacy.pool, {("acme", WHOM.mark)})).keyed is False
    await privacy.rows(WHOM, "tx-1", privacy.now)
    await moved(privacy)
    with pytest.raises(Blocked, match="are under their data keys: set PROOFWATCH_KEY_ENCRYPTION_KEYS, or "):
        await PostgresTags(None).of(privacy.pool, {("acme", WHOM.mark)})
    with pytest.raises(Blocked, match="epoch 1 of the key-encryption keys is not here"):
        await PostgresTags(EpochKeys({2: BOTH[2]})).of(privacy.pool, {("acme", WHOM.mark)})
    await PostgresKeys(EpochKeys(BOTH)).held_or_made(privacy.pool, {("acme", OTHER.mark)})
    with pytest.raises(asyncpg.RaiseError, match="wrapped in epoch 2 by now: start this process again"):
        await PostgresTags(privacy.keys).of(privacy.pool, {("acme", subject("third-one").mark)})


async def test_who_is_held_stays_under_whatever_tag(privacy: Privacy) -> None:
    """Retention knows a hold by the person's mark, and the rows by their tag; who has no key yet is held as well."""
    at, whom = privacy.now - timedelta(days=3_000), subject("held-one-1")
    await privacy.holds.place(privacy.tokens["pia"], "acme", whom.mark, "court order", None, privacy.now)
    none_yet = subject("held-and-not-seen").mark
    await privacy.holds.place(privacy.tokens["pia"], "acme", none_yet, "court order", None, privacy.now)
    await privacy.rows(whom, "tx-held", at)
    await privacy.rows(subject("gone-one-1"), "tx-gone", at)
    await privacy.pool.execute("update consents.words set expires_at = asserted_at")
    await moved(privacy)
    store = PostgresRetention(privacy.pool, PostgresTags(privacy.keys))
    rules = rules_of(load_stores().values(), RetentionSettings().days())
    privacy.clock.advance_to(ms_of(privacy.now))
    day = await store.begin(privacy.now)
    assert day is not None
    figures = await ran(store, day, rules, privacy.clock, PRIVACY)
    assert sum(n for name, n in figures.items() if name.startswith("removed.")) == 4
    assert sum(n for name, n in figures.items() if name.startswith("held.")) == 4
    tag = (await PostgresTags(privacy.keys).of(privacy.pool, {("acme", whom.mark)})).tags["acme", whom.mark]
    assert await tags(privacy.pool) == in_all({tag})


async def test_an_erasure_waits_for_who_asked_before_it_and_finds_what_they_wrote(privacy: Privacy) -> None:
    """A lane has asked whether somebody is erased, and writes only when the erasure is under way: it is found."""
    erasure = await privacy.ask(WHOM)
    await privacy.approve(erasure)
    outside = contextvars.copy_context()  # the patience of the transaction below is not the erasure's
    async with transaction(privacy.pool, "lane") as tx:
        assert await suppressed(tx, {("acme", WHOM.mark)}) == {}
        under_way = asyncio.create_task(privacy.erasing.run(erasure), context=outside)
        waits = "select exists(select from pg_locks where locktype = 'advisory' and classid = 49 and not granted)"
        while not (under_way.done() or await privacy.pool.fetchval(waits)):  # noqa: ASYNC110 - of the database
            await asyncio.sleep(0.02)
        insert = "insert into consents.words values('acme', $1, 'improve_and_develop', true, $2, null)"
        await tx.execute(insert, WHOM.mark, privacy.now)
    assert (await under_way).state == "done"
    assert (await tags(privacy.pool))["consents.words"] == set()
    assert (await suppressed(privacy.pool, {("acme", WHOM.mark)})).keys() == {("acme", WHOM.mark)}
