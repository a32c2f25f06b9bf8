"""`proofwatch accepted-attacks` on PostgreSQL, under the role `fraud`: what is listed, and what goes on record."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.postgres.fence import create_pool
from services.cli import main
from tests.integration.aggregator.test_ledger import World, label, verdict
from tests.integration.outputs.roles import with_roles
from tests.support.postgres_roles import executed
from tests.support.postgres_server import PostgresServer

DAY = datetime(2026, 1, 5, tzinfo=UTC)
CAME = DAY + timedelta(hours=50)
WHY = ("--reason", "ticket 4711")


@pytest.fixture(scope="module")
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    for made in with_roles(postgres_server):
        asyncio.run(_fill(made["superuser"]))
        yield made


async def _fill(dsn: str) -> None:
    attack: dict[str, Any] = {"presentation": "attack", "at": CAME}
    pool = await create_pool(dsn)
    world = World(pool)
    await world.service.start()
    await world.send(
        verdict("mask", segments={"country": "RO"}), verdict("deepfake", at=DAY + timedelta(hours=30)),
        verdict("fraud"), verdict("stopped", liveness=0.1), verdict("good"), verdict("erased"),
        verdict("theirs", tenant="other"),
    )  # fmt: skip
    await world.send(
        label("mask", pai_species="mask", **attack), label("erased", pai_species="mask", **attack),
        label("deepfake", pai_species="deepfake", attack_class="injection", **attack),
        label("fraud", pair="impostor", at=CAME), label("stopped", **attack),
        label("good", pair="genuine", presentation="bona_fide", at=CAME), label("theirs", tenant="other", **attack),
    )  # fmt: skip
    await world.service.stop()
    await pool.execute("select ledger.forget('bank', array['erased'])")
    await pool.close()


def ask(dsns: Mapping[str, str], *arguments: str, role: str = "fraud", tenant: str = "bank") -> int:
    words = ["accepted-attacks", "--tenant", tenant, "--since", "2026-01-05", "--format", "json", "--by", "r.mehta"]
    return main([*words, *arguments, "--dsn", dsns[role]])


def entries(dsns: Mapping[str, str]) -> list[Entry]:
    """Return what went on record, and forget it."""

    async def found() -> list[Entry]:
        connection = await asyncpg.connect(dsns["superuser"])
        rows = await connection.fetch("select entry from audit.pending order by pending_id")
        await connection.close()
        return [entry_of(row[0]) for row in rows]

    made = asyncio.run(found())
    asyncio.run(executed(dsns["superuser"], "truncate audit.pending"))
    return made


def test_who_was_accepted_is_listed_once_it_is_on_record(
    dsns: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With when the label came; not who was stopped, erased, of another tenant; the entries name no transaction."""
    entries(dsns)
    assert ask(dsns, *WHY) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["transaction_id"], row["kind"], row["species"]) for row in rows] == [
        ("fraud", "impostor", None),
        ("mask", "presentation_attack", "mask"),
        ("deepfake", "injection_attack", "deepfake"),
    ]
    assert {row["labelled_at"] for row in rows} == {"2026-01-07T02:00:00Z"}
    assert [row["segment_country"] for row in rows] == [None, "RO", None]
    asked, listed = entries(dsns)
    assert (asked.action, asked.outcome, asked.reason) == ("data.asked", "granted", "ticket 4711")
    assert (listed.action, listed.tenant, listed.details["rows"]) == ("accepted_attacks.listed", "bank", 3)
    assert listed.details["since"] == "2026-01-05T00:00:00Z"
    for each in ("mask", "deepfake"):
        assert each not in f"{asked}{listed}"


def test_whose_processing_is_restricted_is_left_out_with_a_count(
    dsns: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a case or a reference to imagery says whose the transaction is: the ledger does not."""
    entries(dsns)
    tag = "7" * 32
    asyncio.run(
        executed(
            dsns["superuser"],
            f"""insert into imagery.flagged(tenant, transaction_id, subject_tag, flagged_at)
            values ('bank', 'fraud', '{tag}', now()), ('other', 'mask', '{tag}', now());
            insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
            values ('h', 'bank', '{tag}', 'r', 'pia', now(), 'accuracy', '{tag}')""",  # noqa: S608 - of the test
        )
    )
    try:
        assert ask(dsns, *WHY) == 0
    finally:
        asyncio.run(executed(dsns["superuser"], "delete from privacy.holds; delete from imagery.flagged"))
    said = capsys.readouterr()
    assert [row["transaction_id"] for row in json.loads(said.out)["rows"]] == ["mask", "deepfake"]
    assert "is restricted (GDPR Art. 18): 1" in said.out + said.err
    (_, listed) = entries(dsns)
    assert (listed.details["rows"], listed.details["left_out"]) == (2, 1)


def test_filters_are_the_entrys(dsns: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """One segment value and one species."""
    entries(dsns)
    assert ask(dsns, *WHY, "--segment", "country=RO", "--species", "mask") == 0
    assert [row["transaction_id"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["mask"]
    (_, listed) = entries(dsns)
    assert (listed.details["segment"], listed.details["species"], listed.details["rows"]) == ("country=RO", "mask", 1)


def test_a_tenant_that_is_not_there_is_said_to_be_none(
    dsns: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asked is on record all the same."""
    entries(dsns)
    assert ask(dsns, *WHY, tenant="nobody") == 2
    assert "there are: bank, other" in capsys.readouterr().err
    assert [each.action for each in entries(dsns)] == ["data.asked"]


def test_without_a_reason_nothing_is_asked(dsns: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    entries(dsns)
    assert ask(dsns) == 2
    assert "--reason must say" in capsys.readouterr().err
    assert entries(dsns) == []
