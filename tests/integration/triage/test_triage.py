"""From suspicion and incident to case and escalation, on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
import structlog

from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.errors import Fenced
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Slice
from proofwatch.governance.pseudonyms import InvalidSecret, subject_tag
from services.triage.adapters import postgres
from services.triage.app import build
from services.triage.config import Settings
from tests.integration.triage.conftest import LOG_MS, SECRET, Triage
from tests.unit.triage.events import INCIDENT_ID, OTHER_ID, access, ended, incident, merged, suspicion

SUBJECT = "subject-zq9x"
CASES = "select * from triage.cases order by case_id"
HISTORY = "select case_id, revision, from_state, to_state, trigger, why from triage.case_transitions order by 1, 2"


async def test_a_grave_suspicion_becomes_an_escalated_case(triage: Triage) -> None:
    """The whole way: one suspicion in, one case and one escalation out, with reason and tag."""
    given = suspicion(1, severity="high")
    await triage.tell(given)
    (case,) = await triage.rows(CASES)
    tag = subject_tag(SECRET, "acme", "s-1")
    logged = datetime.fromtimestamp(LOG_MS / 1000, UTC)
    assert case["case_id"] == derived_id("case", "acme", "subject", given.suspicion_id)
    assert (case["state"], case["severity"], case["subject_tag"], case["queue"]) == ("escalated", "high", tag, "soc")
    assert case["opened_at"] == case["changed_at"] == logged
    (escalation,) = await triage.escalations()
    assert (escalation.case_id, escalation.subject_tag, escalation.status) == (case["case_id"], tag, "escalated")
    assert [(r.code, r.transaction_id, r.evidence) for r in escalation.reasons] == [
        ("liveness_failures_persist", "t-1", {"failures": 3.0, "liveness_score": 0.41})
    ]
    (record,) = await triage.records(topics.ESCALATIONS)
    assert (record.key, record.timestamp_ms) == (f"acme/{case['case_id']}".encode(), LOG_MS)


async def test_slight_suspicions_gather_until_they_are_enough(triage: Triage) -> None:
    """Three medium reasons in one case; the third escalates it, in whatever batches they come."""
    await triage.tell(suspicion(1))
    await triage.tell(suspicion(2), suspicion(3))
    (case,) = await triage.rows(CASES)
    assert (case["state"], case["severity"], case["revision"]) == ("escalated", "medium", 3)
    (escalation,) = await triage.escalations()
    assert [reason.transaction_id for reason in escalation.reasons] == ["t-1", "t-2", "t-3"]
    assert [(row["from_state"], row["to_state"], row["why"]) for row in await triage.rows(HISTORY)] == [
        ("absent", "open", "opened"),
        ("open", "open", "reason_added"),
        ("open", "escalated", "escalated"),
    ]


async def test_an_incident_opens_a_case_which_its_end_leaves_to_people(triage: Triage) -> None:
    """Weak evidence opens none, strong escalates; its end closes nothing; back again, a closed one opens."""
    root = {"root": (Slice(segment_name="os", segment_value="android"),)}
    await triage.tell(incident(1, evidence="weak", severity="low", change="changed", **root))
    assert await triage.rows(CASES) == []
    await triage.tell(incident(2, change="began", **root), incident(3, **root), ended(4, **root))
    (case,) = await triage.rows(CASES)
    assert (case["kind"], case["state"], case["subject_tag"], case["segment_value"]) == (
        "incident",
        "escalated",
        None,
        "android",
    )
    assert [(each.status, each.revision) for each in await triage.escalations()] == [("escalated", 1)]
    reasons = await triage.rows("select code, source_revision from triage.case_reasons order by code")
    assert [(row["code"], row["source_revision"]) for row in reasons] == [
        ("twice_baseline.rejection_rate", 3),
        ("within.rejection_rate", 4),
    ]
    assert [row["why"] for row in await triage.rows(HISTORY)] == ["escalated", "updated", "ended"]
    await triage.pool.execute("update triage.cases set state = 'closed'")
    await triage.tell(incident(5, change="again", **root))
    assert [(each.status, each.revision) for each in await triage.escalations()] == [("escalated", 1), ("escalated", 4)]


async def test_a_broken_glass_is_a_case_with_who_what_the_second_person_and_its_end(triage: Triage) -> None:
    """Alerts of health are none; told again, it is the same; people close it, and its end does not open it again."""
    await triage.tell(access(kind="lag", access=None), access(), access())
    (case,) = await triage.rows(CASES)
    assert (case["kind"], case["state"], case["severity"], case["subject_tag"]) == ("access", "escalated", "high", None)
    assert msgspec.json.decode(case["about"]) == msgspec.to_builtins(access().access)
    (told,) = await triage.escalations()
    assert (told.tenant, told.subject_tag, told.title) == (
        "acme",
        None,
        "two people opened what is somebody else's case",
    )
    await triage.pool.execute("update triage.cases set state = 'closed'")
    await triage.tell(access(state="resolved"))
    assert [row["state"] for row in await triage.rows(CASES)] == ["closed"]
    assert [row["code"] for row in await triage.rows("select code from triage.case_reasons order by at")] == [
        "break_glass",
        "break_glass_ended",
    ]
    assert [row["why"] for row in await triage.rows(HISTORY)] == ["escalated", "ended"]
    assert len(await triage.escalations()) == 1


async def test_what_merged_is_closed_and_names_the_case_that_goes_on(triage: Triage) -> None:
    """Nobody works on one cause twice."""
    await triage.tell(incident(1), incident(1, incident_id=OTHER_ID), merged(2))
    cases = {case["case_id"]: case for case in await triage.rows(CASES)}
    gone = cases[derived_id("case", "acme", "incident", INCIDENT_ID)]
    assert gone["state"] == "closed"
    assert cases[gone["merged_into"]]["state"] == "escalated"
    assert [row["why"] for row in await triage.rows(HISTORY)].count("merged") == 1


async def test_a_suspicion_after_closing_opens_another_case_and_a_repeat_does_not(triage: Triage) -> None:
    """A closed case is finished business; being told the same again is no news."""
    await triage.tell(suspicion(1))
    await triage.pool.execute("update triage.cases set state = 'closed'")
    await triage.tell(suspicion(1))
    assert len(await triage.rows(CASES)) == 1
    await triage.tell(suspicion(2))
    assert sorted(case["state"] for case in await triage.rows(CASES)) == ["closed", "open"]


async def test_however_the_log_is_cut_into_batches_the_cases_are_the_same(triage: Triage) -> None:
    """One record at a time or all at once: the same rows, history and escalations, byte for byte."""
    severities = ("low", "medium", "medium", "high")
    events = [suspicion(n, subject_ref=f"s-{n % 9}", severity=severities[n % 4]) for n in range(1, 60)]
    alarms = [(ended if n > 12 else incident)(n, incident_id=f"i-{n % 4}") for n in range(1, 20)]
    seen = []
    for max_records in (1, 7, 1000):
        fresh = Triage(triage.pool, max_records)
        await fresh.service.start()
        await fresh.tell(*events, *alarms)
        told = [(record.key, record.value, record.timestamp_ms) for record in await fresh.records(topics.ESCALATIONS)]
        told.sort(key=lambda record: record[0] or b"")  # the order within a case counts, not that among them
        reasons = await fresh.rows("select * from triage.case_reasons order by case_id, source_id, code")
        cases = [{**row, "changed_in": None} for row in await fresh.rows(CASES)]  # of another transaction
        seen.append((told, cases, reasons, await fresh.rows(HISTORY)))
        await fresh.service.stop()
        await fresh.pool.execute("truncate triage.fence, triage.outbox, triage.outbox_relay, triage.cases cascade")
    assert len(seen[0][0]) > 20
    assert seen[0] == seen[1] == seen[2]


async def test_events_told_twice_change_nothing(triage: Triage) -> None:
    """The same events published again: same rows, same escalations, no more."""
    events = (suspicion(1), suspicion(2, severity="high"), incident(1), ended(2))
    await triage.tell(*events)
    before = [await triage.rows(CASES), await triage.rows(HISTORY), await triage.escalations()]
    await triage.tell(*events)
    assert [await triage.rows(CASES), await triage.rows(HISTORY), await triage.escalations()] == before


@pytest.mark.parametrize("statement", ["_REASONS", "_SAVE_CASES", "_SAVE_REASONS", "_SAVE_TRANSITIONS"])
async def test_a_failure_at_any_statement_leaves_no_trace(
    triage: Triage, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Half a batch is never seen; the next owner does the whole of it, once."""
    await triage.tell(suspicion(1))
    before = await triage.everything()
    with monkeypatch.context() as broken:
        broken.setattr(postgres, statement, "select 1 / 0")
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await triage.tell(suspicion(2), suspicion(3, severity="high"))
    assert _without_fence(await triage.everything()) == _without_fence(before)
    await triage.settle()
    assert len(await triage.rows(HISTORY)) == 3
    assert [escalation.revision for escalation in await triage.escalations()] == [3]


async def test_another_process_takes_over_where_the_first_one_stood(triage: Triage) -> None:
    """The fence keeps the position; nothing is applied twice by the successor."""
    await triage.tell(suspicion(1), suspicion(2))
    successor = triage.built()
    await triage.service.stop()
    await successor.start()
    triage.service = successor
    await triage.tell(suspicion(3))
    (case,) = await triage.rows(CASES)
    assert (case["revision"], len(await triage.escalations())) == (3, 1)


async def test_the_previous_owner_is_shut_out(triage: Triage) -> None:
    """A process that was frozen and wakes up cannot write any more."""
    await triage.tell(suspicion(1))
    await triage.pool.execute("update triage.fence set epoch = epoch + 1")
    with pytest.raises(Fenced):
        await triage.tell(suspicion(2))


async def test_what_cannot_be_read_or_kept_goes_to_the_dead_letters(triage: Triage) -> None:
    """Bad records stop nothing; their reason is readable, and the good ones around them count."""
    bad = [
        b"{",
        b"null",
        msgspec.json.encode(suspicion(2, transaction_id="t\0")),
        msgspec.json.encode(suspicion(2, evidence={"\0": 1.0})),
        msgspec.json.encode(suspicion(2, suspicion_id="")),
        msgspec.json.encode(suspicion(2, suspicion_id="i" * 10_000)),
        msgspec.json.encode(suspicion(2)).replace(b"2026-01-01T00:02:00Z", b"0001-01-01T00:00:00+14:00"),
    ]
    await triage.bus.publish([Outgoing(topics.SUSPICIONS, b"acme/s-1", value) for value in bad])
    root = (Slice(segment_name="os", segment_value="\0"),)
    beyond = [msgspec.structs.replace(incident(1), revision=2**63), incident(1, root=root)]
    await triage.bus.publish([Outgoing(topics.INCIDENTS, b"acme", msgspec.json.encode(each)) for each in beyond])
    await triage.tell(suspicion(1, severity="high"))
    assert len(await triage.escalations()) == 1
    letters = [read_dead_letter(record) for record in await triage.records(f"{topics.SUSPICIONS}.dlq")]
    assert [letter.reason for letter in letters] == ["malformed"] + ["schema_mismatch"] * 6
    assert {letter.stage for letter in letters} == {"triage"}
    assert len(await triage.records(f"{topics.INCIDENTS}.dlq")) == 2


async def test_no_subject_is_kept_published_or_logged(triage: Triage) -> None:
    """Neither tables (outbox included), nor escalations, nor log lines know a subject_ref or an imagery reference."""
    events = [suspicion(n, subject_ref=SUBJECT, imagery_ref=f"vault://{SUBJECT}", severity="high") for n in (1, 2)]
    with structlog.testing.capture_logs() as logs:
        await triage.tell(*events, settle=False)
        for lane, *_relay in triage.service.parts[0]._lanes.values():  # type: ignore[attr-defined]
            await lane.step()
        waiting = await triage.everything()
        await triage.settle()
    told = b"".join(record.value or b"" for record in await triage.records(topics.ESCALATIONS)).decode()
    assert "escalated" in told
    assert b"escalated".hex() in waiting, "the escalation waits in the outbox, as bytes"
    for text in (waiting, await triage.everything(), told, repr(logs)):
        assert SUBJECT not in text
        assert SUBJECT.encode().hex() not in text


async def test_a_dead_letter_leaves_no_subject_behind(triage: Triage) -> None:
    """Its original bytes pass through the outbox and are deleted once they are published."""
    await triage.bus.publish([Outgoing(topics.SUSPICIONS, b"acme/s", f'{{"subject_ref": "{SUBJECT}"'.encode())])
    with structlog.testing.capture_logs() as logs:
        await triage.settle()
    assert len(await triage.records(f"{topics.SUSPICIONS}.dlq")) == 1
    kept = await triage.everything()
    assert SUBJECT.encode().hex() not in kept
    assert SUBJECT not in kept + repr(logs)


async def test_two_lanes_work_side_by_side(triage: Triage) -> None:
    """Suspicions and incidents of many tenants in one go: every one finds its case."""
    many = [suspicion(n, subject_ref=f"s-{n % 7}", tenant=f"bank-{n % 3}") for n in range(60)]
    alarms = [incident(1, tenant=f"bank-{n}", incident_id=f"i-{n}") for n in range(20)]
    await triage.tell(*many, *alarms, settle=False)
    run = asyncio.create_task(triage.service.run())
    async with asyncio.timeout(60):
        while (await triage.pool.fetchval("select count(*) from triage.case_transitions")) < 80:  # noqa: ASYNC110 — what is awaited happens in the database
            await asyncio.sleep(0.02)
    await triage.service.stop()
    await asyncio.gather(run, return_exceptions=True)
    kinds = await triage.rows("select kind, count(*) as n from triage.cases group by kind order by kind")
    assert [(row["kind"], row["n"]) for row in kinds] == [("incident", 20), ("subject", 21)]
    at = await triage.rows("select min(at) as first, max(at) as last from triage.case_transitions")
    assert at[0]["last"] - at[0]["first"] == timedelta(milliseconds=79)


async def test_without_a_secret_nothing_starts(triage: Triage) -> None:
    """A deployment that forgot its secret learns so at once, and how to make one."""
    with pytest.raises(InvalidSecret, match="PROOFWATCH_SUBJECT_TAG_SECRET is not set"):
        build(Settings(subject_tag_secret=None), triage.bus, triage.pool, triage.clock)


def _without_fence(rows: str) -> list[str]:
    """Leave out the fence row: its epoch counts owners, and a failure makes a new one."""
    return [row for row in rows.splitlines() if not row.startswith(f"({topics.SUSPICIONS},")]
