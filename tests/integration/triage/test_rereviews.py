"""Blind re-review: who judges again knows nothing of what was found, and what they find changes no case; PostgreSQL."""

import asyncio
import secrets
from datetime import timedelta

import pytest

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Role
from services.triage.adapters.desk import CaseRefused, PostgresDesk, TenantNotYours
from services.triage.adapters.rereviews import PostgresRereviews
from services.triage.core.dispositions import Finding, Terms
from services.triage.core.rereviews import Blind
from tests.integration.triage.house import Desk
from tests.integration.triage.test_restricted import restrict
from tests.unit.triage.events import suspicion

THREAT = Finding.of("threat", "a seam at the neck", "presentation", "silicone")
CLEARED = Finding.of("cleared", "a bad lamp")


class Again:
    """A desk at which every disposition is judged again."""

    def __init__(self, desk: Desk, share: float = 1.0) -> None:
        self.house = desk
        self.desk = PostgresDesk(desk.pool, terms=Terms(judged_again=share))
        self.rereviews = PostgresRereviews(self.desk, secrets.token_bytes)

    async def found(self, finding: Finding, by: str, agreed_by: str, case: str | None = None) -> str:
        """Let one say what a case is, and another agree; return the case."""
        case = case or await self.house.case()
        now, deed = self.house.now, "threat" if finding.verdict == "threat" else "clear"
        await self.desk.do("take", case, by, now)
        await self.desk.do(deed, case, by, now, finding=finding)  # type: ignore[arg-type]  # one of the two
        await self.desk.do("approve", case, agreed_by, now)
        return case

    async def next(self, token: str) -> Blind | None:
        return await self.rereviews.next(token, self.house.now)

    async def judge(self, token: str, finding: Finding) -> bool:
        """Judge the next one; return whether that differs from what was found first."""
        given = await self.next(token)
        assert given is not None
        return (await self.rereviews.judge(given.disposition_id, finding, token, self.house.now)).differs


@pytest.fixture
async def people(desk: Desk) -> dict[str, str]:
    roles = {"ada": Role.ANALYST, "bob": Role.ANALYST, "eve": Role.ANALYST, "carl": Role.CHECKER}
    return {name: await desk.person(name, role) for name, role in roles.items()}


async def test_who_judged_agreed_or_wrote_of_it_does_not_judge_it_again(desk: Desk, people: dict[str, str]) -> None:
    """Somebody else does, once, and it is nobody else's meanwhile; nor is it one of another tenant."""
    again = Again(desk)
    await again.found(THREAT, people["ada"], people["carl"])
    zoe = await desk.person("zoe", Role.ANALYST, tenants=("other",))
    assert await again.next(people["ada"]) is None
    assert await again.next(zoe) is None
    given = await again.next(people["bob"])
    assert given is not None
    assert await again.next(people["bob"]) == given
    assert await again.next(people["eve"]) is None
    desk.later(hours=25)
    bob, eve = (await desk.sign_in("bob"))[0], (await desk.sign_in("eve"))[0]
    assert await again.next(eve) == given
    with pytest.raises(CaseRefused, match="not given to you"):
        await again.rereviews.judge(given.disposition_id, CLEARED, bob, desk.now)
    await again.rereviews.judge(given.disposition_id, CLEARED, eve, desk.now)
    with pytest.raises(CaseRefused, match="not given to you"):
        await again.rereviews.judge(given.disposition_id, THREAT, eve, desk.now)
    assert await again.next(bob) is None


async def test_they_see_what_was_known_then_and_nothing_of_what_was_found(desk: Desk, people: dict[str, str]) -> None:
    """No id that leads to it, no severity that follows from it, no evidence that came later."""
    again = Again(desk)
    desk.later(hours=24 * 365)
    people = {name: (await desk.sign_in(name))[0] for name in people}
    case = await again.found(THREAT, people["ada"], people["carl"])
    late = suspicion(9, subject_ref="s-1", occurred_at=desk.now + timedelta(hours=1))
    await desk.triage.tell(late)
    assert len((await desk.desk.one(case, people["carl"], desk.now)).reasons) == 2
    given = await again.next(people["bob"])
    assert given is not None
    assert [each.transaction_id for each in given.reasons] == ["t-1"]
    shown = repr(given)
    assert not [each for each in (case, "seam", "silicone", "threat", "ada") if each in shown]


async def test_what_is_found_again_is_told_as_agreement_and_changes_no_case(desk: Desk, people: dict[str, str]) -> None:
    """Four pairs, one of which differs: kappa by hand; the pair that differs is listed, with its case."""
    again = Again(desk)
    firsts = (THREAT, THREAT, CLEARED, CLEARED)
    cases = []
    for each in firsts:
        cases.append(await again.found(each, people["ada"], people["carl"]))
        desk.later(seconds=1)
    before = await desk.pool.fetch("select * from triage.cases order by case_id")
    differs = [await again.judge(people["bob"], each) for each in (THREAT, THREAT, CLEARED, THREAT)]
    assert differs == [False, False, False, True]
    assert await desk.pool.fetch("select * from triage.cases order by case_id") == before
    span = desk.now - timedelta(days=1), desk.now + timedelta(seconds=1)
    agreed, different = await again.rereviews.told(people["carl"], None, *span, desk.now)
    assert (agreed.verdict.n, agreed.verdict.agreed) == (4, 3)
    assert agreed.verdict.kappa == pytest.approx(0.5)
    assert [(each.case_id, each.first.verdict, each.second.verdict) for each in different] == [
        (cases[3], "cleared", "threat")
    ]
    zoe = await desk.person("zoe", Role.CHECKER, tenants=("other",))
    with pytest.raises(TenantNotYours, match="what is of acme is not there for you"):
        await again.rereviews.told(zoe, "acme", *span, desk.now)
    agreed, different = await again.rereviews.told(zoe, None, *span, desk.now)
    assert (agreed.verdict.n, agreed.verdict.kappa, different) == (0, None, [])
    with pytest.raises(NotAllowed):
        await again.next(people["carl"])
    said = [each for each in await desk.of_cases() if each.action == "case.rereviewed"]
    assert [each.details["differs"] for each in said] == ["no", "no", "no", "yes"]


async def test_so_large_a_share_is_drawn_by_lot(desk: Desk, people: dict[str, str]) -> None:
    """None at 0; about a half at 0.5: of 40, fewer than 7 or more than 33 come once in 100,000 times."""
    none = Again(desk, 0.0)
    await none.found(THREAT, people["ada"], people["carl"])
    assert await desk.pool.fetchval("select count(*) from triage.rereviews") == 0
    half = Again(desk, 0.5)
    for _ in range(40):
        await half.found(CLEARED, people["ada"], people["carl"])
    assert 7 <= await desk.pool.fetchval("select count(*) from triage.rereviews") <= 33


async def test_two_who_ask_at_once_get_two(desk: Desk, people: dict[str, str]) -> None:
    """Or one of them none; never the same."""
    again = Again(desk)
    for _ in range(2):
        await again.found(THREAT, people["ada"], people["carl"])
    one, other = await asyncio.gather(again.next(people["bob"]), again.next(people["eve"]))
    assert one is not None
    assert other is not None
    assert one.disposition_id != other.disposition_id


async def test_of_a_restricted_person_nothing_is_judged_again(desk: Desk, people: dict[str, str]) -> None:
    """Neither given out, nor taken from who was given it, nor among what is told (GDPR Art. 18)."""
    again = Again(desk)
    case = await again.found(THREAT, people["ada"], people["carl"])
    given = await again.next(people["bob"])
    assert given is not None
    await restrict(desk, case)
    assert await again.next(people["bob"]) is None
    with pytest.raises(CaseRefused, match="restricted"):
        await again.rereviews.judge(given.disposition_id, CLEARED, people["bob"], desk.now)
    assert await desk.pool.fetchval("select count(*) from triage.rereviews where judged_at is not null") == 0


async def test_it_goes_with_the_person_and_with_the_case(desk: Desk, people: dict[str, str]) -> None:
    """Erased, or too old: nothing of it is left, and nothing stands in the way."""
    again = Again(desk)
    case = await again.found(THREAT, people["ada"], people["carl"])
    await again.judge(people["bob"], CLEARED)
    tag = await desk.pool.fetchval("select subject_tag from triage.cases where case_id = $1", case)
    await desk.pool.execute("select triage.forget('acme', array[$1::text], $2)", tag, desk.now)
    assert await desk.pool.fetchval("select count(*) from triage.rereviews") == 0
    case = await again.found(CLEARED, people["ada"], people["carl"])
    await desk.desk.do("close", case, people["ada"], desk.now, reason="done")
    await desk.pool.execute("select triage.retire($1, '{}', '{}', 100)", desk.now + timedelta(days=1))
    assert await desk.pool.fetchval("select count(*) from triage.cases") == 0
