"""Cases of somebody whose processing is restricted (GDPR Art. 18): there, and not judged, nor shown why; PostgreSQL."""

import random
from datetime import timedelta

import pytest

from proofwatch.access.roles import Role
from services.triage.adapters.desk import CaseRefused
from services.triage.adapters.restricted import restriction_of, shut_cases
from services.triage.adapters.waiting import waiting
from services.triage.api.shown import shown_whole
from services.triage.commands.text import as_table, of_case
from services.triage.core.dispositions import Finding
from services.triage.core.whole import WholeCase
from tests.integration.triage.house import Desk
from tests.integration.triage.test_clusters import CLUSTERS, members, on, settle
from tests.integration.triage.test_life import labels
from tests.unit.triage.events import suspicion
from tests.unit.triage.test_assignments import somebody

FOUND = Finding.of("threat", "a seam")
_ANYBODY = somebody(Role.ANALYST)
_PLACE = """
insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
select 'hold-1', tenant, subject_tag, 'ticket', 'pia', $2, 'accuracy', subject_tag from triage.cases
where case_id = $1"""
_PERMIT = "insert into privacy.permitted_uses values('hold-1', $1, 'legal_claims', 'claim', 'paul', $2, $3)"
_FILL = """
insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at, changed_at,
  part_of)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], array_fill('open'::text, $6),
  array_fill('low'::text, $6), array_fill('soc'::text, $6), array_fill(1, $6), array_fill($7::timestamptz, $6),
  array_fill($7::timestamptz, $6), $5::text[])"""
_HOLD = """
insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
values($1, $2, $3, 'ticket', 'pia', $4, 'accuracy', $3)"""
_MAY = "insert into privacy.permitted_uses values($1, $2, 'legal_claims', 'claim', 'paul', $3, $4)"
_ONE_BY_ONE = f"select c.case_id from triage.cases c{restriction_of('c', '$1')} where restriction.holds"  # noqa: S608
_AS_A_SET = f"with {shut_cases('$1')} select case_id from shut"  # noqa: S608 - both are ours


async def restrict(desk: Desk, case: str) -> None:
    await desk.pool.execute(_PLACE, case, desk.now)


async def permit(desk: Desk, case: str) -> None:
    await desk.pool.execute(_PERMIT, case, desk.now, desk.now + timedelta(minutes=10))


async def test_it_is_listed_as_restricted_without_why(desk: Desk) -> None:
    """Reasons, transactions and evidence are not shown; another person's case is as ever; then it is permitted."""
    ada = await desk.person("ada", Role.ANALYST)
    case, other = await desk.case(), await desk.case()
    await restrict(desk, case)
    listed = {each.now.case_id: each for each in await desk.desk.listed(ada, desk.now)}
    assert {name: (each.now.restricted, bool(each.reasons)) for name, each in listed.items()} == {
        case: (True, False),
        other: (False, True),
    }
    whole = await desk.desk.one(case, ada, desk.now)
    assert (whole.reasons, whole.listed.reasons, bool(whole.moves)) == ((), (), True)
    await permit(desk, case)
    whole = await desk.desk.one(case, ada, desk.now)
    assert (bool(whole.reasons), whole.listed.now.restricted) == (True, False)
    desk.later(minutes=10)
    assert (await desk.desk.one(case, ada, desk.now)).reasons == ()


def says(case: WholeCase) -> set[str]:
    """Return what of a case's words is anywhere in what is shown of it."""
    shown = of_case(case) + shown_whole(case, _ANYBODY).model_dump_json()
    return {each for each in ("a seam", "silicone", "a collar", "the May mask", "t-1", '"threat"') if each in shown}


async def test_what_was_found_and_said_of_it_is_not_shown_either(desk: Desk) -> None:
    """Finding, what waits, reasons of deeds and of closing; who did what and when stays; afterwards all is there."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    found = Finding.of("threat", "a seam", "presentation", "silicone")
    await desk.desk.do("take", case, ada, desk.now)
    await desk.desk.do("threat", case, ada, desk.now, finding=found)
    await desk.desk.do("snooze", case, ada, desk.now, until=desk.now + timedelta(days=3), reason="a collar")
    before = await desk.desk.one(case, ada, desk.now)
    assert says(before) == {"a seam", "silicone", "a collar", "t-1", '"threat"'}
    await restrict(desk, case)
    shut = await desk.desk.one(case, ada, desk.now)
    assert says(shut) == set()
    assert [(each.at, each.deed, each.person_id) for each in shut.acts] == [
        (each.at, each.deed, each.person_id) for each in before.acts
    ]
    assert [(each.proposed_at, each.proposed_by, each.state) for each in shut.said] == [
        (each.proposed_at, each.proposed_by, each.state) for each in before.said
    ]
    proposal = shown_whole(shut, _ANYBODY).proposal
    assert proposal is not None
    assert (proposal.proposed_by_name, proposal.verdict, proposal.reason) == ("ada", None, None)
    await desk.desk.do("reject", case, carl, desk.now, reason="x")
    await desk.desk.do("close", case, ada, desk.now, reason="the May mask")
    shut = await desk.desk.one(case, ada, desk.now)
    assert says(shut) == set()
    assert shut.ended is not None
    assert (shut.ended.at, shut.ended.reason) == (desk.now, None)
    await desk.pool.execute("delete from privacy.holds")
    assert says(await desk.desk.one(case, ada, desk.now)) == says(before) | {"the May mask"}


async def test_the_table_of_cases_says_that_it_is_restricted(desk: Desk) -> None:
    """Not the dash of a case without a reason."""
    ada = await desk.person("ada", Role.ANALYST)
    await restrict(desk, await desk.case())
    await desk.case()
    listed = as_table(await desk.desk.listed(ada, desk.now)).splitlines()[1:]
    assert sorted("restricted" in each for each in listed) == [False, True]


async def test_nobody_is_given_it_as_the_next_one(desk: Desk) -> None:
    """And it is not counted among those that wait."""
    ada = await desk.person("ada", Role.ANALYST)
    case, other = await desk.case(), await desk.case()
    await restrict(desk, case)
    asking = await desk.people.session_of(ada, desk.now)
    assert asking is not None
    counted = await waiting(desk.pool, asking, desk.now, desk.now)
    assert (counted.running, counted.waiting) == (2, 1)
    given = await desk.desk.next(ada, desk.now)
    assert given is not None
    assert (given.case.listed.now.case_id, given.waiting) == (other, 1)
    assert await desk.desk.next(ada, desk.now) is None


async def test_nobody_judges_it_and_each_refusal_is_on_record(desk: Desk) -> None:
    """Neither what was proposed before nor anew. Permitted, it is judged."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.desk.do("take", case, ada, desk.now)
    await desk.desk.do("threat", case, ada, desk.now, finding=FOUND)
    await restrict(desk, case)
    for deed, token in (("threat", ada), ("clear", ada), ("review", ada), ("refer", ada), ("approve", carl)):
        with pytest.raises(CaseRefused, match=r"restricted \(GDPR Art. 18\)"):
            await desk.desk.do(deed, case, token, desk.now, reason="x")  # type: ignore[arg-type]
    denied = [each for each in await desk.of_cases() if each.outcome == "denied"]
    assert {each.details["why"] for each in denied} == {"processing_restricted"}
    assert len(denied) == 5
    assert await labels(desk.triage) == []
    await permit(desk, case)
    await desk.desk.do("approve", case, carl, desk.now)
    assert [each.transaction_id for each in await labels(desk.triage)] == ["t-1"]


async def test_it_may_rest_be_released_sent_back_and_closed(desk: Desk) -> None:
    """What ends work on it uses nothing of the person; it is opened anew by nobody."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.desk.do("take", case, ada, desk.now)
    await desk.desk.do("threat", case, ada, desk.now, finding=FOUND)
    await restrict(desk, case)
    await desk.desk.do("reject", case, carl, desk.now, reason="restricted")
    await desk.desk.do("snooze", case, ada, desk.now, until=desk.now + timedelta(days=3), reason="restricted")
    await desk.desk.do("release", case, ada, desk.now)
    await desk.desk.do("close", case, carl, desk.now, reason="restricted")
    with pytest.raises(CaseRefused, match="restricted"):
        await desk.desk.do("reopen", case, carl, desk.now, reason="x")


async def test_as_a_part_it_is_neither_shown_nor_labelled_with_the_whole(desk: Desk) -> None:
    """The whole is judged; of the part there is no label, and nobody merges it anew."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    whole, part, third = await desk.case(), await desk.case(), await desk.case()
    await desk.desk.do("merge", part, ada, desk.now, into=whole, reason="the same mask")
    await restrict(desk, part)
    await desk.triage.tell(suspicion(7, subject_ref="s-2"))
    shown = await desk.desk.one(whole, ada, desk.now)
    assert [each.transaction_id for each in shown.reasons] == ["t-1"]
    await desk.desk.do("take", whole, ada, desk.now)
    await desk.desk.do("threat", whole, ada, desk.now, finding=FOUND)
    await desk.desk.do("approve", whole, carl, desk.now)
    assert [each.transaction_id for each in await labels(desk.triage)] == ["t-1"]
    await desk.pool.execute("delete from privacy.holds")
    await restrict(desk, third)
    with pytest.raises(CaseRefused, match="restricted"):
        await desk.desk.do("merge", third, ada, desk.now, into=await desk.case(), reason="x")


async def test_a_part_that_is_permitted_by_its_whole_is_labelled(desk: Desk) -> None:
    """A case is permitted as people work on it."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    whole, part = await desk.case(), await desk.case()
    await desk.desk.do("merge", part, ada, desk.now, into=whole, reason="the same mask")
    await restrict(desk, part)
    await permit(desk, whole)
    await desk.desk.do("take", whole, ada, desk.now)
    await desk.desk.do("threat", whole, ada, desk.now, finding=FOUND)
    await desk.desk.do("approve", whole, carl, desk.now)
    assert sorted(each.transaction_id for each in await labels(desk.triage)) == ["t-1", "t-2"]


async def test_no_attack_is_found_by_it_and_it_joins_none(desk: Desk) -> None:
    """Of three on one handset one is restricted: two are no cluster; of the next one's cluster it is no part."""
    triage = desk.triage
    await triage.tell(on(1), on(2))
    await settle(triage)
    first = await triage.rows(
        "select c.case_id from triage.cases c join triage.case_reasons r using (case_id) where r.transaction_id = 't-1'"
    )
    await restrict(desk, first[0]["case_id"])
    await triage.tell(on(3))
    await settle(triage)
    assert await triage.rows(CLUSTERS) == []
    await triage.tell(on(4))
    await settle(triage)
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-2", "t-3", "t-4"]
    await desk.pool.execute("delete from privacy.holds")
    await triage.tell(on(5))
    await triage.tell(on(6, subject_ref="s-1"))
    await settle(triage)
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3", "t-4", "t-5", "t-6"]


async def test_a_part_is_marked_and_a_cluster_of_none_but_restricted_people_is_restricted(desk: Desk) -> None:
    """How many are left out is told; of all of them it is neither given, shown nor judged, until one is permitted."""
    ada = await desk.person("ada", Role.ANALYST)
    await desk.triage.tell(on(1), on(2), on(3))
    await settle(desk.triage)
    rows = await desk.triage.rows("select case_id, part_of from triage.cases where part_of is not null order by 1")
    whole, parts = rows[0]["part_of"], [each["case_id"] for each in rows]
    for out, part in enumerate(parts):
        seen = await desk.desk.one(whole, ada, desk.now)
        assert (seen.listed.now.restricted, seen.left_out, shown_whole(seen, _ANYBODY).left_out) == (False, out, out)
        assert {each.case_id: (each.restricted, each.why, each.reasons) for each in seen.parts} == {
            each: (True, None, None) if number < out else (False, "device", 1) for number, each in enumerate(parts)
        }
        assert "cluster_device" in {each.code for each in seen.reasons}
        await desk.pool.execute(_PLACE.replace("'hold-1'", "'hold-' || $1"), part, desk.now)
    seen = await desk.desk.one(whole, ada, desk.now)
    assert (seen.listed.now.restricted, seen.reasons, seen.listed.reasons, seen.left_out) == (True, (), (), 3)
    assert await desk.desk.next(ada, desk.now) is None
    await desk.desk.do("take", whole, ada, desk.now)
    with pytest.raises(CaseRefused, match="restricted"):
        await desk.desk.do("threat", whole, ada, desk.now, finding=FOUND)
    await desk.pool.execute(_PERMIT.replace("'hold-1'", "'hold-' || $1"), parts[0], desk.now, desk.now + timedelta(1))
    seen = await desk.desk.one(whole, ada, desk.now)
    assert (seen.listed.now.restricted, seen.left_out, bool(seen.reasons)) == (False, 2, True)
    await desk.desk.do("threat", whole, ada, desk.now, finding=FOUND)


async def test_a_restricted_part_may_be_taken_out(desk: Desk) -> None:
    """That uses nothing; what it leaves is as ever."""
    ada = await desk.person("ada", Role.ANALYST)
    whole, part = await desk.case(), await desk.case()
    await desk.desk.do("merge", part, ada, desk.now, into=whole, reason="the same mask")
    await restrict(desk, part)
    await desk.desk.do("unmerge", part, ada, desk.now, reason="restricted")
    left = await desk.desk.one(whole, ada, desk.now)
    assert (left.left_out, left.listed.now.restricted) == (0, False)
    [gone] = left.parts
    assert (gone.restricted, gone.why, gone.left_why, gone.left_at) == (True, None, None, desk.now)


@pytest.mark.parametrize("seed", range(20))
async def test_what_is_shut_is_the_same_as_a_set(desk: Desk, seed: int) -> None:
    """What is counted of thousands is what each would be found to be: people of two tenants, with cases and parts."""
    chance = random.Random(seed)
    wholes = [(f"w{n}", chance.choice(("a", "b")), chance.choice(("cluster", "subject"))) for n in range(6)]
    tags = [f"{n:032x}" for n in range(30)]
    rows: list[tuple[str, str, str, str | None, str | None]] = [
        (case, tenant, kind, None if kind == "cluster" else tags.pop(), None) for case, tenant, kind in wholes
    ]
    for n in range(14):
        of, tenant, _ = chance.choice(wholes)
        rows.append((f"p{n}", tenant, "subject", tags.pop(), chance.choice((of, of, None))))
    await desk.pool.execute(_FILL, *map(list, zip(*rows, strict=True)), [len(rows)], desk.now)
    for number, (case, tenant, _, tag, whole) in enumerate(rows):
        if tag and chance.random() < (0.9 if whole else 0.3):
            await desk.pool.execute(_HOLD, f"h{number}", chance.choice((tenant, tenant, "a")), tag, desk.now)
            if chance.random() < 0.2:
                until = desk.now + timedelta(minutes=chance.choice((-1, 1)))
                use = chance.choice((case, whole or case))
                await desk.pool.execute(_MAY, f"h{number}", use, desk.now - timedelta(hours=1), until)
    found = [[row[0] for row in await desk.pool.fetch(query, desk.now)] for query in (_ONE_BY_ONE, _AS_A_SET)]
    assert sorted(found[0]) == sorted(found[1]), "each once"
