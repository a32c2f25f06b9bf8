"""Whoever follows changes of cases misses none, whatever runs beside; on a real PostgreSQL."""

import asyncio
import random

from proofwatch.access.roles import Role
from services.triage.adapters.entries import READ
from services.triage.core.assignments import ListedCase
from services.triage.core.news import Place
from tests.integration.triage.house import Desk
from tests.unit.triage.events import suspicion

BEGIN = Place()
_TOUCH = "update triage.cases set version = version where case_id = $1"


async def follow(desk: Desk, token: str, after: Place, most: int = 100) -> tuple[list[ListedCase], Place]:
    found = await desk.desk.changed(token, after, most, desk.now)
    assert found is not None
    return found


def ids(cases: list[ListedCase]) -> list[str]:
    return [each.now.case_id for each in cases]


async def test_cases_come_as_they_changed_and_again_when_they_change_again(desk: Desk) -> None:
    """By events, and by people: who takes one, proposes or notes something; a part, too, and its whole."""
    ada = await desk.person("ada", Role.ANALYST)
    one, two, three = [await desk.case() for _ in range(3)]
    seen, place = await follow(desk, ada, BEGIN)
    assert ids(seen) == [one, two, three]
    assert (await follow(desk, ada, place))[0] == []
    await desk.desk.do("take", one, ada, desk.now)
    seen, place = await follow(desk, ada, place)
    assert [(each.now.case_id, each.now.stage) for each in seen] == [(one, "assigned")]
    await desk.triage.tell(suspicion(9, subject_ref="s-2"))
    seen, place = await follow(desk, ada, place)
    assert ids(seen) == [two]
    await desk.desk.do("merge", three, ada, desk.now, into=one, reason="the same mask")
    seen, _ = await follow(desk, ada, place)
    assert {each.now.case_id: each.now.part_of for each in seen} == {one: None, three: one}


async def test_pages_are_of_one_order(desk: Desk) -> None:
    """Several cases of one transaction are split where a page ends, and none is left out."""
    ada = await desk.person("ada", Role.ANALYST)
    cases = {await desk.case() for _ in range(5)}
    await desk.pool.execute("update triage.cases set version = version")  # one transaction
    found, place = [], BEGIN
    for _ in range(3):
        seen, place = await follow(desk, ada, place, most=2)
        found += ids(seen)
    assert (len(found), set(found)) == (5, cases)


async def test_what_is_committed_late_is_not_missed(desk: Desk) -> None:
    """A transaction that began first and ends last: nothing that began after it is told before it has ended."""
    ada = await desk.person("ada", Role.ANALYST)
    early, late = await desk.case(), await desk.case()
    _, place = await follow(desk, ada, BEGIN)
    async with desk.pool.acquire() as connection:
        running = connection.transaction()
        await running.start()
        await connection.execute(_TOUCH, early)
        await desk.pool.execute(_TOUCH, late)
        seen, place = await follow(desk, ada, place)
        assert seen == []
        await running.commit()
    seen, place = await follow(desk, ada, place)
    assert ids(seen) == [early, late]
    assert (await follow(desk, ada, place))[0] == []


async def test_of_many_at_once_the_last_of_each_is_seen(desk: Desk) -> None:
    """Eight who change cases in transactions of different lengths, some of which are undone, and one who follows."""
    ada = await desk.person("ada", Role.ANALYST)
    cases = [await desk.case() for _ in range(6)]
    last: dict[str, str] = {}

    async def changes(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(15):
            async with desk.pool.acquire() as connection:
                running = connection.transaction()
                await running.start()
                await connection.execute(_TOUCH, chance.choice(cases))
                await asyncio.sleep(chance.random() / 50)
                await (running.commit() if chance.random() < 0.8 else running.rollback())

    async def followed(place: Place) -> Place:
        seen, place = await follow(desk, ada, place, most=3)
        last.update({each.now.case_id: each.seen for each in seen})
        return place

    place, work = BEGIN, asyncio.gather(*map(changes, range(4)))
    while not work.done():
        place = await followed(place)
        await asyncio.sleep(0.005)
    await work
    for _ in range(10):
        place = await followed(place)
    now = {each.now.case_id: each.seen for each in await desk.desk.listed(ada, desk.now)}
    assert last == now


async def test_others_see_their_own(desk: Desk) -> None:
    """A tenant's; and each look that shows something is an entry."""
    ada, eve = await desk.person("ada", Role.ANALYST), await desk.person("eve", Role.ANALYST, tenants=("bank",))
    case = await desk.case()
    assert ids((await follow(desk, ada, BEGIN))[0]) == [case]
    seen, place = await follow(desk, eve, BEGIN)
    assert seen == []
    assert place > BEGIN  # what is of others is not gone through again
    assert [each.details["cases"] for each in await desk.entries() if each.action == READ] == [1]


async def test_nobody_can_have_come_farther_than_there_is(desk: Desk) -> None:
    """In a database that was restored transactions are numbered anew: who goes on would miss all until then."""
    ada = await desk.person("ada", Role.ANALYST)
    await desk.case()
    assert await desk.desk.changed(ada, Place(2**60, "x"), 10, desk.now) is None
