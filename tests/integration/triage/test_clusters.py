"""Cases of one attack become parts of one case, by what they have in common; on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.events import topics
from proofwatch.events.types import Device, Incident, Slice, Suspicion, Timings
from services.triage.core.dispositions import Finding
from tests.integration.triage.conftest import LOG_MS, Triage, outgoing
from tests.integration.triage.house import Desk
from tests.unit.triage.events import AT, OTHER_ID, ended, incident, suspicion

CLUSTERS = """
select c.case_id, c.tenant, c.state, c.severity, r.code, r.source_id, c.segment_value,
  (select array_agg(m.transaction_id) from triage.cases p join triage.case_reasons m using (case_id)
   where p.part_of = c.case_id) as members
from triage.cases c join triage.case_reasons r using (case_id) where c.kind = 'cluster' order by r.code"""
TABLES = "select string_agg('triage.' || tablename, ', ') as s from pg_tables where schemaname = 'triage'"
A_1801 = Slice(segment_name="device_model", segment_value="A-1801")


def of(number: int, **given: Any) -> Suspicion:
    """A suspicion of a person of their own."""
    return suspicion(number, **{"subject_ref": f"s-{number}"} | given)


def on(number: int, ref: str = "d-1", **given: Any) -> Suspicion:
    """The same, of a handset."""
    return of(number, device=Device(ref=ref, model=given.pop("model", "B-77")), **given)


def alarm(revision: int = 1, **given: Any) -> Incident:
    """An incident of one handset model, since the beginning."""
    return incident(revision, **{"root": (A_1801,)} | given)


async def tell(triage: Triage, *events: Suspicion | Incident) -> None:
    """Tell triage; one lane makes clusters once it has nothing else to do."""
    await triage.tell(*events)
    await settle(triage)


async def settle(triage: Triage) -> None:
    """Let every lane do what is left to do."""
    await triage.settle()
    await triage.service.step(idle=True)
    await triage.settle()


def members(cluster: dict[str, Any]) -> list[str]:
    return sorted(cluster["members"] or [])


async def test_three_people_on_one_handset_are_one_case(triage: Triage) -> None:
    """Two are not: a family may share one. The case holds those that came before, is told once, and then grows."""
    await tell(triage, on(1), on(2), on(9, ref="d-2"), on(8, ref="d-1", tenant="bank"))
    assert await triage.rows(CLUSTERS) == []
    await tell(triage, on(3))
    [cluster] = await triage.rows(CLUSTERS)
    assert (cluster["tenant"], cluster["state"], cluster["severity"]) == ("acme", "escalated", "high")
    assert cluster["code"] == "cluster_device"
    assert members(cluster) == ["t-1", "t-2", "t-3"]
    await tell(triage, on(4), on(5))
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3", "t-4", "t-5"]
    assert [each.case_id for each in await triage.escalations()] == [cluster["case_id"]]
    joined = await triage.rows("select joined_by, why, left_at from triage.parts")
    assert {(each["joined_by"], each["why"], each["left_at"]) for each in joined} == {("triage", "device", None)}


async def test_one_person_who_comes_again_is_no_cluster(triage: Triage) -> None:
    """However often: cases are counted, not suspicions."""
    await tell(triage, *[on(number, subject_ref="s-1") for number in range(1, 8)])
    assert await triage.rows(CLUSTERS) == []


async def test_what_was_shared_on_another_day_joins_nobody(triage: Triage) -> None:
    """A handset of a shop has many people in a year."""
    await tell(triage, *[on(day, occurred_at=AT + timedelta(days=day)) for day in range(1, 6)])
    assert await triage.rows(CLUSTERS) == []


@pytest.mark.parametrize(
    ("kind", "least", "given"),
    [
        ("imagery", 3, {"imagery_sha256": "ab" * 32}),
        ("pattern", 5, {"reason": "attack_pattern", "pattern_id": "mask-7"}),
        ("timing", 3, {"timings": Timings(capture_ms=1800.2, upload_ms=320.0)}),
    ],
)
async def test_what_several_have_in_common_joins_them(
    triage: Triage, kind: str, least: int, given: dict[str, Any]
) -> None:
    """Picture, attack pattern, exact durations; each says by what."""
    await tell(triage, *[of(number, **given) for number in range(1, least)])
    assert await triage.rows(CLUSTERS) == []
    await tell(triage, of(least, **given))
    [cluster] = await triage.rows(CLUSTERS)
    assert cluster["code"] == {"pattern": "cluster_pattern.mask-7"}.get(kind, f"cluster_{kind}")
    assert len(members(cluster)) == least
    stored = await triage.everything()
    assert "abababab" not in stored
    assert "1800/320" not in stored


async def test_an_alarm_on_a_handset_model_gathers_whose_suspicions_are_of_it(triage: Triage) -> None:
    """Those before it was known too, of its slice and its time alone; and its own case stays what it is."""
    early = on(99, "d-99", model="A-1801", occurred_at=AT - timedelta(minutes=1))
    await tell(triage, early, on(98, "d-98"), *[on(n, f"d-{n}", model="A-1801") for n in range(1, 5)])
    await tell(triage, alarm())
    assert await triage.rows(CLUSTERS) == []
    await tell(triage, on(5, "d-5", model="A-1801"))
    [cluster] = await triage.rows(CLUSTERS)
    assert (cluster["code"], cluster["segment_value"]) == ("cluster_cohort", "A-1801")
    assert members(cluster) == ["t-1", "t-2", "t-3", "t-4", "t-5"]
    await tell(triage, ended(2, root=(A_1801,), until=AT + timedelta(minutes=30)))
    await tell(
        triage, on(6, "d-6", model="A-1801"), on(40, "d-40", model="A-1801", occurred_at=AT + timedelta(minutes=40))
    )
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3", "t-4", "t-5", "t-6"]
    own = await triage.rows("select part_of, state from triage.cases where kind = 'incident'")
    assert [(each["part_of"], each["state"]) for each in own] == [(None, "escalated")]


async def test_two_incidents_of_one_slice_are_one_cluster_a_day(triage: Triage) -> None:
    """Labels may prove at night what was told at noon; what goes on for days is a case each day."""
    await tell(triage, alarm(), *[on(n, f"d-{n}", model="A-1801") for n in range(1, 7)])
    await tell(triage, alarm(incident_id=OTHER_ID, since=AT - timedelta(hours=5), severity="critical"))
    tomorrow = AT + timedelta(days=1)
    await tell(triage, *[on(n, f"d-{n}", model="A-1801", occurred_at=tomorrow) for n in range(11, 17)])
    found = sorted(members(row) for row in await triage.rows(CLUSTERS))
    assert found == [[f"t-{n}" for n in range(1, 7)], [f"t-{n}" for n in range(11, 17)]]


@pytest.mark.parametrize(
    "given",
    [
        {"root": ()},
        {"root": (Slice(segment_name="country", segment_value="RO"),)},
        {"evidence": "weak", "severity": "low", "change": "changed"},
        {"root": (A_1801, Slice(segment_name="sdk_version", segment_value="9"))},
    ],
    ids=["whole tenant", "of people", "weak", "another release"],
)
async def test_nobody_belongs_to_an_attack_by_where_they_are_from(triage: Triage, given: dict[str, Any]) -> None:
    """Nor by an alarm on the whole tenant, of weak evidence, or of what they have a part of alone."""
    await tell(triage, alarm(**given), *[on(n, f"d-{n}", model="A-1801") for n in range(1, 7)])
    assert await triage.rows(CLUSTERS) == []


async def test_a_case_that_only_says_alarmed_cohort_is_not_opened(triage: Triage) -> None:
    """However many they are, and whatever they have in common."""
    await tell(triage, alarm())
    await tell(triage, *[on(n, model="A-1801", reason="alarmed_cohort", severity="low") for n in range(1, 9)])
    assert [row["kind"] for row in await triage.rows("select kind from triage.cases")] == ["incident"]


async def test_surer_evidence_takes_a_case_out_of_a_cluster_that_nobody_works_on(triage: Triage) -> None:
    """Of the alarm's seven, three share a handset: whichever was known first, the end is the same."""
    first = [on(n, f"d-{n}", model="A-1801") for n in range(1, 5)]
    shared = [on(n, "d-0", model="A-1801") for n in range(5, 8)]
    await tell(triage, alarm(), *first, shared[0])
    assert [(row["code"], members(row)) for row in await triage.rows(CLUSTERS)] == [
        ("cluster_cohort", ["t-1", "t-2", "t-3", "t-4", "t-5"])
    ]
    await tell(triage, *shared[1:])
    assert [(row["code"], members(row)) for row in await triage.rows(CLUSTERS)] == [
        ("cluster_cohort", ["t-1", "t-2", "t-3", "t-4"]),
        ("cluster_device", ["t-5", "t-6", "t-7"]),
    ]
    left = await triage.rows("select left_by, left_why from triage.parts where left_at is not null")
    assert [(each["left_by"], each["left_why"]) for each in left] == [("triage", "surer_evidence")]


async def test_what_a_person_took_out_is_not_put_in_again(triage: Triage, desk: Desk) -> None:
    """Neither by the same evidence nor by more of it; and it is listed by itself again."""
    await desk.person("ada", Role.ANALYST)
    ada = desk.tokens["ada"]
    await tell(triage, on(1), on(2), on(3))
    [cluster] = await triage.rows(CLUSTERS)
    part = await triage.pool.fetchval("select case_id from triage.case_reasons where transaction_id = 't-2'")
    await desk.desk.do("unmerge", part, ada, desk.now, reason="his own telephone")
    await tell(triage, on(4), on(12, subject_ref="s-2", imagery_sha256="ab" * 32))
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-3", "t-4"]
    assert {each.now.case_id for each in await desk.desk.listed(ada, desk.now)} == {part, cluster["case_id"]}


async def test_what_people_work_on_or_judged_stays_where_it_is(triage: Triage, desk: Desk) -> None:
    """Taken, proposed or merged by a person: triage takes nothing out of anybody's hands."""
    await desk.person("ada", Role.ANALYST)
    ada = desk.tokens["ada"]
    await tell(triage, on(1), on(2), of(20), of(21))
    ids = {
        row["transaction_id"]: row["case_id"]
        for row in await triage.rows("select transaction_id, case_id from triage.case_reasons")
    }
    await desk.desk.do("take", ids["t-1"], ada, desk.now)
    await desk.desk.do("merge", ids["t-2"], ada, desk.now, into=ids["t-20"], reason="the same mask")
    await tell(triage, on(3), on(4))
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-3", "t-4"]
    assert await triage.pool.fetchval("select part_of from triage.cases where case_id = $1", ids["t-2"]) == ids["t-20"]


async def test_what_is_found_of_a_cluster_is_a_label_of_each_member_and_nothing_joins_it_then(
    triage: Triage, desk: Desk
) -> None:
    """What comes after it was judged stands by itself."""
    await desk.person("ada", Role.ANALYST)
    await desk.person("carl", Role.CHECKER)
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    await tell(triage, on(1), on(2), on(3))
    [cluster] = await triage.rows(CLUSTERS)
    whole = cluster["case_id"]
    await desk.desk.do("take", whole, ada, desk.now)
    await desk.desk.do("threat", whole, ada, desk.now, finding=Finding.of("threat", "one farm"))
    await tell(triage, on(4))  # waits for a second person: nothing is put in
    await desk.desk.do("approve", whole, carl, desk.now)
    await tell(triage, on(5))
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3"]
    sent = await triage.records(topics.LABELS)
    assert len(sent) == 3


@pytest.mark.parametrize("handsets", [100, 4], ids=["one cluster", "some outranked"])
async def test_a_batch_more_or_less_makes_no_difference(triage: Triage, handsets: int) -> None:
    """Members are the same one by one as all at once, in whatever order lanes come; so is what is counted of one."""
    log: list[Suspicion | Incident] = [alarm()]
    log += [on(n, f"d-{n % handsets}", model="A-1801") for n in range(1, 20)]
    log += [on(n + 100, f"d-{n % handsets}", subject_ref=f"s-{n}", model="A-1801") for n in range(1, 20)]
    for number, each in enumerate(log):
        await triage.bus.publish([outgoing(each, LOG_MS + number)])
        await settle(triage)
    counted = "revision, changed_at" if handsets > len(log) else "kind"
    seen = f"select case_id, state, severity, part_of, {counted} from triage.cases order by 1"  # noqa: S608 — constants
    singly = await triage.rows(seen)
    assert len([each for each in singly if each["part_of"]]) == 19
    await triage.service.stop()
    tables = await triage.rows(TABLES)
    await triage.pool.execute(f"truncate {tables[0]['s']} cascade")
    anew = Triage(triage.pool, max_records=1000)
    await anew.service.start()
    await anew.bus.publish([outgoing(each, LOG_MS + number) for number, each in enumerate(log)])
    await settle(anew)
    assert await anew.rows(seen) == singly
    await anew.service.stop()
    await triage.service.start()
