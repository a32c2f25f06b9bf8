"""Lists of cases that run, made from indexes of their order, on PostgreSQL."""

import random
from datetime import timedelta

import pytest

from services.triage.adapters.desk_reads import After, listed_cases
from services.triage.core.assignments import ListedCase
from services.triage.core.wanted import Wanted
from tests.integration.triage.house import Desk

_FILL = """
insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at, changed_at,
  parts_grave, due_at, snoozed_until, part_of)
values($1, $2, 'subject', $3, $4, $5, $6, 1, $7, $7, $8, $9, $10, $11)"""


async def filled(desk: Desk, chance: random.Random) -> None:
    """Cases of two tenants, many of one moment, each third of them overdue, resting, closed or a part."""
    rows = []
    for number in range(120):
        when = [
            desk.now + timedelta(minutes=chance.choice((-5, 0, 5))) if chance.random() < 0.4 else None for _ in "ab"
        ]
        opened_at = desk.now - timedelta(hours=chance.randrange(6), microseconds=chance.randrange(3))
        state, severity = chance.choice(("open", "escalated", "closed")), chance.choice(("low", "medium", "high"))
        part_of = "c0" if number and chance.random() < 0.1 else None
        given = f"c{number}", chance.choice("ab"), f"{number:032x}", state, severity, chance.choice(("soc", "research"))
        rows.append((*given, opened_at, chance.random() < 0.2, *when, part_of))
    await desk.pool.executemany(_FILL, rows)


@pytest.mark.parametrize("seed", range(12))
async def test_pages_of_what_runs_are_in_the_order_of_lists(desk: Desk, seed: int) -> None:
    """Page by page as of one moment each case comes once: grave, overdue, the oldest, and what rests behind all."""
    chance = random.Random(seed)
    await filled(desk, chance)
    states = chance.choice((("open", "escalated"), ("open",), ("escalated",)))
    tenants = chance.choice((None, None, ["a"]))
    wanted = Wanted(severity=chance.choice((None, None, "high", "medium")))
    async with desk.pool.acquire() as tx, tx.transaction():
        everything = await listed_cases(tx, None, tenants, ("open", "escalated", "closed"), None, 500, desk.now)
        paged, after, most = list[ListedCase](), None, chance.choice((1, 3, 7, 100))
        while page := await listed_cases(tx, None, tenants, states, None, most, desk.now, after, wanted=wanted):
            assert len(page) <= most
            paged += page
            after = After.of(page[-1], desk.now)
    found = [each for each in everything if each.now.state in states and wanted.severity in (None, each.now.severity)]
    assert found, "there are such cases"
    expected = sorted(found, key=lambda each: After.of(each, desk.now))
    assert [each.now.case_id for each in paged] == [each.now.case_id for each in expected]
