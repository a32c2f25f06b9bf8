"""`proofwatch imagery share` on what was really opened, and the metric of it."""

import asyncio
import json
from datetime import timedelta

import pytest

from services.cli import main
from services.imagery.adapters.shares import ShareSample
from tests.integration.imagery.house import House


async def traffic(house: House, tenant: str, transactions: int, opened: int, research: int, state: str) -> None:
    """A month's first day of a tenant, whose day begins at 18:30 UTC the day before."""
    start = house.now.replace(day=1, hour=0, minute=0, second=0) - timedelta(hours=5, minutes=30)
    start_ms = round(start.timestamp() * 1000)
    await house.pool.execute(
        """insert into ledger.windows(day, tenant, segment_name, segment_value, match_requested, liveness_requested,
        labelled, dirty, start_ms, end_ms) values($1, $2, '', '', $3, $4, false, false, $5, $6),
        ($1, $2, 'os', 'android', $3, $4, false, false, $5, $6)""",
        house.now.date().replace(day=1), tenant, transactions, transactions - 3, start_ms, start_ms + 86_400_000,
    )  # fmt: skip
    await house.pool.execute(
        """insert into imagery.flagged(tenant, transaction_id, subject_tag, flagged_at)
        select $1, 't-' || n, repeat('a', 32), $2::timestamptz + n * interval '1 second'
        from generate_series(0, $3) n""",
        tenant, start, opened,
    )  # fmt: skip
    await house.pool.execute(
        """insert into imagery.leases(lease_id, session_id, person_id, tenant, case_id, transaction_id, purpose, reason,
          granted_at, expires_at, views_left)
        select $1 || n, 's', 'p', $1, 'c', 't-' || n, 'x', 'r', $2, $2, 0 from generate_series(1, $3 + 5) n""",
        tenant, start, opened,
    )  # fmt: skip
    await house.pool.execute(
        """insert into imagery.views(view_id, lease_id, person_id, sharp, state, intended_at, ended_at)
        select lease_id || twice, lease_id, 'p', true, $2, $3, $3 from imagery.leases, generate_series(1, 2) twice
        where tenant = $1""",
        tenant, state, start,
    )  # fmt: skip
    for case, queue, count in (("r", "research", research), ("s", "soc", 40)):
        await house.pool.execute(
            """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at,
            changed_at) values($1, $2, 'subject', repeat('b', 32), 'closed', 'high', $3, 1, $4, $4)""",
            f"{tenant}-{case}", tenant, queue, start,
        )  # fmt: skip
        await house.pool.execute(
            """insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id, severity,
            evidence) select $1, 's' || n, 1, 'device_velocity', $2, $3 || n / 2, 'medium', '{}'
            from generate_series(0, $4) n""",
            f"{tenant}-{case}", start, case, 2 * count - 1,
        )  # fmt: skip


async def test_an_auditor_reads_the_shares_of_a_month(
    house: House, postgres_dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    await traffic(house, "heron", 60_000, opened=31, research=12, state="delivered")
    await traffic(house, "osprey", 60_000, opened=31, research=9, state="withheld")
    await traffic(house, "wren", 9, opened=9, research=1, state="presumed_seen")
    month = house.now.strftime("%Y-%m")

    async def told(*arguments: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["imagery", "share", *arguments, "--by", "r.mehta"])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, out, _ = await told("--month", month, "--json")
    document = json.loads(out)
    by_name = {each["tenant"]: each for each in document["tenants"]}
    assert (code, set(by_name)) == (0, {"heron", "osprey", "wren"})
    heron = by_name["heron"]
    assert (heron["transactions"], heron["opened"]["number"], heron["research"]["number"]) == (60_000, 31, 12)
    assert heron["opened"]["lower"] < 31 / 60_000 < heron["opened"]["upper"]
    assert by_name["osprey"]["opened"]["number"] is None, "what was withheld was not seen, and none is one of few"
    assert by_name["osprey"]["research"]["number"] is None
    assert by_name["wren"] == {
        "tenant": "wren", "month": month, "transactions": None, "opened": None, "research": None,
    }  # fmt: skip
    code, out, _ = await told("--month", month, "--tenant", "heron")
    assert [" ".join(each.split()) for each in out.splitlines()][1] == (
        "heron 60,000 31 0.052% (0.035%–0.073%) 12 0.020% (0.010%–0.035%)"
    )
    assert "osprey" not in out
    code, out, _ = await told("--month", month, "--tenant", "osprey")
    assert "fewer than 10" in out
    assert "0.028%" in out, "the bound of nine"
    code, out, _ = await told("--month", "2001-01")
    assert (code, "the ledger has no transaction of 2001-01" in out) == (0, True)
    code, _, err = await told("--month", "2026-13")
    assert (code, "is no month" in err) == (2, True)
    samples = await ShareSample(house.pool, house.clock, 10).sample()
    assert {each.labels[0]: each.value for each in samples} == {"transactions": 120_009, "opened": 40, "research": 22}
