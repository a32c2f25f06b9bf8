"""What verdicts say of attempts: which are kept, once, of whom, and for how long; on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import msgspec

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import Device, Verdict
from proofwatch.privacy.marks import subject_mark, trait_mark
from tests.integration.triage.conftest import LOG_MS, SECRET, Triage
from tests.unit.triage.events import AT

DAY_MS = 86_400_000
KEPT = "select transaction_id, attempt_id, decision from triage.attempts order by at, attempt_id"


def verdict(number: int, decision: str = "retry", **given: Any) -> Verdict:
    """Of subject s-1: liveness failed, or it was accepted; each number is a minute later."""
    passed = decision == "accept"
    fields: dict[str, Any] = {
        "schema_version": 1, "tenant": "acme", "transaction_id": f"t-{number}", "subject_ref": "s-1",
        "occurred_at": AT + timedelta(minutes=number), "decision": decision,
        "action": "none" if passed else "retake_selfie", "reasons": [] if passed else ["liveness_below_threshold"],
        "match_outcome": "pass", "liveness_outcome": "pass" if passed else "fail", "match_score": 0.95,
        "liveness_score": 0.999 if passed else 0.4,
        "basis": {
            "policy_hash": "ab" * 16, "controls_version": 0, "patterns_version": 0, "match_threshold": 0.85,
            "liveness_threshold": 0.995, "attempts_before": {"match": 0, "liveness": 0},
        },
    }  # fmt: skip
    return msgspec.convert(fields | given, Verdict, strict=False)


async def judge(triage: Triage, *verdicts: Verdict, at_ms: int = LOG_MS) -> None:
    """Let the scorer say it, at that log time."""
    for each in verdicts:
        key = f"{each.tenant}/{each.subject_ref}".encode()
        await triage.bus.publish([Outgoing(topics.VERDICTS, key, msgspec.json.encode(each), timestamp_ms=at_ms)])
    await triage.settle()


async def kept(triage: Triage) -> list[tuple[str, str]]:
    return [(row["transaction_id"], row["decision"]) for row in await triage.rows(KEPT)]


async def test_what_did_not_pass_is_kept_and_what_passes_after_it(triage: Triage) -> None:
    """Of who only passes nothing is; what passed before the first failure is not; whoever else passes is not."""
    await judge(triage, verdict(1, "accept"), verdict(2), verdict(3, "refer"), verdict(4, "accept"))
    await judge(triage, verdict(5, "accept", subject_ref="s-2"), verdict(6, "accept", reasons=["match_marginal"]))
    await judge(triage, verdict(7, "accept", tenant="other"))
    assert await kept(triage) == [("t-2", "retry"), ("t-3", "refer"), ("t-4", "accept"), ("t-6", "accept")]


async def test_a_verdict_that_comes_again_changes_nothing_and_a_further_attempt_is_its_own(triage: Triage) -> None:
    """In one batch and later."""
    again = verdict(1, attempt_id="2", occurred_at=AT + timedelta(minutes=9))
    await judge(triage, verdict(1), verdict(1), again)
    await judge(triage, verdict(1, "accept"), again)
    assert [(row["attempt_id"], row["decision"]) for row in await triage.rows(KEPT)] == [("", "retry"), ("2", "retry")]


async def test_after_thirty_days_without_a_failure_what_passes_is_kept_no_more(triage: Triage) -> None:
    """By the log, so that a replay keeps the same, whenever it runs; each that is kept begins the days anew."""
    await judge(triage, verdict(1))
    await judge(triage, verdict(2, "accept"), at_ms=LOG_MS + 29 * DAY_MS)
    await judge(triage, verdict(3, "accept"), at_ms=LOG_MS + 58 * DAY_MS)
    await judge(triage, verdict(4, "accept"), at_ms=LOG_MS + 88 * DAY_MS)
    assert [name for name, _ in await kept(triage)] == ["t-1", "t-2", "t-3"]


async def test_people_and_handsets_are_marks(triage: Triage) -> None:
    """No subject_ref, no device_ref; those that suspicions have, so that what is the same is found."""
    device = Device(ref="d-77", model="A-1801", os="android")
    await judge(
        triage, verdict(1, device=msgspec.to_builtins(device), timings={"capture_ms": 1800.4, "upload_ms": 320.0})
    )
    [row] = await triage.rows("select * from triage.attempts")
    assert row["subject_tag"] == subject_mark(SECRET, "acme", "s-1")
    assert row["handset"].hex == trait_mark(SECRET, "acme", "device", "d-77")
    assert row["durations"].hex == trait_mark(SECRET, "acme", "timing", "1800/320")
    assert [each.hex for each in row["slices"]] == [
        trait_mark(SECRET, "acme", "device_model", "A-1801"), trait_mark(SECRET, "acme", "os", "android"),
    ]  # fmt: skip
    assert (row["reasons"], row["liveness_score"], row["liveness_threshold"]) == (
        ["liveness_below_threshold"],
        0.4,
        0.995,
    )
    assert row["policy_hash"].hex == "ab" * 16
    assert not {"s-1", "d-77", "A-1801"} & set(str(row).replace("'", " ").split())


async def test_of_somebody_who_was_erased_nothing_is_kept_and_what_was_goes(triage: Triage) -> None:
    """What happened afterwards is anew."""
    await judge(triage, verdict(1), verdict(2, subject_ref="s-2"))
    mark = subject_mark(SECRET, "acme", "s-1")
    assert await triage.pool.fetch("select * from triage.transactions_of('acme', $1)", [mark]) == [("t-1",)]
    assert await triage.pool.fetchval("select triage.forget_attempts('acme', $1)", [mark]) == 1
    await triage.pool.execute(
        "insert into privacy.suppressed(tenant, mark, kind, erased_at) values('acme', $1, 'subject', $2)",
        mark, AT + timedelta(minutes=3),
    )  # fmt: skip
    await judge(triage, verdict(3), verdict(4))
    assert [name for name, _ in await kept(triage)] == ["t-2", "t-4"]


async def test_what_cannot_be_read_is_a_dead_letter_and_the_stream_goes_on(triage: Triage) -> None:
    """Nothing of it is kept."""
    await triage.bus.publish([Outgoing(topics.VERDICTS, b"acme/s-1", b"{", timestamp_ms=LOG_MS)])
    await judge(triage, verdict(1))
    assert [name for name, _ in await kept(triage)] == ["t-1"]
    assert len(await triage.records(topics.dead_letter_topic(topics.VERDICTS))) == 1


async def test_a_replay_keeps_the_same(triage: Triage) -> None:
    """In other batches, into an empty table."""
    await judge(triage, *[verdict(n, "accept" if n % 3 == 0 else "retry", subject_ref=f"s-{n % 4}") for n in range(40)])
    before = await triage.rows("select t::text from triage.attempts t order by 1")
    await triage.pool.execute("truncate triage.attempts")
    await triage.pool.execute("delete from triage.fence where topic = $1", topics.VERDICTS)
    await triage.service.stop()
    triage.settings = triage.settings.model_copy(update={"batch_max_records": 3})
    triage.service = triage.built()
    await triage.service.start()
    await triage.settle()
    assert await triage.rows("select t::text from triage.attempts t order by 1") == before
