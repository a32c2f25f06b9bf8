"""New cases go around among who is there, each to one, and the turn goes on after a restart; on a real PostgreSQL."""

import asyncio
from datetime import timedelta

import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.postgres.pool import transaction
from proofwatch.instants import instant_of, ms_of
from services.triage.adapters.turns import PostgresTurns
from services.triage.core.limits import Limits
from services.triage.core.tasks import TASKS
from tests.integration.triage.conftest import LOG_MS, Triage
from tests.integration.triage.house import Desk
from tests.unit.triage.events import suspicion

MINUTE = timedelta(minutes=1)


async def restarted(desk: Desk, tasks: str = "fraud_analyst_review") -> None:
    """Let the service begin anew, with these tasks going around."""
    desk.triage.settings = desk.triage.settings.model_copy(update={"case_turns": tasks})
    await desk.triage.service.stop()
    desk.triage.service = desk.triage.built()
    await desk.triage.service.start()


async def later(desk: Desk, minutes: int = 3) -> None:
    """Let triage look, so many minutes later."""
    desk.now += minutes * MINUTE
    desk.triage.clock.advance_to(ms_of(desk.now))
    while await desk.triage.service.step(idle=True):
        pass


async def given(desk: Desk) -> dict[str, str]:
    """By transaction who works on its case."""
    rows = await desk.triage.rows(
        "select r.transaction_id, d.name from triage.assignments a join triage.case_reasons r using (case_id) "
        "join access.directory d using (person_id) where a.released_at is null"
    )
    return {row["transaction_id"]: row["name"] for row in rows}


@pytest.fixture
async def people(desk: Desk) -> Desk:
    """Ada, Bob and Cy are analysts, who are there; Carl is a checker, whose task it is not."""
    desk.now = instant_of(LOG_MS)
    for name, role in (("ada", Role.ANALYST), ("bob", Role.ANALYST), ("carl", Role.CHECKER), ("cy", Role.ANALYST)):
        await desk.person(name, role)
    return desk


async def tell(triage: Triage, *numbers: int) -> None:
    await triage.tell(*(suspicion(each, subject_ref=f"s-{each}") for each in numbers))


async def test_nothing_goes_around_unless_that_is_asked_for(people: Desk) -> None:
    """Nor of other tasks than those that are named."""
    await tell(people.triage, 1)
    await later(people)
    assert await given(people) == {}
    await restarted(people, "system_audit")
    await later(people, 1)
    assert await given(people) == {}


async def test_new_cases_go_around_and_the_turn_goes_on_after_a_restart(people: Desk) -> None:
    """Each says why it came; it is on record; what somebody released waits for whoever wants it."""
    await restarted(people)
    await tell(people.triage, 1, 2)
    await later(people)
    assert await given(people) == {"t-1": "ada", "t-2": "bob"}
    await restarted(people)
    await tell(people.triage, 3, 4)
    await later(people)
    assert await given(people) == {"t-1": "ada", "t-2": "bob", "t-3": "cy", "t-4": "ada"}
    case = await people.pool.fetchval("select case_id from triage.case_reasons where transaction_id = 't-1'")
    ada = people.tokens["ada"]
    work = (await people.desk.one(case, ada, people.now)).work
    assert [(each.name, each.why, each.assigned_by) for each in work] == [("ada", "turn", "triage")]
    entries = [(each.action, each.actor.id) for each in await people.of_cases()]
    assert entries == [("case.assigned", "triage")] * 4
    await people.desk.do("release", case, ada, people.now)
    await later(people)
    assert "t-1" not in await given(people)


async def test_who_is_away_or_has_enough_is_passed_over(people: Desk) -> None:
    """Away is who signed out, or did nothing for a quarter of an hour."""
    people.triage.settings = people.triage.settings.model_copy(update={"cases_in_hand_by_person": "ada=1"})
    await restarted(people)
    await people.people.sign_out(people.tokens["bob"], people.now)
    await tell(people.triage, 1, 2, 3)
    await later(people)
    assert await given(people) == {"t-1": "ada", "t-2": "cy", "t-3": "cy"}
    await tell(people.triage, 4)
    await later(people, 20)
    assert "t-4" not in await given(people)
    await people.sign_in("cy")
    await later(people, 1)
    assert (await given(people))["t-4"] == "cy"


async def test_two_processes_give_each_case_once_and_in_turn(people: Desk) -> None:
    """And beside them somebody who takes the next one."""
    await tell(people.triage, *range(1, 10))
    people.now += 3 * MINUTE
    turns = PostgresTurns(TASKS, Limits())

    async def deal() -> None:
        async with transaction(people.pool, "cases") as tx:
            await turns.deal(people.now, tx)

    async def takes() -> None:
        await people.desk.next(people.tokens["ada"], people.now)

    await asyncio.gather(deal(), deal(), takes(), deal())
    await deal()
    rows = await people.triage.rows("select person_id, count(*) as n from triage.assignments group by 1")
    assert sum(row["n"] for row in rows) == 9, "each once"
    assert max(row["n"] for row in rows) - min(row["n"] for row in rows) <= 2
