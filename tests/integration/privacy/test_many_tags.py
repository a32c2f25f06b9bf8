"""The move of tags where there are many: page by page by the index, in memory that does not grow with them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from proofwatch.bus.postgres.pool import opened, transaction
from proofwatch.privacy.data_keys import tag_of
from proofwatch.privacy.key_encryption import EpochKeys
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.migrations import migrate
from services.privacy.adapters import tagging
from services.privacy.adapters.tagging import PostgresTagging

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEYS = EpochKeys({1: bytes(32)})
FILL = {
    "imagery.flagged": """insert into imagery.flagged(tenant, transaction_id, subject_tag, flagged_at)
        select 'acme', 'tx-' || i, md5((i / 2)::text), now() from generate_series(2, $1::int * 2 + 1) as i""",
    "consents.words": """insert into consents.words(tenant, subject_tag, purpose, granted, asserted_at)
        select 'acme', md5(i::text), 'improve_and_develop', true, now() from generate_series(1, $1::int) as i""",
    "triage.cases": """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision,
        opened_at, changed_at) select 'c-' || i, 'acme', 'subject', md5(i::text), 'closed', 'low', 'soc', 1, now(),
        now() from generate_series(1, $1::int) as i""",
    "triage.attempts": """insert into triage.attempts select 'acme', 'tx-' || i, '', md5((i / 2)::text), false, now(),
        now(), 'retry', 'none', '{}', 'pass', 'fail', 0.9, 0.4, 0.85, 0.995, md5('p')::uuid, null, null, '{}'
        from generate_series(2, $1::int * 2 + 1) as i""",
}


@pytest.mark.parametrize("table", sorted(FILL))
async def test_a_page_is_read_and_replaced_by_the_index_whatever_is_known_of_the_table(
    postgres_dsn: str, table: str
) -> None:
    """Nothing was analysed yet. A page that went through the whole table would take longer than a statement may."""
    await migrate(postgres_dsn)
    schema, _, name = table.partition(".")
    functions = f"{table}_" if name == "attempts" else f"{schema}."
    async with opened(postgres_dsn) as pool, transaction(pool, "test") as tx:
        await tx.execute(FILL[table], 5_000)
        before = await gone_through(tx, name)
        rows = await tx.fetch(f"select tenant, tag from {functions}tags_unkeyed('', '', 100)")  # noqa: S608 - ours
        old = [row["tag"] for row in rows]
        assert len(old) == 100
        assert old == sorted(old)
        await tx.execute("update privacy.tagging set moved_at = now()")
        new = [f"{place:032x}" for place in range(100)]
        changed = await tx.fetchval(f"select {functions}retag($1::text[], $2, $3)", ["acme"] * 100, old, new)
        assert changed == (200 if name in ("flagged", "attempts") else 100)
        assert await gone_through(tx, name) == before, "no row was read but by the index"


async def gone_through(tx: Any, table: str) -> int:
    found: int = await tx.fetchval("select seq_tup_read from pg_stat_xact_user_tables where relname = $1", table)
    return found


async def test_of_more_subjects_than_are_kept_the_rest_is_derived_again(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tag is that of its subject's key; what is told goes up to the number of tags."""

    async def somebody(*_: Any) -> Any:
        return SimpleNamespace(person_id="pia")

    monkeypatch.setattr(tagging, "acting", somebody)
    monkeypatch.setattr(tagging, "_AT_ONCE", 7)
    await migrate(postgres_dsn)
    told: list[tuple[int, int | None]] = []
    async with opened(postgres_dsn, max_size=2) as pool:
        for fill in FILL.values():
            await pool.execute(fill, 30)
        made = PostgresTagging(pool, KEYS, kept=10)
        _, figures = await made.move("token", "many", NOW, lambda done, total: told.append((done, total)))
        assert figures == {"cases": 30, "consents": 30, "imagery_references": 60, "attempts": 60, "subjects": 30}
        whose = {("acme", row[0]) for row in await pool.fetch("select mark from privacy.keys")}
        tags = {tag_of(key) for key in (await PostgresKeys(KEYS).held(pool, whose)).values()}
        for table in FILL:
            rows = await pool.fetch(f"select distinct subject_tag from {table}")  # noqa: S608 - tables of ours
            assert {row[0] for row in rows} == tags
    assert told[-1] == (120, 120)
    assert [done for done, total in told if total is None][-1] == 120
    assert len(made._tags) == 10
