"""People at work on cases, on a real PostgreSQL: one at a time, by their roles, and on record."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import orjson
import pytest

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.roles import Role
from proofwatch.command_line.session_file import write_token
from services.cli import main
from services.triage.adapters.desk import CaseRefused, NoSuchCase
from services.triage.core.assignments import NOTHING, Deed
from tests.integration.access.house import BY
from tests.integration.triage.house import Desk
from tests.unit.triage.events import OTHER_ID, access, ended, incident, merged, suspicion


async def test_a_case_is_taken_released_given_and_closed_by_people(desk: Desk) -> None:
    """Each with who, when and why, in the table and in the audit log."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    await desk.add("bob", Role.ANALYST)
    case = await desk.case()
    assert (await desk.desk.do("take", case, ada, desk.now)).assign_to == desk.ids["ada"]
    assert await desk.desk.do("take", case, ada, desk.now) == NOTHING
    (listed,) = await desk.desk.listed(ada, desk.now, mine=True)
    assert (listed.now.case_id, listed.assignee_name, listed.assigned_at) == (case, "ada", desk.now)
    await desk.desk.do("release", case, ada, desk.now)
    await desk.desk.do("assign", case, carl, desk.now, to="ada")
    await desk.desk.do("assign", case, carl, desk.now, to="bob")
    with pytest.raises(CaseRefused, match="take the case first"):
        await desk.desk.do("close", case, ada, desk.now, reason="x")
    await desk.desk.do("close", case, carl, desk.now, reason="a mask")
    row = await desk.pool.fetchrow("select state, closed_at, closed_by, closed_reason, revision from triage.cases")
    assert tuple(row) == ("closed", desk.now, desk.ids["carl"], "a mask", 2)
    last = await desk.pool.fetchrow("select * from triage.case_transitions order by revision desc limit 1")
    assert (last["from_state"], last["to_state"], last["why"]) == ("escalated", "closed", "closed_by_person")
    assert await desk.pool.fetchval("select count(*) from triage.assignments where released_at is null") == 0
    names = {person_id: name for name, person_id in desk.ids.items()}
    told = [
        (e.action, e.outcome, names[e.actor.id], *(names[o.id] for o in e.objects if o.kind == "person"))
        for e in await desk.of_cases()
    ]
    assert told == [
        ("case.assigned", "done", "ada", "ada"),
        ("case.released", "done", "ada", "ada"),
        ("case.assigned", "done", "carl", "ada"),
        ("case.released", "done", "carl", "ada"),
        ("case.assigned", "done", "carl", "bob"),
        ("case.closed", "denied", "ada"),
        ("case.released", "done", "carl", "bob"),
        ("case.closed", "done", "carl"),
    ]
    assert {e.tenant for e in await desk.of_cases()} == {"acme"}
    assert (await desk.of_cases())[-1].reason == "a mask"
    with pytest.raises(CaseRefused, match="the case is closed"):
        await desk.desk.do("take", case, ada, desk.now)


async def test_of_two_who_take_a_case_at_once_one_has_it(desk: Desk) -> None:
    """The other is told; the table cannot hold two."""
    people = [await desk.person(f"p{number}", Role.ANALYST) for number in range(4)]
    case = await desk.case()
    done = await asyncio.gather(
        *(desk.desk.do("take", case, token, desk.now) for token in people), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["CaseRefused"] * 3 + ["Change"]
    with pytest.raises(Exception, match="assignments_one_open"):
        await desk.pool.execute(
            "insert into triage.assignments(case_id, person_id, assigned_at, assigned_by) values($1, 'x', now(), 'x')",
            case,
        )


async def test_a_case_stays_as_it_is_while_a_release_counts_on_it(desk: Desk) -> None:
    """Who lets something of it out holds it; who closes it waits, and the next one sees it closed."""
    ada = await desk.person("ada", Role.ANALYST)
    case = await desk.case()
    await desk.desk.do("take", case, ada, desk.now)
    async with desk.pool.acquire() as connection:
        async with connection.transaction():
            held = await connection.fetchrow("select * from triage.held($1)", case)
            assert tuple(held) == ("acme", "escalated", "high", "soc", desk.ids["ada"])
            closing = asyncio.create_task(desk.desk.do("close", case, ada, desk.now, reason="x"))
            await asyncio.sleep(0.2)
            assert not closing.done()
        await closing
        held = await connection.fetchrow("select * from triage.held($1)", case)
        assert tuple(held) == ("acme", "closed", "high", "soc", None)


async def test_what_is_not_for_somebody_is_not_there(desk: Desk) -> None:
    """Of another tenant; for the Research Group what is not referred; for roles that read no cases; no session."""
    other = await desk.person("ada", Role.ANALYST, tenants=("other",))
    rita = await desk.person("rita", Role.RESEARCHER)
    root = await desk.person("root", Role.ADMIN)
    case = await desk.case(severity="medium")
    for token in (other, rita):
        assert await desk.desk.listed(token, desk.now) == []
        with pytest.raises(NoSuchCase):
            await desk.desk.do("take", case, token, desk.now)
    for call in (desk.desk.listed(root, desk.now), desk.desk.do("take", case, root, desk.now)):
        with pytest.raises(NotAllowed):
            await call
    with pytest.raises(NoSession):
        await desk.desk.listed("none", desk.now)
    grave = await desk.case()
    await desk.desk.do("refer", grave, await desk.person("carl", Role.CHECKER), desk.now, reason="novel")
    assert [(e.action, e.reason) for e in await desk.of_cases()] == [("case.referred", "novel")]
    await desk.triage.tell(suspicion(9, severity="high", subject_ref="s-2"))
    assert await desk.pool.fetchval("select queue from triage.cases where case_id = $1", grave) == "research"
    assert [each.queue for each in await desk.triage.escalations()] == ["soc", "research"]
    assert [each.now.case_id for each in await desk.desk.listed(rita, desk.now)] == [grave]
    assert (await desk.desk.do("take", grave, rita, desk.now)).assign_to == desk.ids["rita"]
    await desk.register.revoke("rita", BY, desk.now)
    with pytest.raises(NoSession):
        await desk.desk.do("release", grave, rita, desk.now)


async def test_a_case_is_given_to_whom_it_is_for(desk: Desk) -> None:
    """Not to who is unknown, revoked, of another tenant or role; the refusal is an entry, and nothing changes."""
    carl = await desk.person("carl", Role.CHECKER)
    await desk.add("gone", Role.ANALYST)
    await desk.register.revoke("gone", BY, desk.now)
    await desk.add("eve", Role.ANALYST, tenants=("other",))
    case = await desk.case()
    for name in ("nobody", "gone", "eve", "carl", "\0"):
        with pytest.raises(CaseRefused, match="they cannot work on it"):
            await desk.desk.do("assign", case, carl, desk.now, to=name)
    assert await desk.pool.fetchval("select count(*) from triage.assignments") == 0
    assert [(e.outcome, e.details) for e in await desk.of_cases()] == [("denied", {"why": "not_for_them"})] * 5


async def test_no_act_without_its_entry(desk: Desk) -> None:
    """Where the audit log takes nothing, nobody takes a case."""
    ada = await desk.person("ada", Role.ANALYST)
    case = await desk.case()
    await desk.pool.execute("alter table audit.pending add constraint closed check (false) not valid")
    with pytest.raises(Exception, match="closed"):
        await desk.desk.do("take", case, ada, desk.now)
    assert await desk.pool.fetchval("select count(*) from triage.assignments") == 0


async def test_a_case_that_goes_on_in_another_is_released_and_one_that_opens_anew_is_nobodys(desk: Desk) -> None:
    """By triage itself, with an entry; what people said when they closed it stands only while it is closed."""
    carl, ada = await desk.person("carl", Role.CHECKER), await desk.person("ada", Role.ANALYST)
    await desk.triage.tell(incident(1))
    case = str(await desk.pool.fetchval("select case_id from triage.cases"))
    await desk.desk.do("take", case, ada, desk.now)
    await desk.triage.tell(ended(2))
    await desk.desk.do("close", case, carl, desk.now, reason="known")
    await desk.triage.tell(incident(3, change="again"))
    row = await desk.pool.fetchrow("select state, closed_at, closed_by, closed_reason from triage.cases")
    assert tuple(row) == ("escalated", None, None, None)
    assert (await desk.desk.listed(ada, desk.now))[0].assignee_name is None
    await desk.desk.do("take", case, ada, desk.now)
    await desk.triage.tell(merged(4, into=OTHER_ID))
    assert await desk.desk.listed(ada, desk.now, mine=True) == []
    row = await desk.pool.fetchrow("select released_by from triage.assignments order by assignment_id desc limit 1")
    assert row["released_by"] == "triage"
    last = (await desk.of_cases())[-1]
    assert (last.action, last.actor.kind, last.actor.id) == ("case.released", "service", "triage")


async def test_the_commands(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres_dsn: str) -> None:
    """As they are typed: list, show, take, assign, release, close; and what is refused, in one sentence."""
    for name, role in (("ada", Role.ANALYST), ("carl", Role.CHECKER)):
        desk.now = datetime.now(UTC) - timedelta(minutes=1)
        write_token(tmp_path / name, await desk.person(name, role))
    case = await desk.case()

    async def said(code: int, name: str, action: str, *words: str) -> str:
        line = ["cases", "--dsn", postgres_dsn, action, *words, "--as", str(tmp_path / name)]
        assert await asyncio.to_thread(main, line) == code
        found = capsys.readouterr()
        return found.err if code else found.out

    table = await said(0, "ada", "list")
    assert case in table
    assert "liveness_failures_persist" in table
    assert "it is yours" in await said(0, "ada", "take", case)
    assert orjson.loads(await said(0, "carl", "show", case))["assignee_name"] == "ada"
    assert [each["case_id"] for each in orjson.loads(await said(0, "ada", "list", "--mine", "--json"))] == [case]
    assert "you need the role checker" in await said(1, "ada", "assign", case, "--to", "ada")
    assert "it was so already" in await said(0, "carl", "assign", case, "--to", "ada")
    assert "nobody works on it now" in await said(0, "carl", "release", case)
    assert "--reason must say why" in await said(2, "carl", "close", case, "--reason", " ")
    assert "the case is closed" in await said(0, "carl", "close", case, "--reason", "a mask")
    assert "no cases" in await said(0, "ada", "list")
    assert case in await said(0, "ada", "list", "--state", "closed")
    assert "there is no case 'x' for you" in await said(2, "ada", "show", "x")
    assert "proofwatch people sign-in NAME" in await said(2, "nobody", "list")
    with pytest.raises(SystemExit, match="2"):
        await said(2, "ada", "show", "\0")
    assert "has U+0000 (character 1), which nobody sees" in capsys.readouterr().err


async def test_nobody_works_on_a_case_about_what_they_did_themselves(desk: Desk) -> None:
    """Neither who opened nor who agreed; they see that it is there, and somebody else closes it."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    bob = await desk.person("bob", Role.ANALYST)
    about = access().access
    assert about
    alert = access(access=msgspec.structs.replace(about, person=desk.ids["ada"], second_person=desk.ids["carl"]))
    await desk.triage.tell(alert)
    case = str(await desk.pool.fetchval("select case_id from triage.cases"))
    refused: tuple[tuple[str, Deed], ...] = ((ada, "take"), (carl, "assign"), (carl, "close"), (carl, "refer"))
    for token, deed in refused:
        with pytest.raises(CaseRefused, match="what you did yourself"):
            await desk.desk.do(deed, case, token, desk.now, to="bob", reason="it was I")
    [seen] = await desk.desk.listed(ada, desk.now)
    assert (seen.kind, seen.about) == ("access", alert.access)
    assert [each.outcome for each in await desk.of_cases()][:4] == ["denied"] * 4
    await desk.desk.do("take", case, bob, desk.now)
    with pytest.raises(CaseRefused, match="still fires"):
        await desk.desk.do("close", case, bob, desk.now, reason="Ada was ill")
    await desk.triage.tell(access(access=alert.access, state="resolved"))
    assert (await desk.desk.do("close", case, bob, desk.now, reason="Ada was ill")).close
