"""A database that is restored to before an erasure is told again, by marks; on a real PostgreSQL."""

from collections.abc import Callable

import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.privacy.suppression import suppressed
from proofwatch.runtime.migrations import migrate
from services.privacy.adapters.replay import PostgresReplay, UnreadableErasure, announced
from services.privacy.adapters.steps import PostgresSteps
from tests.integration.privacy.house import SECRET, Privacy, subject

SOMEBODY, OTHER = subject(), subject("other-77aa")


async def test_what_was_erased_since_the_backup_is_erased_again(
    privacy: Privacy, new_database: Callable[[], str]
) -> None:
    """Rows, words, references and the key; nobody else's; once; with an entry that names nobody."""
    mine = await privacy.lived(SOMEBODY)
    await privacy.erase(SOMEBODY)

    dsn = new_database()
    await migrate(dsn)
    pool = await create_pool(dsn)
    restored = Privacy(pool, privacy.bus)
    await restored.person("pia", Role.PRIVACY)
    for whom in (SOMEBODY, OTHER):  # as they were
        await restored.rows(whom, mine if whom is SOMEBODY else "tx-others", privacy.now)
        await PostgresKeys(privacy.keys).held_or_made(pool, {(whom.tenant, whom.mark)})
    replay = PostgresReplay(pool, PostgresSteps(pool, restored.data_keys), SECRET)
    missing, under_way = await replay.unknown(await announced(privacy.bus))
    assert ([each.subject_mark for each in missing], under_way) == ([SOMEBODY.mark], [])
    figures = await replay.tell(missing[0], privacy.now)
    assert {name: count for name, count in figures.items() if count} == {
        "cases": 1, "case_reasons": 1, "imagery_references": 1, "imagery_leases": 1, "consents": 1, "ledger_rows": 1,
        "attempts": 1, "keys_destroyed": 1, "backups_readable_while_epoch": 1,
    }  # fmt: skip
    assert await replay.unknown(await announced(privacy.bus)) == ([], [])
    assert [row[0] for row in await pool.fetch("select mark from privacy.keys")] == [OTHER.mark]
    for table in ("triage.case_reasons", "imagery.flagged", "imagery.leases", "ledger.transactions"):
        ids = {row[0] for row in await pool.fetch(f"select transaction_id from {table}")}  # noqa: S608 - ours
        assert mine not in ids
        assert "tx-others" in ids
    assert (SOMEBODY.tenant, SOMEBODY.mark) in await suppressed(pool, {(SOMEBODY.tenant, SOMEBODY.mark)})
    [entry] = [each for each in await restored.entries() if each.action == "subject.erased_again"]
    assert "canary" not in repr(entry)
    assert SOMEBODY.mark not in repr(entry)
    await pool.close()


async def test_an_erasure_that_nobody_can_read_is_said(privacy: Privacy) -> None:
    """With its place: to pass it over would be to forget that somebody is to be forgotten."""
    await privacy.bus.publish([Outgoing(topics.ERASURES, b"id", b"{}", 1)])
    with pytest.raises(UnreadableErasure, match=r"privacy.erasures.v1/1 offset 0 cannot be read"):
        await announced(privacy.bus)
    assert [r async for r in privacy.bus.read(TopicPartition(topics.ERASURES, 1))]
