"""Nobody acts on what is no longer so, a case is shown whole, and the next one is one person's; real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from proofwatch.access.roles import Role
from proofwatch.command_line.session_file import write_token
from services.cli import main
from services.triage.adapters.desk import CaseChanged, CaseRefused, NoSuchCase, PostgresDesk
from services.triage.core.limits import Limits
from services.triage.core.whole import NextCase
from tests.integration.triage.house import Desk
from tests.unit.triage.events import access, incident, suspicion


async def test_whoever_saw_something_else_does_nothing_and_is_shown_what_it_is(desk: Desk) -> None:
    """Of two who saw the same, the first acts; the second is told, nothing is overwritten, and that they look is on
    record."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    seen = (await desk.desk.one(case, ada, desk.now)).seen
    assert [each.seen for each in await desk.desk.listed(ada, desk.now)] == [seen]
    await desk.desk.do("take", case, ada, desk.now, seen=seen)
    with pytest.raises(CaseChanged, match="look again") as caught:
        await desk.desk.do("close", case, carl, desk.now, reason="a mask", seen=seen)
    now = caught.value.case
    assert (now.listed.now.state, now.listed.assignee_name) == ("escalated", "ada")
    assert [each.action for each in await desk.of_cases()] == ["case.assigned"]
    reads = [each for each in await desk.entries() if each.action == "cases.read"]
    assert (reads[-1].actor.id, reads[-1].objects[0].id) == (desk.ids["carl"], case)
    assert (await desk.desk.do("close", case, carl, desk.now, reason="a mask", seen=now.seen)).close


async def test_what_people_would_see_changes_what_was_seen(desk: Desk) -> None:
    """State, severity, reasons, queue, and who works on it; what changes nothing does not."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case(severity="medium")
    seen = [(await desk.desk.one(case, ada, desk.now)).seen]

    async def changed() -> bool:
        seen.append((await desk.desk.one(case, ada, desk.now)).seen)
        return seen[-1] not in seen[:-1]

    assert not await changed(), "a look is no change"
    await desk.desk.do("take", case, ada, desk.now)
    assert await changed()
    await desk.desk.do("take", case, ada, desk.now)
    assert not await changed(), "it was so already"
    await desk.desk.do("release", case, ada, desk.now)
    assert await changed(), "as before it was taken, and yet not the same"
    await desk.triage.tell(suspicion(1, subject_ref="s-1"))
    assert not await changed(), "told again"
    await desk.triage.tell(suspicion(5, subject_ref="s-1"))
    assert await changed()
    await desk.desk.do("refer", case, carl, desk.now, reason="novel")
    assert await changed()
    await desk.desk.do("close", case, carl, desk.now, reason="known")
    assert await changed()


async def test_of_many_who_saw_the_same_one_acts(desk: Desk) -> None:
    """At the same moment, each on a connection of its own."""
    carl = await desk.person("carl", Role.CHECKER)
    for number in range(4):
        await desk.add(f"p{number}", Role.ANALYST)
    case = await desk.case()
    seen = (await desk.desk.one(case, carl, desk.now)).seen
    done = await asyncio.gather(
        *(desk.desk.do("assign", case, carl, desk.now, to=f"p{number}", seen=seen) for number in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["CaseChanged"] * 3 + ["Change"]


async def test_a_case_is_shown_whole(desk: Desk) -> None:
    """Every reason with its numbers, each change, and everybody's time with it; of an incident what rate it is of."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case(severity="low")
    await desk.triage.tell(suspicion(7, subject_ref="s-1", severity="high", reason="match_far_below_threshold"))
    await desk.desk.do("take", case, ada, desk.now)
    await desk.desk.do("close", case, carl, desk.now, reason="a mask")
    whole = await desk.desk.one(case, carl, desk.now)
    assert [(each.code, each.transaction_id, each.evidence["failures"]) for each in whole.reasons] == [
        ("liveness_failures_persist", "t-1", 3.0),
        ("match_far_below_threshold", "t-7", 3.0),
    ]
    assert [(each.from_state, each.to_state, each.why) for each in whole.moves] == [
        ("absent", "open", "opened"),
        ("open", "escalated", "escalated"),
        ("escalated", "closed", "closed_by_person"),
    ]
    (work,) = whole.work
    assert (work.name, work.assigned_by, work.released_by) == ("ada", desk.ids["ada"], desk.ids["carl"])
    assert whole.ended
    assert (whole.ended.by, whole.ended.reason) == (desk.ids["carl"], "a mask")
    await desk.triage.tell(incident(1))
    of_incident = await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'")
    rate = (await desk.desk.one(of_incident, carl, desk.now)).rate
    assert rate
    assert (rate.metric, rate.cohort.tenant, rate.cohort.segment_name) == ("rejection_rate", "acme", None)


async def test_whom_a_case_is_not_for_is_not_shown_it(desk: Desk) -> None:
    """Of another tenant, or none at all: the same words, and that somebody asked is an entry."""
    other = await desk.person("ada", Role.ANALYST, tenants=("other",))
    case = await desk.case()
    for each in (case, "none"):
        with pytest.raises(NoSuchCase):
            await desk.desk.one(each, other, desk.now)
    reads = [each for each in await desk.entries() if each.action == "cases.read"]
    assert [(each.objects[0].id, each.details["cases"]) for each in reads] == [(case, 0), ("none", 0)]


async def test_the_next_case_is_the_gravest_then_the_oldest_and_says_so(desk: Desk) -> None:
    """Not what is taken, closed, of another tenant or queue, or about oneself."""
    ada, bob = await desk.person("ada", Role.ANALYST), await desk.person("bob", Role.ANALYST)
    rita = await desk.person("rita", Role.RESEARCHER)
    old, young, grave = [await desk.case(severity=each) for each in ("medium", "medium", "high")]
    for number, each in enumerate((old, young, grave)):
        opened = desk.now + timedelta(minutes=number)
        await desk.pool.execute("update triage.cases set opened_at = $2 where case_id = $1", each, opened)
    given = [await desk.desk.next(ada, desk.now), await desk.desk.next(bob, desk.now)]
    assert [(each and each.case.listed.now.case_id, each and each.why) for each in given] == [
        (grave, "grave"),
        (old, "oldest"),
    ]
    assert given[1]
    assert given[1].sentence == "nothing graver waits, and it is the oldest of 2 that wait"
    assert given[1].case.listed.assignee_name == "bob"
    about = access().access
    assert about
    await desk.triage.tell(access())
    await desk.pool.execute(
        "update triage.cases set about = jsonb_set(about, '{person}', to_jsonb($1::text)) where kind = 'access'",
        desk.ids["ada"],
    )
    last = await desk.desk.next(ada, desk.now)
    assert last
    assert last.case.listed.now.case_id == young, "graver is what she did herself, which is not for her"
    assert await desk.desk.next(ada, desk.now) is None
    assert await desk.desk.next(rita, desk.now) is None, "nothing was referred"
    with pytest.raises(CaseRefused, match="who takes cases"):
        await desk.desk.next(await desk.person("carl", Role.CHECKER), desk.now)
    assert [each.outcome for each in await desk.of_cases()] == ["done"] * 3 + ["denied"]


async def test_no_two_are_given_the_same_case_and_nobody_more_than_is_set(desk: Desk) -> None:
    """Eight people and ten cases, all at once and again; each case is somebody's once."""
    people = [await desk.person(f"p{number}", Role.ANALYST) for number in range(4)]
    cases = [await desk.case(severity="medium") for _ in range(10)]
    limited = PostgresDesk(desk.pool, limits=Limits(2))
    asked = [limited.next(token, desk.now) for token in people * 4]
    done = await asyncio.gather(*asked, return_exceptions=True)
    given = [each.case.listed.now.case_id for each in done if isinstance(each, NextCase)]
    assert len(given) == len(set(given)) == 8, "two each"
    assert set(given) <= set(cases)
    assert {str(each) for each in done if not isinstance(each, NextCase)} == {
        "you work on 2 cases, and 2 is the most: close or release one first"
    }


async def test_the_commands(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres_dsn: str) -> None:
    """`next` gives one and says why, `show` prints it whole, and `--seen` of before does nothing."""
    desk.now = datetime.now(UTC) - timedelta(minutes=1)
    write_token(tmp_path / "ada", await desk.person("ada", Role.ANALYST))
    case = await desk.case()

    async def said(code: int, action: str, *words: str) -> str:
        line = ["cases", "--dsn", postgres_dsn, action, *words, "--as", str(tmp_path / "ada")]
        assert await asyncio.to_thread(main, line) == code
        found = capsys.readouterr()
        return found.err if code else found.out

    seen = orjson.loads(await said(0, "show", case))["seen"]
    assert f"{case} of acme is yours: high severity comes first" in await said(0, "next")
    assert "no case waits for you" in await said(0, "next")
    assert "has changed since you looked" in await said(1, "release", case, "--seen", seen)
    shown = orjson.loads(await said(0, "show", case))
    assert shown["reasons"][0]["evidence"] == {"failures": 3.0, "liveness_score": 0.41}
    assert [each["what"] for each in shown["history"]] == ["escalated", "assigned"]
    assert "nobody works on it" in await said(0, "release", case, "--seen", shown["seen"])
