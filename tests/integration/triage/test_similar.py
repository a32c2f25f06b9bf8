"""Beside a case: earlier cases of its person, and cases that have something in common with it; on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

from proofwatch.access.roles import Role
from proofwatch.events.types import Timings
from services.triage.core.dispositions import Finding
from services.triage.core.similar import Similar
from tests.integration.triage.house import Desk
from tests.integration.triage.test_clusters import A_1801, CLUSTERS, alarm, of, on, settle
from tests.integration.triage.test_restricted import permit, restrict
from tests.unit.triage.events import AT, OTHER_ID, ended, incident, suspicion

PICTURE = "ab" * 32


async def tell(desk: Desk, *events: Any) -> None:
    await desk.triage.tell(*events)
    await settle(desk.triage)


async def case_of(desk: Desk, number: int) -> str:
    """Return the case of a transaction."""
    found = await desk.pool.fetchval("select case_id from triage.case_reasons where transaction_id = $1", f"t-{number}")
    return str(found)


async def beside(desk: Desk, case: str, token: str) -> list[tuple[str, str]]:
    """Return what is beside a case: which case, by what."""
    return [(each.case_id, each.by) for each in await similar(desk, case, token)]


async def similar(desk: Desk, case: str, token: str) -> tuple[Similar, ...]:
    return (await desk.desk.one(case, token, desk.now)).similar


async def found(desk: Desk, case: str, token: str, finding: Finding, by: str) -> None:
    """Let one say what a case is, and another agree."""
    await desk.desk.do("take", case, token, desk.now)
    await desk.desk.do("threat" if finding.verdict == "threat" else "clear", case, token, desk.now, finding=finding)
    await desk.desk.do("approve", case, by, desk.now)
    await desk.desk.do("close", case, token, desk.now, reason="done")


async def test_earlier_cases_of_the_person_come_first_with_what_they_were_found_to_be(desk: Desk) -> None:
    """Whatever else has something in common; of another tenant's person of that name nothing is there."""
    ada, carl = await desk.person("ada", Role.ANALYST), await desk.person("carl", Role.CHECKER)
    await tell(desk, on(1, ref="d-0", subject_ref="s-1"), on(2, subject_ref="s-1", tenant="bank"))
    first = await case_of(desk, 1)
    await found(desk, first, ada, Finding.of("cleared", "a bad lamp"), carl)
    await tell(desk, on(3, subject_ref="s-1"), on(4))
    case, other = await case_of(desk, 3), await case_of(desk, 4)
    assert case != first
    seen = await similar(desk, case, ada)
    assert [(each.case_id, each.by, each.state, each.verdict) for each in seen] == [
        (first, "person", "closed", "cleared"),
        (other, "device", "open", None),
    ]


async def test_cases_are_similar_by_picture_handset_pattern_or_durations_on_any_day(desk: Desk) -> None:
    """The surest first; each once; what only has the model of the handset in common is not."""
    ada = await desk.person("ada", Role.ANALYST)
    slow, pattern = Timings(capture_ms=1800.0, upload_ms=320.0), {"reason": "attack_pattern", "pattern_id": "mask-7"}
    later = AT + timedelta(days=9)
    await tell(
        desk,
        on(1, imagery_sha256=PICTURE, timings=slow, **pattern),
        of(2, timings=slow, occurred_at=later),
        of(3, occurred_at=later, **pattern),
        on(4, occurred_at=later),
        of(5, imagery_sha256=PICTURE, timings=slow, occurred_at=later),
        on(6, ref="d-9"),
        of(7),
    )
    case, (by_time, by_pattern, by_device, by_picture) = (
        await case_of(desk, 1),
        [await case_of(desk, number) for number in (2, 3, 4, 5)],
    )
    assert await beside(desk, case, ada) == [
        (by_picture, "imagery"),
        (by_device, "device"),
        (by_pattern, "pattern"),
        (by_time, "timing"),
    ]


async def test_a_part_stands_for_its_whole_and_a_whole_is_not_beside_itself(desk: Desk) -> None:
    """A case that shares a handset with a cluster of an earlier day sees one case: the cluster, which sees it."""
    ada = await desk.person("ada", Role.ANALYST)
    await tell(desk, *[on(number) for number in (1, 2, 3)])
    await tell(desk, on(4, occurred_at=AT + timedelta(days=3)))
    [cluster], case = await desk.triage.rows(CLUSTERS), await case_of(desk, 4)
    [seen] = await similar(desk, case, ada)
    assert (seen.case_id, seen.by, seen.kind, seen.parts) == (cluster["case_id"], "device", "cluster", 3)
    assert await beside(desk, cluster["case_id"], ada) == [(case, "device")]
    part = await desk.desk.one(await case_of(desk, 1), ada, desk.now, itself=True)
    assert [each.case_id for each in part.similar] == [case]


async def test_incidents_and_clusters_of_one_slice_are_beside_each_other(desk: Desk) -> None:
    """What was on this handset model before: the incident that ended, found to be something or not."""
    ada = await desk.person("ada", Role.ANALYST)
    long_ago = AT - timedelta(days=20)
    await tell(desk, incident(root=(A_1801,), incident_id=OTHER_ID, since=long_ago))
    await tell(desk, ended(root=(A_1801,), incident_id=OTHER_ID, since=long_ago, until=long_ago + timedelta(hours=1)))
    await tell(desk, alarm(), incident(incident_id="0" * 32))
    ids = {
        row["source_id"]: row["case_id"]
        for row in await desk.triage.rows("select source_id, case_id from triage.case_reasons")
    }
    now = await desk.pool.fetchval(
        "select case_id from triage.cases where segment_value = 'A-1801' and case_id <> $1", ids[OTHER_ID]
    )
    assert await beside(desk, now, ada) == [(ids[OTHER_ID], "slice")]


async def test_what_is_not_there_for_somebody_is_not_beside_a_case(desk: Desk) -> None:
    """A researcher sees what is referred; the list says no more than that."""
    ada, rosa = await desk.person("ada", Role.ANALYST), await desk.person("rosa", Role.RESEARCHER)
    await tell(desk, on(1, severity="high"), on(2))
    case, other = await case_of(desk, 1), await case_of(desk, 2)
    await desk.desk.do("take", case, ada, desk.now)
    await desk.desk.do("refer", case, ada, desk.now, reason="novel")
    assert await beside(desk, case, rosa) == []
    assert await beside(desk, case, ada) == [(other, "device")]


async def test_nothing_of_a_restricted_person_is_beside_any_case_nor_anything_beside_theirs(desk: Desk) -> None:
    """GDPR Art. 18: not found by what they have in common, nor through the cluster that they are a part of."""
    ada = await desk.person("ada", Role.ANALYST)
    await tell(desk, on(1), on(2))
    one, two = await case_of(desk, 1), await case_of(desk, 2)
    assert await beside(desk, one, ada) == [(two, "device")]
    await restrict(desk, two)
    assert await beside(desk, one, ada) == []
    assert await beside(desk, two, ada) == []
    await permit(desk, two)
    assert await beside(desk, one, ada) == []


async def test_a_pattern_that_matches_thousands_is_bounded_and_the_newest_are_shown(desk: Desk) -> None:
    """Ten at most of all, with those of the person among them; the page has a case in no time."""
    ada = await desk.person("ada", Role.ANALYST)
    many = [of(number, reason="attack_pattern", pattern_id="mask-7", occurred_at=AT + timedelta(days=number))
            for number in range(1, 40)]  # fmt: skip
    await tell(desk, *many)
    seen = await similar(desk, await case_of(desk, 1), ada)
    assert [each.case_id for each in seen] == [await case_of(desk, number) for number in range(39, 29, -1)]


async def test_that_they_look_says_how_many_cases_they_saw(desk: Desk) -> None:
    """The entry of a look counts what is beside the case, too."""
    ada = await desk.person("ada", Role.ANALYST)
    await tell(desk, on(1), on(2), suspicion(5, subject_ref="s-5"))
    await desk.desk.one(await case_of(desk, 1), ada, desk.now)
    looked = [each for each in await desk.entries() if each.action == "cases.read"]
    assert looked[-1].details["cases"] == 2
