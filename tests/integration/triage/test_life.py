"""What people find cases to be: proposed, approved, labels and an escalation in the same act; on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.events import codec, topics
from proofwatch.events.types import Label
from services.triage.adapters.desk import CaseRefused, PostgresDesk
from services.triage.core.dispositions import Finding, FourEyes
from services.triage.core.life import TABLE
from tests.integration.triage.conftest import Triage
from tests.integration.triage.house import Desk
from tests.unit.triage.events import OTHER_ID, ended, incident, merged, suspicion

MASK = Finding.of("threat", "a seam", species="silicone_mask")


async def labels(triage: Triage) -> list[Label]:
    await triage.service.step(idle=True)
    return [codec.LABEL.decode(each.value) for each in await triage.records(topics.LABELS)]


async def stage(desk: Desk, case: str) -> str:
    return (await desk.desk.one(case, desk.tokens["carl"], desk.now)).listed.now.stage


@pytest.fixture
async def taken(desk: Desk) -> str:
    """A case that Ada works on; Carl is a checker."""
    await desk.person("ada", Role.ANALYST)
    await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.desk.do("take", case, desk.tokens["ada"], desk.now)
    return case


async def test_what_an_analyst_proposes_a_checker_approves_and_it_is_a_label(desk: Desk, taken: str) -> None:
    """Nothing is sent before; then labels of two people's authority, once, and people are told."""
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    told = len(await desk.triage.escalations())
    await desk.desk.do("review", taken, ada, desk.now)
    change = await desk.desk.do("threat", taken, ada, desk.now, finding=MASK)
    assert change.propose == MASK
    assert await stage(desk, taken) == "under_review"
    assert await labels(desk.triage) == []
    await desk.desk.do("approve", taken, carl, desk.now)
    assert await stage(desk, taken) == "escalated"
    (label,) = await labels(desk.triage)
    assert (label.tenant, label.transaction_id, label.presentation, label.pai_species) == (
        "acme",
        "t-1",
        "attack",
        "silicone_mask",
    )
    assert (label.authority, label.sampling_probability, label.asserted_at) == (70, 1.0, desk.now)
    escalations = await desk.triage.escalations()
    assert len(escalations) == told + 1
    assert (escalations[-1].case_id, escalations[-1].status) == (taken, "escalated")
    assert len(await labels(desk.triage)) == 1, "once"
    whole = await desk.desk.one(taken, carl, desk.now)
    (said,) = whole.said
    assert (said.state, said.proposed_by, said.settled_by) == ("approved", desk.ids["ada"], desk.ids["carl"])
    assert [(each.deed, each.to_stage) for each in whole.acts] == [
        ("take", "assigned"),
        ("review", "under_review"),
        ("approve", "threat"),
        ("escalate", "escalated"),
    ]
    assert [(each.action, each.details) for each in await desk.of_cases()][-2:] == [
        ("case.proposed", {"verdict": "threat", "attack": "presentation", "species": "silicone_mask"}),
        (
            "case.decided",
            {"verdict": "threat", "attack": "presentation", "species": "silicone_mask", "labels": 1, "people": 2},
        ),
    ]


async def test_nobody_approves_their_own(desk: Desk) -> None:
    """Whatever roles they have; who has no role for it does not either."""
    both, ada = await desk.person("both", Role.ANALYST, Role.CHECKER), await desk.person("ada", Role.ANALYST)
    await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.desk.do("take", case, both, desk.now)
    with pytest.raises(CaseRefused, match="nobody has proposed"):
        await desk.desk.do("approve", case, both, desk.now)
    await desk.desk.do("clear", case, both, desk.now, reason="poor light")
    for token, why in ((both, "you proposed it yourself"), (ada, "you need the role checker")):
        for deed in ("approve", "reject"):
            with pytest.raises(CaseRefused, match=why):
                await desk.desk.do(deed, case, token, desk.now)
    assert await labels(desk.triage) == []
    assert await stage(desk, case) == "assigned"
    assert [each.outcome for each in await desk.of_cases()][-4:] == ["denied"] * 4


async def test_changed_evidence_voids_what_waits(desk: Desk, taken: str) -> None:
    """The checker is refused, it is on record, and the analyst proposes anew on what there is now."""
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.desk.do("clear", taken, ada, desk.now, reason="poor light")
    with pytest.raises(CaseRefused, match="a checker approves what was proposed"):
        await desk.desk.do("close", taken, ada, desk.now, reason="done")
    await desk.triage.tell(suspicion(9, subject_ref="s-1"))
    with pytest.raises(CaseRefused, match="evidence has changed"):
        await desk.desk.do("approve", taken, carl, desk.now)
    assert [each.action for each in await desk.of_cases()][-2:] == ["case.decided", "case.voided"]
    with pytest.raises(CaseRefused, match="nobody has proposed"):
        await desk.desk.do("approve", taken, carl, desk.now)
    await desk.desk.do("clear", taken, ada, desk.now, reason="poor light, twice")
    await desk.desk.do("approve", taken, carl, desk.now)
    assert [each.transaction_id for each in await labels(desk.triage)] == ["t-1", "t-9"]
    assert [each.state for each in (await desk.desk.one(taken, carl, desk.now)).said] == ["voided", "approved"]


async def test_a_checker_sends_back_and_an_analyst_may_change_what_they_propose(desk: Desk, taken: str) -> None:
    """What was sent back, or replaced, makes no label."""
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.desk.do("threat", taken, ada, desk.now, finding=MASK)
    desk.now += timedelta(seconds=1)
    await desk.desk.do("clear", taken, ada, desk.now, reason="a collar")
    await desk.desk.do("reject", taken, carl, desk.now, reason="look again")
    desk.now += timedelta(seconds=1)
    await desk.desk.do("threat", taken, ada, desk.now, finding=MASK)
    await desk.desk.do("approve", taken, carl, desk.now)
    assert [each.presentation for each in await labels(desk.triage)] == ["attack"]
    said = (await desk.desk.one(taken, carl, desk.now)).said
    assert [(each.verdict, each.state) for each in said] == [
        ("threat", "replaced"),
        ("cleared", "rejected"),
        ("threat", "approved"),
    ]


async def test_where_one_person_is_enough_the_deed_is_the_decision(desk: Desk, taken: str) -> None:
    """With the lesser authority; and what is found later goes over what was found before."""
    ada = desk.tokens["ada"]
    alone = PostgresDesk(desk.pool, four_eyes=FourEyes.read("threat,acme=none"))
    assert (await alone.do("clear", taken, ada, desk.now, reason="poor light")).decide
    assert await stage(desk, taken) == "cleared"
    desk.now += timedelta(seconds=1)
    await alone.do("threat", taken, ada, desk.now, finding=MASK)
    told = await labels(desk.triage)
    assert [(each.presentation, each.authority) for each in told] == [("bona_fide", 45), ("attack", 45)]
    assert told[0].asserted_at < told[1].asserted_at
    assert told[0].label_id != told[1].label_id


async def test_who_does_not_work_on_it_says_nothing_of_it(desk: Desk, taken: str) -> None:
    """Neither another analyst, nor a checker."""
    bob = await desk.person("bob", Role.ANALYST)
    for token, why in ((bob, "take the case first"), (desk.tokens["carl"], "you need the role analyst")):
        with pytest.raises(CaseRefused, match=why):
            await desk.desk.do("clear", taken, token, desk.now, reason="x")
    with pytest.raises(CaseRefused, match="has no place while a case is assigned"):
        await desk.desk.do("novel", taken, desk.tokens["ada"], desk.now, reason="x")


async def test_from_a_threat_to_the_research_group(desk: Desk, taken: str) -> None:
    """Novel, of high risk, referred; there a researcher says what it is."""
    ada, carl, rita = desk.tokens["ada"], desk.tokens["carl"], await desk.person("rita", Role.RESEARCHER)
    await desk.desk.do("threat", taken, ada, desk.now, finding=MASK)
    await desk.desk.do("approve", taken, carl, desk.now)
    await desk.desk.do("novel", taken, ada, desk.now, reason="in no pattern")
    await desk.desk.do("high_risk", taken, ada, desk.now, reason="it passes everywhere")
    await desk.desk.do("refer", taken, ada, desk.now, reason="for research")
    assert await stage(desk, taken) == "research"
    await desk.desk.do("take", taken, rita, desk.now)
    await desk.desk.do("know", taken, rita, desk.now, reason="as in May")
    await desk.desk.do("close", taken, carl, desk.now, reason="known")
    assert await stage(desk, taken) == "closed"


async def test_a_case_rests_until_its_time_or_until_there_is_news(desk: Desk, taken: str) -> None:
    """It is nobody's next case meanwhile."""
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.desk.do("release", taken, ada, desk.now)
    for until in (desk.now, desk.now + timedelta(days=31)):
        with pytest.raises(CaseRefused, match="within 30 days"):
            await desk.desk.do("snooze", taken, carl, desk.now, reason="later", until=until)
    until = desk.now + timedelta(minutes=5)
    await desk.desk.do("snooze", taken, carl, desk.now, reason="later", until=until)
    assert await desk.desk.next(ada, desk.now) is None
    await desk.triage.tell(suspicion(1, subject_ref="s-1"))
    assert await desk.desk.next(ada, desk.now) is None, "told again is no news"
    await desk.triage.tell(suspicion(9, subject_ref="s-1"))
    found = await desk.desk.next(ada, desk.now)
    assert found
    assert found.case.listed.now.case_id == taken
    await desk.desk.do("release", taken, ada, desk.now)
    await desk.desk.do("snooze", taken, carl, desk.now, reason="later", until=desk.now + timedelta(minutes=5))
    await desk.desk.do("wake", taken, carl, desk.now)
    assert not (await desk.desk.do("wake", taken, carl, desk.now)).is_anything
    assert await desk.desk.next(ada, desk.now)


async def test_a_closed_case_is_opened_anew_unless_it_goes_on_elsewhere(desk: Desk, taken: str) -> None:
    """With a reason; as new, and nobody's."""
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await desk.desk.do("close", taken, ada, desk.now, reason="done")
    await desk.desk.do("reopen", taken, carl, desk.now, reason="not done")
    whole = await desk.desk.one(taken, carl, desk.now)
    now = whole.listed.now
    assert (now.stage, now.state, now.assignee, whole.ended) == ("new", "escalated", None, None)
    assert whole.moves[-1].why == "reopened_by_person"
    await desk.desk.do("close", taken, carl, desk.now, reason="done")
    await desk.triage.tell(suspicion(9, subject_ref="s-1"))
    with pytest.raises(CaseRefused, match="goes on in another case"):
        await desk.desk.do("reopen", taken, carl, desk.now, reason="not done")
    await desk.triage.tell(incident(1))
    of_incident = str(await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'"))
    await desk.triage.tell(merged(2, into=OTHER_ID))
    with pytest.raises(CaseRefused, match="goes on in another case"):
        await desk.desk.do("reopen", of_incident, carl, desk.now, reason="not done")


@pytest.mark.parametrize("found", ["new", "under_review", "cleared", "escalated", "novel", "research"])
async def test_the_database_follows_what_befalls_a_case(desk: Desk, found: Any) -> None:
    """As the table has it: more evidence, an incident that comes again, one that is a part of another."""
    await desk.person("carl", Role.CHECKER)
    await desk.triage.tell(incident(1))
    case = str(await desk.pool.fetchval("select case_id from triage.cases"))

    async def befallen() -> str:
        return str(await desk.pool.fetchval("select stage from triage.cases"))

    await desk.pool.execute("update triage.cases set stage = $1", found)
    await desk.triage.tell(incident(2))
    assert await befallen() == TABLE[found, "evidence"]
    await desk.triage.tell(ended(3))
    await desk.pool.execute("update triage.cases set stage = $1", found)
    await desk.desk.do("close", case, desk.tokens["carl"], desk.now, reason="x")
    assert await befallen() == "closed"
    await desk.triage.tell(incident(4))
    assert await befallen() == TABLE["closed", "evidence"] == "closed"
    await desk.triage.tell(incident(5, change="again"))
    assert await befallen() == TABLE["closed", "again"]
    await desk.pool.execute("update triage.cases set stage = $1", found)
    await desk.triage.tell(merged(6, into=OTHER_ID))
    assert await befallen() == TABLE[found, "merged"]


async def test_no_finding_without_its_entry_and_no_label_without_the_finding(desk: Desk, taken: str) -> None:
    """All of it is one transaction."""
    alone = PostgresDesk(desk.pool, four_eyes=FourEyes.read("none"))
    await desk.pool.execute("alter table audit.pending add constraint closed check (false) not valid")
    with pytest.raises(Exception, match="closed"):
        await alone.do("threat", taken, desk.tokens["ada"], desk.now, finding=MASK)
    for table in ("dispositions", "unsent"):
        assert await desk.pool.fetchval(f"select count(*) from triage.{table}") == 0  # noqa: S608 — of this test
    assert await labels(desk.triage) == []
