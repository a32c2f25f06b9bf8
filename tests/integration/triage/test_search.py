"""Cases are found by what is on record of them; what is restricted or not theirs, nobody finds; real PostgreSQL."""

from datetime import timedelta

from proofwatch.access.roles import Role
from proofwatch.events.types import Slice
from services.triage.adapters.desk_reads import After
from services.triage.core.tasks import Task
from services.triage.core.wanted import Wanted
from tests.integration.triage.house import Desk
from tests.unit.triage.events import INCIDENT_ID, incident

EVERY = ("open", "escalated", "closed")


async def found(desk: Desk, token: str, wanted: Wanted) -> list[str]:
    cases = await desk.desk.listed(token, desk.now, states=EVERY, wanted=wanted)
    return [each.now.case_id for each in cases]


async def restrict(desk: Desk, case: str) -> None:
    await desk.pool.execute(
        """insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
        select 'h', tenant, subject_tag, 't', 'p', $2, 'accuracy', subject_tag from triage.cases where case_id = $1""",
        case,
        desk.now - timedelta(hours=1),
    )


async def test_by_id_transaction_slice_and_who_has_it(desk: Desk) -> None:
    """The first letters that lists show, the upstream's transaction, the slice of an incident, a person's name."""
    ada = await desk.person("ada", Role.ANALYST)
    one, two = await desk.case(), await desk.case()
    slice_ = Slice(segment_name="device_model", segment_value="nile-b7")
    await desk.triage.tell(incident(7, root=(slice_,)))
    of_incident = str(await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'"))
    await desk.desk.do("take", two, ada, desk.now)
    for text, case in ((one, one), (one[:8], one), ("t-2", two), ("nile-b7", of_incident), ("ada", two)):
        assert await found(desk, ada, Wanted(text=text)) == [case], text
    assert await found(desk, ada, Wanted(text=INCIDENT_ID)) == [of_incident], "as notices name it"
    for text in (one[:7], one[1:], "t-", "T-2", "t-2' or true", "%", "_" * 8, "", "nobody", "\uffff" * 9):
        assert await found(desk, ada, Wanted(text=text)) == [], text
    await desk.pool.execute("update triage.cases set state = 'closed' where case_id = $1", one)
    assert await found(desk, ada, Wanted(text="t-1")) == [one], "closed ones, too"


async def test_a_part_leads_to_its_whole(desk: Desk) -> None:
    """By the transaction of a part, or its id, the case that people work on is found, once."""
    ada = await desk.person("ada", Role.ANALYST)
    one, two = await desk.case(), await desk.case()
    for each in (one, two):
        await desk.desk.do("take", each, ada, desk.now)
    await desk.desk.do("merge", two, ada, desk.now, into=one, reason="the same mask")
    for text in ("t-1", "t-2", two, two[:8], "ada"):
        assert await found(desk, ada, Wanted(text=text)) == [one], text


async def test_tenant_kind_and_severity_narrow_a_list(desk: Desk) -> None:
    """Alone and together, and with a text."""
    ada = await desk.person("ada", Role.ANALYST)
    one = await desk.case()
    other = await desk.case(tenant="other", suspicion_id="of-another", severity="medium")
    await desk.triage.tell(incident(7))
    of_incident = str(await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'"))
    assert await found(desk, ada, Wanted(tenant="other")) == [other]
    assert await found(desk, ada, Wanted(kind="incident")) == [of_incident]
    assert set(await found(desk, ada, Wanted(kind="subject"))) == {one, other}
    assert await found(desk, ada, Wanted(kind="subject", severity="high")) == [one]
    assert await found(desk, ada, Wanted(tenant="acme", text="t-2")) == []
    assert await found(desk, ada, Wanted(tenant="nowhere")) == []


async def test_nobody_finds_what_is_not_there_for_them(desk: Desk) -> None:
    """Of another tenant, also by naming it; of the Research Group nothing but what was referred to it."""
    await desk.person("ada", Role.ANALYST)
    bob = await desk.person("bob", Role.ANALYST, tenants=("other",))
    eve = await desk.person("eve", Role.RESEARCHER)
    case = await desk.case()
    for text in (case, "t-1"):
        assert await found(desk, bob, Wanted(text=text)) == []
        assert await found(desk, bob, Wanted(tenant="acme", text=text)) == []
        assert await found(desk, eve, Wanted(text=text)) == []


async def test_who_is_restricted_is_found_by_the_id_of_their_case_alone(desk: Desk) -> None:
    """A transaction of theirs leads nowhere: that it is of this case is what restriction keeps shut (GDPR Art. 18)."""
    ada = await desk.person("ada", Role.ANALYST)
    case = await desk.case()
    await restrict(desk, case)
    assert await found(desk, ada, Wanted(text="t-1")) == []
    assert await found(desk, ada, Wanted(text=case)) == [case]


async def test_a_task_is_found_and_of_who_is_restricted_not_told(desk: Desk) -> None:
    """It says by what somebody was suspected: a restricted case is of its kind's task, and no search by it."""
    ada = await desk.person("ada", Role.ANALYST)
    one = await desk.case(reason="liveness_far_below_threshold")
    two = await desk.case(reason="match_far_below_threshold")
    await desk.triage.tell(incident(7, action="audit_and_threshold_proposal"))
    [three] = await found(desk, ada, Wanted(kind="incident"))
    of_each: tuple[tuple[Task, str], ...] = (
        ("fraud_analyst_review", one), ("manual_kyc_review", two), ("threshold_proposal", three),
    )  # fmt: skip
    for task, case in of_each:
        assert await found(desk, ada, Wanted.given(task=task)) == [case], task
        [listed] = await desk.desk.listed(ada, desk.now, case_id=case)
        assert listed.task == task
    await desk.pool.execute("update triage.cases set task = null where case_id = $1", one)
    [listed] = await desk.desk.listed(ada, desk.now, case_id=one)
    assert listed.task == "subject_suspicion", "a release before knew no task"
    await restrict(desk, two)
    [listed] = await desk.desk.listed(ada, desk.now, case_id=two)
    assert listed.task == "subject_suspicion"
    assert await found(desk, ada, Wanted.given(task="manual_kyc_review")) == []


async def test_a_search_has_pages_and_is_on_record(desk: Desk) -> None:
    """Of one order, each case once; an entry for each look, with how many there were, and without what was sought."""
    ada = await desk.person("ada", Role.ANALYST)
    cases = {await desk.case() for _ in range(5)}
    seen: list[str] = []
    place: After | None = None
    for _ in range(3):
        page = await desk.desk.listed(ada, desk.now, states=EVERY, wanted=Wanted(tenant="acme"), most=2, after=place)
        seen += [each.now.case_id for each in page]
        place = After.of(page[-1], desk.now)
    assert (len(seen), set(seen)) == (5, cases)
    looks = [each for each in await desk.entries() if each.action == "cases.read"]
    assert [each.details["cases"] for each in looks] == [2, 2, 1]
    await found(desk, ada, Wanted(text="t-3"))
    assert "t-3" not in repr((await desk.entries())[-1].details)
