"""Attempts beside a case: of its people, of their handsets, and of what a cluster is made by; on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from proofwatch.access.roles import Role
from proofwatch.events.types import Device, Suspicion, Verdict
from services.triage.adapters.desk import NoSuchCase
from services.triage.core.timeline import AttemptPlace, Timeline
from tests.integration.triage.house import Desk
from tests.integration.triage.test_attempts import judge, verdict
from tests.integration.triage.test_clusters import CLUSTERS, alarm, on, settle
from tests.integration.triage.test_restricted import permit, restrict
from tests.unit.triage.events import AT, suspicion

MODEL = {"model": "A-1801", "os": "android"}


def told(timeline: Timeline) -> list[tuple[str, str]]:
    return [(each.transaction_id, each.by) for each in timeline.attempts]


async def seen(desk: Desk, case: str, token: str) -> Timeline:
    return (await desk.desk.one(case, token, desk.now)).timeline


async def case_of(desk: Desk, subject: str) -> str:
    row = "select c.case_id from triage.cases c join triage.case_reasons r using (case_id) where r.transaction_id = $1"
    return str(await desk.pool.fetchval(row, subject))


def handset(number: int, ref: str, subject: str, decision: str = "retry", **given: Any) -> Verdict:
    return verdict(number, decision, subject_ref=subject, device={"ref": ref, **MODEL}, **given)


async def test_what_the_person_tried_is_told_and_what_was_accepted_after_failures(desk: Desk) -> None:
    """The newest first; before the suspicion and after it; others' attempts are not there."""
    ada = await desk.person("ada", Role.ANALYST)
    failed = [verdict(n) for n in range(1, 6)]
    await judge(desk.triage, verdict(0, "accept"), *failed, verdict(6, "accept"), verdict(7, subject_ref="s-2"))
    await desk.triage.tell(suspicion(3))
    found = await seen(desk, await case_of(desk, "t-3"), ada)
    assert told(found) == [(f"t-{n}", "person") for n in (6, 5, 4, 3, 2, 1)]
    assert [(each.decision, each.failed_before) for each in found.attempts][:2] == [("accept", 5), ("retry", 0)]
    assert (found.total, found.of_people, found.accepted, found.people, found.more) == (6, 6, 1, 1, False)
    assert len({each.person for each in found.attempts}) == 1


async def test_what_came_of_the_same_handset_is_told_as_others(desk: Desk) -> None:
    """Each once; of another tenant's handset of that name nothing; people are called otherwise in another case."""
    ada = await desk.person("ada", Role.ANALYST)
    await judge(desk.triage, handset(1, "d-1", "s-1"), handset(2, "d-1", "s-2"), handset(3, "d-9", "s-3"))
    await judge(desk.triage, handset(4, "d-1", "s-1", tenant="bank"), handset(5, "d-1", "s-2", "accept"))
    await desk.triage.tell(suspicion(1), suspicion(2, subject_ref="s-2"))
    one, two = await seen(desk, await case_of(desk, "t-1"), ada), await seen(desk, await case_of(desk, "t-2"), ada)
    assert told(one) == [("t-5", "device"), ("t-2", "device"), ("t-1", "person")]
    assert told(two) == [("t-5", "person"), ("t-2", "person"), ("t-1", "device")]
    assert (one.total, one.of_people, one.people) == (3, 1, 2)
    names = [{each.transaction_id: each.person for each in found.attempts} for found in (one, two)]
    assert names[0]["t-2"] == names[0]["t-5"] != names[0]["t-1"]
    assert not {*names[0].values()} & {*names[1].values()}


async def test_a_cluster_lists_the_attempts_of_its_people_and_of_the_slice_while_it_is_in_alarm(desk: Desk) -> None:
    """Also of people whose attempts raised nothing; not those of before the alarm, nor on another model."""
    ada = await desk.person("ada", Role.ANALYST)
    suspects = [suspicion(n, subject_ref=f"s-{n}", device=on(n).device) for n in range(1, 6)]
    await judge(desk.triage, *[handset(n, f"d-{n}", f"s-{n}") for n in range(1, 6)])
    await judge(desk.triage, handset(9, "d-50", "s-50"), handset(10, "d-50", "s-50", "accept"))
    await judge(desk.triage, handset(11, "d-51", "s-51", occurred_at=AT - timedelta(hours=30)))
    await judge(desk.triage, verdict(12, subject_ref="s-52", device={"ref": "d-52", "model": "K-15", "os": "ios"}))
    await desk.triage.tell(alarm(), *[_with_model(each) for each in suspects])
    await settle(desk.triage)
    [cluster] = await desk.triage.rows(CLUSTERS)
    found = await seen(desk, cluster["case_id"], ada)
    assert {by for _, by in told(found)} == {"person", "cohort"}
    assert {name for name, by in told(found) if by == "cohort"} == {"t-9", "t-10"}
    assert {name for name, by in told(found) if by == "person"} == {f"t-{n}" for n in range(1, 6)}


def _with_model(each: Suspicion) -> Suspicion:
    return msgspec.structs.replace(each, device=Device(ref=f"d-{each.subject_ref[2:]}", **MODEL))


async def test_a_long_listing_goes_on_where_it_ended(desk: Desk) -> None:
    """In pages, none twice and none missing, also where several are of one moment."""
    ada = await desk.person("ada", Role.ANALYST)
    await judge(desk.triage, *[verdict(n, occurred_at=AT + timedelta(minutes=n // 4)) for n in range(130)])
    await desk.triage.tell(suspicion(3))
    case = await case_of(desk, "t-3")
    first = await seen(desk, case, ada)
    assert (len(first.attempts), first.total, first.more) == (50, 130, True)
    names, after = list[str](), AttemptPlace(*first.last)
    names += [name for name, _ in told(first)]
    while True:
        page = await desk.desk.attempts(case, ada, desk.now, 40, after)
        names += [name for name, _ in told(page)]
        if not page.more:
            break
        after = page.last
    assert len(names) == len(set(names)) == 130


async def test_of_who_is_restricted_nothing_is_listed_until_it_is_permitted(desk: Desk) -> None:
    """GDPR Art. 18: neither at their case nor at another's; permitted, it is at theirs alone."""
    ada = await desk.person("ada", Role.ANALYST)
    await judge(desk.triage, handset(1, "d-1", "s-1"), handset(2, "d-1", "s-2"))
    await desk.triage.tell(suspicion(1), suspicion(2, subject_ref="s-2"))
    one, two = await case_of(desk, "t-1"), await case_of(desk, "t-2")
    await restrict(desk, one)
    assert told(await seen(desk, one, ada)) == []
    assert told(await seen(desk, two, ada)) == [("t-2", "person")]
    await permit(desk, one)
    assert told(await seen(desk, one, ada)) == [("t-2", "device"), ("t-1", "person")]
    assert told(await seen(desk, two, ada)) == [("t-2", "person")]


async def test_a_look_is_on_record_and_is_for_who_may_see_the_case(desk: Desk) -> None:
    """As that of the case: who, in which role, which case, for which purpose; a stranger's found none."""
    await desk.person("ada", Role.ANALYST)
    await desk.person("eve", Role.ANALYST, tenants=("other",))
    await desk.person("rita", Role.RESEARCHER)
    await judge(desk.triage, verdict(1))
    await desk.triage.tell(suspicion(1))
    case = await case_of(desk, "t-1")
    await desk.desk.attempts(case, desk.tokens["ada"], desk.now, 10)
    looked = [each for each in await desk.entries() if each.action == "cases.read"][-1]
    assert (looked.purpose, looked.details["cases"], looked.outcome) == ("provide_features", 1, "granted")
    assert looked.objects[0].id == case
    for name in ("eve", "rita"):
        with pytest.raises(NoSuchCase):
            await desk.desk.attempts(case, desk.tokens[name], desk.now, 10)
        looked = [each for each in await desk.entries() if each.action == "cases.read"][-1]
        assert looked.details["cases"] == 0
