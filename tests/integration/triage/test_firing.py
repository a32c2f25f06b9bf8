"""What fires is not closed: at the desk, of many at once and by the command alike; on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.access.roles import Role
from proofwatch.command_line.session_file import write_token
from services.cli import main
from services.triage.adapters.bulk import PostgresBulk
from services.triage.adapters.desk import CaseRefused, PostgresDesk
from services.triage.adapters.orders import Order
from services.triage.core.dispositions import Finding, FourEyes
from tests.integration.triage.house import Desk
from tests.integration.triage.test_bulk import named
from tests.unit.triage.events import AT, access, ended, incident

THREAT = Finding.of("threat", "a botnet")


async def fires(desk: Desk) -> str:
    await desk.triage.tell(incident(1))
    return str(await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'"))


async def test_a_grave_incident_that_fires_is_closed_on_what_two_people_found(desk: Desk) -> None:
    """Not without a finding; a checker's agreement is the second person; a rise between changes nothing of that."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await fires(desk)
    await desk.desk.do("take", case, ada, desk.now)
    await desk.triage.tell(incident(2))
    since = await desk.pool.fetchval("select min(at) from triage.case_transitions")
    for who in (ada, carl):
        with pytest.raises(CaseRefused, match=f"still fires, since {since:%Y-%m-%d %H:%M} UTC: say first") as refused:
            await desk.desk.do("close", case, who, desk.now, reason="x")
        assert refused.value.why == "still_fires"
    assert (await desk.of_cases())[-1].outcome == "denied"
    assert (await desk.desk.one(case, ada, desk.now)).listed.now.firing.since == since
    await desk.desk.do("threat", case, ada, desk.now, finding=THREAT)
    await desk.desk.do("approve", case, carl, desk.now)
    assert (await desk.desk.do("close", case, ada, desk.now, reason="known")).close
    await desk.triage.tell(incident(3, change="rose_again"))
    await desk.desk.do("take", case, ada, desk.now)
    with pytest.raises(CaseRefused, match="say first"):  # what was found before it was opened anew counts no more
        await desk.desk.do("close", case, ada, desk.now, reason="x")
    await desk.triage.tell(ended(4))
    assert (await desk.desk.do("close", case, ada, desk.now, reason="over")).close


async def test_where_one_person_decides_another_closes_what_is_grave(desk: Desk) -> None:
    """The second person is then whoever closes it, as a checker; of what is not grave there is none."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case, one = await fires(desk), PostgresDesk(desk.pool, four_eyes=FourEyes("none", {}))
    await one.do("take", case, ada, desk.now)
    await one.do("clear", case, ada, desk.now, finding=Finding.of("cleared", "a load test"))
    with pytest.raises(CaseRefused, match="one person alone said what it is") as refused:
        await one.do("close", case, ada, desk.now, reason="x")
    assert refused.value.why == "second_person"
    assert (await one.do("close", case, carl, desk.now, reason="a load test")).close
    await one.do("reopen", case, carl, desk.now, reason="not so")
    await one.do("take", case, ada, desk.now)
    await desk.pool.execute("update triage.cases set severity = 'medium'")
    await one.do("clear", case, ada, desk.now, finding=Finding.of("cleared", "a load test"))
    assert (await one.do("close", case, ada, desk.now, reason="a load test")).close


async def test_of_many_each_has_its_own_result(desk: Desk) -> None:
    """What fires is left, what does not is closed."""
    carl = await desk.person("carl", Role.CHECKER)
    cases = [await fires(desk), await desk.case()]
    asked = await named(desk, *cases)
    found = await PostgresBulk(desk.desk).do("k1", Order("close", "known"), asked, carl, desk.now)
    assert [(each.case_id, each.code) for each in found] == [(cases[0], "still_fires"), (cases[1], "done")]
    assert "since" in found[0].detail


async def test_the_command_says_so(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                   postgres_dsn: str) -> None:  # fmt: skip
    """With exit code 1."""
    desk.now = datetime.now(UTC) - timedelta(minutes=1)
    write_token(tmp_path / "carl", await desk.person("carl", Role.CHECKER))
    line = ["cases", "--dsn", postgres_dsn, "close", await fires(desk), "--reason", "x", "--as", str(tmp_path / "carl")]
    assert await asyncio.to_thread(main, line) == 1
    assert "it still fires, since" in capsys.readouterr().err


async def test_a_grant_that_was_tried_does_not_go_on_and_a_broken_glass_does_until_it_is_whole(desk: Desk) -> None:
    """What happened once is closed as ever."""
    carl = await desk.person("carl", Role.CHECKER)
    await desk.triage.tell(access(kind="replayed_grant"))
    case = str(await desk.pool.fetchval("select case_id from triage.cases"))
    assert (await desk.desk.do("close", case, carl, desk.now, reason="a stolen laptop")).close
    await desk.triage.tell(access(alert_id="another", raised_at=AT))
    case = str(await desk.pool.fetchval("select case_id from triage.cases where state <> 'closed'"))
    with pytest.raises(CaseRefused, match="still fires"):
        await desk.desk.do("close", case, carl, desk.now, reason="x")
