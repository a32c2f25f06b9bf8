"""A person's word about what is usual: written by the command, taken up by windows, kept for ever."""

import argparse
from datetime import timedelta

import asyncpg
import pytest

from proofwatch.audit.entry import Entry, entry_of
from services.aggregator.adapters.rate_chart_store import load_rebases, write_rebase
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.queries import baseline
from tests.integration.aggregator.house import house
from tests.integration.aggregator.traffic import START, verdict

START_MS = round(START.timestamp() * 1000)
HOUR_MS = 3_600_000


def command(dsn: str, *words: str) -> int:
    parser = argparse.ArgumentParser()
    baseline.add_arguments(parser)
    return baseline.run(parser.parse_args([*words, "--dsn", dsn]))


async def audited(dsn: str) -> list[Entry]:
    """Return what waits for its place in the audit log."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select entry from audit.pending order by pending_id")
    finally:
        await connection.close()
    return [entry_of(row["entry"]) for row in rows]


async def test_what_alarmed_is_usual_from_then_on(postgres_dsn: str) -> None:
    """The finding ends though the rate stays: a quarter fails before and after."""
    verdicts = [verdict(n, START + timedelta(seconds=10 * n), failed=n % 4 == 0) for n in range(1800)]
    async with house(postgres_dsn) as made:
        word = Rebase("bank", None, None, None, START_MS, START_MS + 2 * HOUR_MS, "A. Rao", "asks twice")
        async with made.pool.acquire() as connection:
            word = word._replace(tenant=verdicts[0].tenant)
            await write_rebase(connection, word)
            assert await load_rebases(connection, [word.tenant, "other"]) == [word]
        for begin in range(0, 1800, 90):
            await made.feed(verdicts[begin : begin + 90])
            await made.settle()
        found = [e for e in made.anomalies() if e.rule == "cusum" and e.metric == "liveness_fail_rate"]
        whole = [e for e in found if e.segment_name is None]
        assert [(e.state, e.severity) for e in whole][-2:] == [("firing", "high"), ("resolved", "high")]
        assert whole[-1].window_start >= START + timedelta(hours=2)


async def test_an_entry_stays(postgres_dsn: str) -> None:
    """Nobody changes or removes what somebody said."""
    async with house(postgres_dsn) as made, made.pool.acquire() as connection:
        await write_rebase(connection, Rebase("bank", None, None, None, 0, 0, "A. Rao", "why"))
        for statement in ("delete from", "truncate"):
            with pytest.raises(Exception, match=r"entries of windows\.rebases stay"):
                await connection.execute(f"{statement} windows.rebases")
        with pytest.raises(Exception, match=r"entries of windows\.rebases stay"):
            await connection.execute("update windows.rebases set reason = 'other'")


async def test_show_and_rebase_at_the_command_line(postgres_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is unknown is told what there is; what was said is shown."""
    import asyncio

    async with house(postgres_dsn) as made:
        verdicts = [verdict(n, START + timedelta(seconds=10 * n), failed=n % 50 == 0) for n in range(400)]
        await made.feed(verdicts)
        await made.settle()
        await made.pass_time(600)
    tenant = verdicts[0].tenant
    said = ("--by", "A. Rao", "--reason", "asks twice")
    assert await asyncio.to_thread(command, postgres_dsn, "rebase", "--tenant", "tpyo", *said) == 2
    assert f"has no windows of a tenant 'tpyo'; there are: {tenant}" in capsys.readouterr().err
    wrong = ("rebase", "--tenant", tenant, "--segment", "os=symbian", *said)
    assert await asyncio.to_thread(command, postgres_dsn, *wrong) == 2
    assert f"{tenant} has no os=symbian" in capsys.readouterr().err
    assert await asyncio.to_thread(command, postgres_dsn, "rebase", "--tenant", tenant, *said) == 0
    assert "every rate of" in capsys.readouterr().out
    *asked, entered = await audited(postgres_dsn)
    assert [(each.action, each.outcome, each.objects[0].id) for each in asked] == [
        ("data.asked", "granted", "baseline rebase")
    ] * 3
    assert (entered.action, entered.actor.id, entered.reason, entered.tenant) == (
        "baseline.rebased", "A. Rao", "asks twice", tenant,
    )  # fmt: skip
    assert (entered.purpose, entered.details["role"]) == ("maintain_and_deliver_statistics", "database postgres")
    assert entered.objects[-1].id == asked[-1].entry_id
    nobody = ("rebase", "--tenant", tenant, "--reason", "asks twice")
    assert await asyncio.to_thread(command, postgres_dsn, *nobody) == 2
    assert "say who asks" in capsys.readouterr().err
    assert await asyncio.to_thread(command, postgres_dsn, "show", "--tenant", tenant, "--by", "A. Rao") == 0
    shown = capsys.readouterr().out
    assert "liveness_fail_rate" in shown
    assert "A. Rao: asks twice" in " ".join(shown.split())
