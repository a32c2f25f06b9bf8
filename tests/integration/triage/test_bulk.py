"""A deed on many cases: a result for each, the same as if each had been done alone, once however often it is asked."""

import asyncio
import sys
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from proofwatch.access.roles import Role
from services.triage.adapters.bulk import KeyReused, Named, PostgresBulk
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.orders import Order
from services.triage.core.dispositions import Finding, FourEyes
from tests.integration.triage.house import Desk
from tests.integration.triage.test_parts import rows_of
from tests.unit.triage.events import suspicion


async def named(desk: Desk, *cases: str) -> list[Named]:
    rows = await desk.pool.fetch("select case_id, revision || '.' || version as seen from triage.cases")
    found = {row["case_id"]: row["seen"] for row in rows}
    return [Named(each, found[each]) for each in cases]


async def cases_of(desk: Desk, *numbers: int) -> list[str]:
    """A case of each subject; return their ids."""
    await desk.triage.tell(*(suspicion(each, subject_ref=f"s-{each}", severity="high") for each in numbers))
    rows = await desk.pool.fetch("select case_id, transaction_id from triage.case_reasons")
    found = {row["transaction_id"]: row["case_id"] for row in rows}
    return [found[f"t-{each}"] for each in numbers]


@pytest.fixture
async def people(desk: Desk) -> Desk:
    """Ada and Bob are analysts, Carl is a checker."""
    for name, role in (("ada", Role.ANALYST), ("bob", Role.ANALYST), ("carl", Role.CHECKER)):
        await desk.person(name, role)
    return desk


async def test_each_has_its_result_and_one_that_changed_hinders_no_other(people: Desk) -> None:
    """Done, so already, changed, taken by another, not there."""
    cases = await cases_of(people, *range(1, 6))
    ada, bob = people.tokens["ada"], people.tokens["bob"]
    await people.desk.do("take", cases[1], ada, people.now)
    await people.desk.do("take", cases[2], bob, people.now)
    asked = [*await named(people, *cases), Named("no-such", "1.1")]
    await people.pool.execute("update triage.cases set queue = queue where case_id = $1", cases[3])
    found = await PostgresBulk(people.desk).do("k1", Order("take"), asked, ada, people.now)
    assert [(each.case_id, each.code) for each in found] == [
        (cases[0], "done"), (cases[1], "unchanged"), (cases[2], "assigned_to_another"), (cases[3], "case_changed"),
        (cases[4], "done"), ("no-such", "no_such_case"),
    ]  # fmt: skip
    now = {each.case_id: each.seen for each in await named(people, *cases)}
    assert [each.seen for each in found] == [*now.values(), None]
    held = await people.pool.fetch("select case_id from triage.assignments where person_id = $1", people.ids["ada"])
    assert {row["case_id"] for row in held} == {cases[0], cases[1], cases[4]}
    entries = [(each.action, each.outcome) for each in await people.of_cases()]
    assert sorted(entries[-3:]) == [("case.assigned", "denied"), ("case.assigned", "done"), ("case.assigned", "done")]


async def test_what_is_asked_again_is_done_once_and_told_as_it_was(people: Desk) -> None:
    """By the key of who asks; the same key with something else is refused, and is another one of somebody else."""
    cases = await cases_of(people, 1, 2, 3)
    ada, carl, bulk = people.tokens["ada"], people.tokens["carl"], PostgresBulk(people.desk)
    asked = await named(people, *cases)
    first = await bulk.do("k1", Order("take"), asked, ada, people.now)
    await people.desk.do("assign", cases[0], carl, people.now, to="bob")
    people.later(minutes=1)
    assert await bulk.do("k1", Order("take"), asked, ada, people.now) == first
    assert len([each for each in await people.entries() if each.action == "case.assigned"]) == 3 + 1
    for order, which in ((Order("release"), asked), (Order("take"), asked[:2])):
        with pytest.raises(KeyReused):
            await bulk.do("k1", order, which, ada, people.now)
    theirs = await bulk.do("k1", Order("close", "the same mask"), await named(people, *cases), carl, people.now)
    assert [each.code for each in theirs] == ["done"] * 3


async def test_who_asks_twice_at_the_same_moment_does_it_once(people: Desk) -> None:
    cases = await cases_of(people, *range(1, 9))
    bulk, asked = PostgresBulk(people.desk, at_once=3), await named(people, *cases)
    token = people.tokens["carl"]
    found = await asyncio.gather(*(bulk.do("k1", Order("close", "known"), asked, token, people.now) for _ in range(4)))
    assert all(each == found[0] for each in found)
    assert [each.code for each in found[0]] == ["done"] * 8
    assert len([each for each in await people.of_cases() if each.action == "case.closed"]) == 8


STEPS: list[tuple[str, Order]] = [
    ("ada", Order("take")),
    ("carl", Order("assign", to="bob")),
    ("bob", Order("review")),
    ("bob", Order("release")),
    ("ada", Order("take")),
    ("ada", Order("snooze", "they answer at noon", until=None)),
    ("ada", Order("wake")),
    ("ada", Order("threat", "a seam", finding=Finding.of("threat", "a seam", "presentation", "mask"))),
    ("carl", Order("reject", "a collar")),
    ("ada", Order("threat", "a seam", finding=Finding.of("threat", "a seam"))),
    ("carl", Order("approve")),
    ("ada", Order("know", "as in May")),
    ("ada", Order("novel", "no, it is new")),
    ("ada", Order("high_risk", "it passes everywhere")),
    ("ada", Order("close", "told to the bank")),
    ("carl", Order("reopen", "a third claim")),
    ("ada", Order("take")),
    ("ada", Order("clear", "poor light", finding=Finding.of("cleared", "poor light"))),
    ("carl", Order("approve")),
    ("ada", Order("threat", "after all", finding=Finding.of("threat", "after all", "impostor"))),
    ("carl", Order("approve")),
    ("carl", Order("refer", "it is new")),
]


async def test_many_at_once_are_as_if_each_had_been_done_alone(people: Desk) -> None:
    """Row by row, deed by deed; what is to be sent, and the entries, too."""
    alone, together = await cases_of(people, 1, 2, 3, 4), await cases_of(people, 5, 6, 7, 8)
    bulk = PostgresBulk(people.desk)
    for number, (name, given) in enumerate(STEPS):
        until = people.now + timedelta(hours=2) if given.deed == "snooze" else None
        order, token = given._replace(until=until), people.tokens[name]
        for case in alone:
            await people.desk.do(token=token, now=people.now, case_id=case, **order._asdict())
        found = await bulk.do(f"k{number}", order, await named(people, *together), token, people.now)
        assert [each.code for each in found] == ["done"] * 4, order
        for one, other in zip(alone, together, strict=True):
            mine, theirs = await rows_of(people.triage, one), await rows_of(people.triage, other)
            assert mine | {"case_reasons": []} == theirs | {"case_reasons": []}, order
    sent = "select count(*) as n, kind from triage.unsent where case_id = any($1) group by 2 order by 2"
    assert await people.pool.fetch(sent, alone) == await people.pool.fetch(sent, together)
    entries: dict[bool, list[Any]] = {True: [], False: []}
    for each in await people.of_cases():
        entries[each.objects[0].id in together].append((each.action, each.actor.id, each.reason, each.details))
    assert sorted(entries[True], key=str) == sorted(entries[False], key=str)


async def test_many_become_parts_of_one_and_are_closed_and_opened_with_it(people: Desk) -> None:
    """The one itself, where it is among them, is told that it cannot."""
    cases = await cases_of(people, 1, 2, 3, 4)
    carl, bulk = people.tokens["carl"], PostgresBulk(people.desk)
    order = Order("merge", "the same mask", into=cases[0])
    found = await bulk.do("k1", order, await named(people, *cases), carl, people.now)
    assert [each.code for each in found] == ["no_such_whole", "done", "done", "done"]
    for key, deed, state in (("k2", "close", "closed"), ("k3", "reopen", "escalated")):
        await bulk.do(key, Order(deed, "so it is"), await named(people, cases[0]), carl, people.now)  # type: ignore[arg-type]
        assert await people.pool.fetchval("select count(*) from triage.cases where state = $1", state) == 4


async def test_without_four_eyes_what_is_found_is_decided_for_each(people: Desk) -> None:
    """With its labels, and its escalations."""
    cases = await cases_of(people, 1, 2, 3)
    bulk = PostgresBulk(PostgresDesk(people.pool, four_eyes=FourEyes("none", {})))
    ada = people.tokens["ada"]
    await bulk.do("k1", Order("take"), await named(people, *cases), ada, people.now)
    order = Order("threat", "a seam", finding=Finding.of("threat", "a seam"))
    found = await bulk.do("k2", order, await named(people, *cases), ada, people.now)
    assert [each.code for each in found] == ["done"] * 3
    rows = await people.pool.fetch("select kind, count(*) as n from triage.unsent group by 1 order by 1")
    assert [tuple(row) for row in rows] == [("escalation", 3), ("label", 3)]


KILLED = """
import asyncio, datetime, json, sys
from proofwatch.bus.postgres.pool import create_pool
from services.triage.adapters.bulk import Named, PostgresBulk
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.orders import Order
async def main():
    dsn, token, now, named = json.load(sys.stdin)
    bulk = PostgresBulk(PostgresDesk(await create_pool(dsn)), at_once=5)
    asked = [Named(*each) for each in named]
    await bulk.do("k1", Order("close", "known"), asked, token, datetime.datetime.fromisoformat(now))
asyncio.run(main())
"""


async def test_a_console_that_is_killed_amid_many_leaves_nothing_half_done_and_asking_again_finishes(
    people: Desk, postgres_dsn: str
) -> None:
    """Each case is closed with its transition, its entry and its result, or nothing of it is."""
    cases = await cases_of(people, *range(1, 301))
    token, asked = people.tokens["carl"], await named(people, *cases)
    given = msgspec.json.encode([postgres_dsn, token, people.now.isoformat(), [tuple(each) for each in asked]])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, stdin=asyncio.subprocess.PIPE)
    assert process.stdin
    process.stdin.write(given)
    process.stdin.close()
    count = "select count(*) from triage.bulk_results"
    async with asyncio.timeout(60):
        while not await people.pool.fetchval(count) >= 20:  # noqa: ASYNC110 — another process tells nobody
            await asyncio.sleep(0.001)
    process.kill()
    assert await process.wait() == -9
    async with asyncio.timeout(60):  # what the server still had under way ends with its connection
        idle = "select count(*) from pg_stat_activity where datname = current_database() and xact_start is not null"
        while await people.pool.fetchval(idle) > 1:  # noqa: ASYNC110 — likewise
            await asyncio.sleep(0.01)
    done = await people.pool.fetchval(count)
    assert 20 <= done < 300
    closed = await people.pool.fetch("select case_id from triage.cases where state = 'closed'")
    results = await people.pool.fetch("select case_id from triage.bulk_results where code = 'done'")
    moved = await people.pool.fetch("select case_id from triage.case_transitions where why = 'closed_by_person'")
    entered = [each.objects[0].id for each in await people.of_cases() if each.action == "case.closed"]
    in_each = [sorted(row["case_id"] for row in rows) for rows in (closed, results, moved)]
    assert in_each[0] == in_each[1] == in_each[2] == sorted(entered)
    found = await PostgresBulk(people.desk).do("k1", Order("close", "known"), asked, token, people.now)
    assert [each.code for each in found] == ["done"] * 300
    assert await people.pool.fetchval("select count(*) from triage.cases where state = 'closed'") == 300
    assert len([each for each in await people.of_cases() if each.action == "case.closed"]) == 300
