"""Cases that become parts of others, and are taken out again: nothing of them was moved; on a real PostgreSQL."""

import random
from datetime import timedelta
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.events.identity import derived_id
from services.triage.adapters.desk import CaseChanged, CaseRefused, PostgresDesk
from services.triage.adapters.waiting import waiting
from services.triage.core.dispositions import Finding, FourEyes
from services.triage.core.life import Deed
from tests.integration.triage.conftest import Triage
from tests.integration.triage.house import Desk
from tests.integration.triage.test_life import labels
from tests.unit.triage.events import ended, incident, suspicion
from tests.unit.triage.events import merged as merged_incident

OF_A_CASE = {
    "cases": "to_jsonb(t) - '{case_id,tenant,subject_tag,version,changed_in,opened_at,changed_at}'::text[]",
    "case_reasons": "to_jsonb(t) - '{case_id,source_id}'::text[]",
    "case_transitions": "to_jsonb(t) - '{case_id,source_id,at}'::text[]",
    "case_acts": "to_jsonb(t) - '{case_id,act_id}'::text[]",
    "assignments": "to_jsonb(t) - '{case_id,assignment_id}'::text[]",
    "dispositions": "to_jsonb(t) - '{case_id,disposition_id,number}'::text[]",
}


async def rows_of(triage: Triage, case: str) -> dict[str, list[str]]:
    """Everything that is kept of a case, but for what names it."""
    return {
        table: sorted(
            row[0]
            for row in await triage.pool.fetch(f"select ({what})::text from triage.{table} t where case_id = $1", case)  # noqa: S608 — constants
        )
        for table, what in OF_A_CASE.items()
    }


@pytest.fixture
async def two(desk: Desk) -> tuple[str, str]:
    """Two cases; Ada is an analyst, Carl a checker."""
    await desk.person("ada", Role.ANALYST)
    await desk.person("carl", Role.CHECKER)
    return await desk.case(), await desk.case()


async def merge(desk: Desk, part: str, into: str, **given: Any) -> None:
    await desk.desk.do("merge", part, desk.tokens["ada"], desk.now, into=into, reason="the same mask", **given)


async def test_a_part_is_listed_worked_on_and_found_with_the_whole(desk: Desk, two: tuple[str, str]) -> None:
    """Its id leads to the whole, which has its reasons; by itself nobody works on it."""
    whole, part = two
    ada = desk.tokens["ada"]
    before = (await desk.desk.one(whole, ada, desk.now)).seen
    await merge(desk, part, whole)
    assert [each.now.case_id for each in await desk.desk.listed(ada, desk.now)] == [whole]
    found = await desk.desk.one(part, ada, desk.now)
    assert found.listed.now.case_id == whole
    assert found.listed.now.parts == 1
    assert [each.transaction_id for each in found.reasons] == ["t-1", "t-2"]
    assert [(each.case_id, each.why, each.joined_by, each.left_at) for each in found.parts] == [
        (part, "person", desk.ids["ada"], None)
    ]
    assert found.seen != before
    with pytest.raises(CaseChanged):
        await desk.desk.do("take", whole, ada, desk.now, seen=before)
    with pytest.raises(CaseRefused, match=f"part of {whole}"):
        await desk.desk.do("take", part, ada, desk.now)
    itself = await desk.desk.one(part, ada, desk.now, itself=True)
    assert (itself.listed.now.part_of, [each.transaction_id for each in itself.reasons]) == (whole, ["t-2"])
    asking = await desk.desk.session(ada, desk.now)
    assert (await waiting(desk.pool, asking, desk.now - timedelta(days=1), desk.now)).running == 1
    given = await desk.desk.next(ada, desk.now)
    assert given
    assert (given.case.listed.now.case_id, given.waiting) == (whole, 1)
    assert await desk.desk.next(ada, desk.now) is None
    held = await desk.pool.fetchrow("select * from triage.held($1)", part)
    assert held["assignee"] == desk.ids["ada"]
    assert [each.action for each in await desk.of_cases()] == ["case.merged", "case.assigned", "case.assigned"]


async def test_what_is_decided_of_the_whole_is_a_label_of_every_part_and_the_parts_stay(
    desk: Desk, two: tuple[str, str]
) -> None:
    """Also of what came to the part after it was one."""
    whole, part = two
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await merge(desk, part, whole)
    await desk.triage.tell(suspicion(7, subject_ref="s-2"))
    await desk.desk.do("take", whole, ada, desk.now)
    await desk.desk.do("threat", whole, ada, desk.now, finding=Finding.of("threat", "a seam"))
    with pytest.raises(CaseRefused, match="a checker approves"):
        await desk.desk.do("unmerge", part, ada, desk.now, reason="another")
    await desk.triage.tell(suspicion(8, subject_ref="s-2"))
    with pytest.raises(CaseRefused, match="evidence has changed"):
        await desk.desk.do("approve", whole, carl, desk.now)
    await desk.desk.do("threat", whole, ada, desk.now, finding=Finding.of("threat", "a seam"))
    await desk.desk.do("approve", whole, carl, desk.now)
    found = await labels(desk.triage)
    assert sorted(each.transaction_id for each in found) == ["t-1", "t-2", "t-7", "t-8"]
    with pytest.raises(CaseRefused, match="they stay"):
        await desk.desk.do("unmerge", part, carl, desk.now, reason="another")


async def test_what_is_new_of_a_part_makes_a_cleared_whole_new(desk: Desk, two: tuple[str, str]) -> None:
    """And a grave part makes the whole grave."""
    whole, part = two
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.pool.execute("update triage.cases set severity = 'medium'")
    await merge(desk, part, whole)
    assert (await desk.desk.one(whole, ada, desk.now)).listed.now.severity == "medium"
    await desk.desk.do("take", whole, ada, desk.now)
    one = PostgresDesk(desk.pool, four_eyes=FourEyes("none", {}))
    await one.do("clear", whole, ada, desk.now, finding=Finding.of("cleared", "poor light"))
    assert (await desk.desk.one(whole, carl, desk.now)).listed.now.stage == "cleared"
    await desk.triage.tell(suspicion(9, subject_ref="s-2", severity="high"))
    now = (await desk.desk.one(whole, carl, desk.now)).listed.now
    assert (now.stage, now.severity) == ("assigned", "high")


async def test_a_whole_is_closed_and_opened_anew_with_its_parts(desk: Desk, two: tuple[str, str]) -> None:
    """Not while one fires; what comes to a closed subject is another case, and its part stays closed."""
    whole, part = two
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.triage.tell(incident())
    fires = await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'")
    await merge(desk, part, whole)
    await merge(desk, fires, whole)
    with pytest.raises(CaseRefused, match="still fires"):
        await desk.desk.do("close", whole, carl, desk.now, reason="done")
    await desk.triage.tell(ended())
    await desk.desk.do("close", whole, carl, desk.now, reason="done")
    states = "select state from triage.cases order by 1"
    assert [row["state"] for row in await desk.triage.rows(states)] == ["closed"] * 3
    await desk.desk.do("reopen", whole, carl, desk.now, reason="a third claim")
    assert (await desk.desk.one(part, ada, desk.now)).listed.now.case_id == whole
    assert [row["state"] for row in await desk.triage.rows(states)] == ["escalated"] * 3
    await desk.desk.do("close", whole, carl, desk.now, reason="done")
    await desk.triage.tell(suspicion(11, subject_ref="s-2"))
    await desk.desk.do("reopen", whole, carl, desk.now, reason="again")
    found = await desk.triage.rows("select state, count(*) as n from triage.cases group by 1 order by 1")
    assert [(each["state"], each["n"]) for each in found] == [("closed", 1), ("escalated", 2), ("open", 1)]


async def test_nothing_that_runs_hides_behind_what_is_closed(desk: Desk, two: tuple[str, str]) -> None:
    """An incident that ends in another frees its parts; one that holds again after its whole was closed is alone."""
    whole, part = two
    carl = desk.tokens["carl"]
    await desk.triage.tell(incident())
    fires = await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'")
    await merge(desk, fires, whole)
    await desk.triage.tell(ended())
    await desk.desk.do("close", whole, carl, desk.now, reason="done")
    await desk.triage.tell(incident(3, change="again"))
    now = (await desk.desk.one(fires, carl, desk.now)).listed.now
    assert (now.case_id, now.state, now.part_of) == (fires, "escalated", None)
    await merge(desk, part, fires)
    await desk.triage.tell(merged_incident(4))
    assert (await desk.desk.one(fires, carl, desk.now)).listed.now.state == "closed"
    now = (await desk.desk.one(part, carl, desk.now)).listed.now
    assert (now.case_id, now.state) == (part, "escalated")
    left = [(row["part_id"], row["left_by"], row["left_why"]) for row in await desk.triage.rows(
        "select * from triage.parts order by number")]  # fmt: skip
    assert left == [(fires, "triage", "whole_closed"), (part, "triage", "whole_closed")]


class Twins:
    """Five subjects of a tenant, and the same of another, to whom the same happens but that nobody merges anything."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.draw = desk, random.Random(seed)
        self.number = 0
        self.part_of: dict[str, str] = {}
        self.wholes: set[str] = set()

    async def evidence(self, subject: int) -> None:
        self.number += 1
        severity = self.draw.choice(["low", "medium", "high"])
        await self.desk.triage.tell(
            *(
                suspicion(self.number, subject_ref=f"s-{subject}", severity=severity, tenant=tenant,
                          suspicion_id=derived_id("suspicion", tenant, self.number))
                for tenant in ("acme", "twin")
            )
        )  # fmt: skip

    async def cases(self, tenant: str) -> list[str]:
        """Return the cases of the tenant's subjects, in their order."""
        rows = await self.desk.pool.fetch(
            "select case_id from triage.case_reasons join triage.cases using (case_id) "
            "where tenant = $1 and transaction_id in ('t-1', 't-2', 't-3', 't-4', 't-5') order by transaction_id",
            tenant,
        )
        return [row["case_id"] for row in rows]

    async def step(self, cases: list[str]) -> None:
        one, other = self.draw.sample(cases, 2)
        if self.draw.random() < 0.4:
            await self.evidence(1 + cases.index(one))
        elif one in self.part_of:
            await self.take_out(one)
        elif other not in self.part_of and one not in self.part_of.values():
            await self.do("merge", one, into=other, reason="alike")
            self.part_of[one] = other
            self.wholes.add(other)
            await self.do("snooze", other, until=self.desk.now + timedelta(hours=2), reason="they answer at noon")

    async def take_out(self, part: str) -> None:
        await self.do("unmerge", part, reason="another light")
        del self.part_of[part]

    async def do(self, deed: Deed, case: str, **given: Any) -> None:
        await self.desk.desk.do(deed, case, self.desk.tokens["carl"], self.desk.now, **given)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_what_is_taken_out_is_as_if_it_had_never_been_merged(desk: Desk, seed: int) -> None:
    """Reasons, state, stage, due time and history are those of the twin, row by row; of a whole, its reasons."""
    await desk.person("carl", Role.CHECKER)
    twins = Twins(desk, seed)
    for subject in range(1, 6):
        await twins.evidence(subject)
    cases, others = await twins.cases("acme"), await twins.cases("twin")
    for _ in range(24):
        await twins.step(cases)
    for part in [*twins.part_of]:
        await twins.take_out(part)
    assert twins.wholes
    for one, other in zip(cases, others, strict=True):
        mine, twin = await rows_of(desk.triage, one), await rows_of(desk.triage, other)
        if one in twins.wholes:  # what people did with a whole is its own, and stays
            mine, twin = ({"case_reasons": each["case_reasons"]} for each in (mine, twin))
        assert mine == twin
    assert await desk.pool.fetchval("select count(*) from triage.cases where part_of is not null or parts_grave") == 0
