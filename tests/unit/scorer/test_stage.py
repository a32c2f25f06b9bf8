"""The stage: what goes in as records comes out as verdicts, guidance, suspicions and dead letters."""

from typing import Any

import msgspec
import pytest

from proofwatch import resources
from proofwatch.events.codec import GUIDANCE, SUSPICION, TRANSACTION, VERDICT
from proofwatch.events.registry_subjects import WireFormat
from proofwatch.events.topics import GUIDANCE as GUIDANCE_TOPIC
from proofwatch.events.topics import SUSPICIONS, VERDICTS
from proofwatch.events.types import Attempts
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.attempts import BOUND
from services.scorer.core.conservation import BatchCounts
from tests.unit.bus.stages import written
from tests.unit.events.registries import MemoryRegistry
from tests.unit.scorer.samples import (
    COMPILED,
    HOUR_MS,
    SOURCE,
    START_MS,
    LogHistory,
    after,
    batch,
    kept,
    on,
    record,
    run,
    stage,
    transaction,
    verdicts,
)

EXAMPLES = {p.stem: p.read_bytes() for p in (resources.schemas() / "examples" / "transaction").glob("*.json")}
SPOOF: dict[str, Any] = {"liveness_score": 0.6}


def memory() -> MemorySubjects:
    return MemorySubjects(ttl_s=3600)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
async def test_every_example_gets_a_verdict_with_what_it_brought(example: bytes) -> None:
    """Whatever the schema allows is judged, and the verdict carries scores, device, timings and segments on."""
    event = TRANSACTION.decode(example)
    (verdict,) = verdicts(await run(memory(), [record(0, event)]))
    for name in ("tenant", "transaction_id", "subject_ref", "occurred_at", "match_score", "liveness_score"):
        assert getattr(verdict, name) == getattr(event, name)
    assert (verdict.device, verdict.timings, verdict.segments) == (event.device, event.timings, event.segments)


@pytest.mark.parametrize("wire_format", ["avro", "json"])
async def test_verdicts_are_the_same_on_every_wire(wire_format: WireFormat) -> None:
    """The frame around a value changes nothing of it."""
    records = [record(n, transaction(n, f"s-{n % 3}", n, **(SPOOF if n % 4 == 3 else {}))) for n in range(8)]
    wire = await MemoryRegistry().wire(wire_format)
    scorer = stage(memory(), wire=wire)
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    framed = on(VERDICTS, written(await scorer.step(batch(records), None), SOURCE, "scorer"))
    await wire.prepare(framed)
    assert [wire.decoder(VERDICT)(value) for value in framed] == verdicts(await run(memory(), records))


async def test_outputs_keep_key_partition_and_time_of_their_record() -> None:
    """Co-partitioning and time progress carry through, live and in a replay."""
    records = [record(n, transaction(n, **SPOOF), START_MS + 5 * n) for n in range(3)]
    outputs = await run(memory(), records)
    assert {(out.key, out.partition) for out in outputs} == {(b"acme/s", SOURCE.partition)}
    for topic in (VERDICTS, GUIDANCE_TOPIC):
        assert [out.timestamp_ms for out in outputs if out.topic == topic] == [r.timestamp_ms for r in records]


async def test_a_verdict_names_its_basis() -> None:
    """Policy, thresholds and the failures before it: with the event they reproduce it."""
    outputs = await run(memory(), [record(n, transaction(n, **SPOOF)) for n in range(2)])
    basis = verdicts(outputs)[1].basis
    assert (basis.policy_hash, basis.controls_version, basis.patterns_version) == (COMPILED.policy_hash, 0, 0)
    assert (basis.match_threshold, basis.liveness_threshold) == (0.85, 0.995)
    assert basis.attempts_before == Attempts(match=0, liveness=1)


async def test_persisting_liveness_failures_go_to_an_analyst_and_raise_one_suspicion() -> None:
    """The third failure refers; the fourth does too, without a second suspicion; an accept starts anew."""
    events = [transaction(n, **({} if n == 4 else SPOOF)) for n in range(8)]
    outputs = await run(memory(), [record(n, event) for n, event in enumerate(events)])
    assert [v.action for v in verdicts(outputs)] == [
        *("retake_selfie", "retake_selfie", "fraud_analyst_review", "fraud_analyst_review", "none"),
        *("retake_selfie", "retake_selfie", "fraud_analyst_review"),
    ]
    raised = [SUSPICION.decode(value) for value in on(SUSPICIONS, outputs)]
    suspicions = [s for s in raised if s.reason != "subject_velocity"]
    assert [s.transaction_id for s in suspicions] == ["tx-2", "tx-7"]
    assert (suspicions[0].reason, suspicions[0].severity) == ("liveness_failures_persist", "high")
    assert suspicions[0].evidence == {"attempts": 3.0, "score": 0.6, "threshold": 0.995}


async def test_a_suspicion_from_a_missing_score_has_no_score_in_evidence() -> None:
    """A non-response is never shown as a zero."""
    events = [transaction(n, liveness_score=None) for n in range(3)]
    outputs = await run(memory(), [record(n, event) for n, event in enumerate(events)])
    (suspicion,) = [SUSPICION.decode(value) for value in on(SUSPICIONS, outputs)]
    assert suspicion.evidence == {"attempts": 3.0, "threshold": 0.995}


async def test_everybody_who_is_not_accepted_gets_guidance() -> None:
    """With the tries that are left and the key of a text; the same cause gives the same id."""
    events = [transaction(n, match_score=0.3) for n in range(3)] + [transaction(3)]
    records = [record(n, event) for n, event in enumerate(events)]
    asked = [GUIDANCE.decode(value) for value in on(GUIDANCE_TOPIC, await run(memory(), records))]
    assert [(g.action, g.attempts_left, g.message_code) for g in asked] == [
        ("reupload_document", 2, "reupload_document.match_below_threshold"),
        ("retake_selfie", 1, "retake_selfie.match_below_threshold"),
        ("manual_kyc_review", 0, "manual_kyc_review.match_failures_persist"),
    ]
    again = [GUIDANCE.decode(value) for value in on(GUIDANCE_TOPIC, await run(memory(), records))]
    assert [g.guidance_id for g in again] == [g.guidance_id for g in asked]


async def test_failures_of_other_subjects_and_old_ones_do_not_count() -> None:
    """Attempts belong to one (tenant, subject) and to one window of the policy: 24 hours."""
    events = [
        transaction(0, "a", **SPOOF),
        transaction(1, "b", **SPOOF),
        transaction(2, "a", 86_399.0, **SPOOF),
        transaction(3, "a", 86_400.0, **SPOOF),
    ]
    outputs = await run(memory(), [record(n, event) for n, event in enumerate(events)])
    assert [v.basis.attempts_before.liveness for v in verdicts(outputs)] == [0, 0, 1, 1]


async def test_what_is_kept_of_a_subject_that_fails_without_end_is_bounded() -> None:
    """An attacker cannot make the store grow beyond the look-back and one batch."""
    attempts, size = memory(), 20
    records = [record(n, transaction(n, **SPOOF)) for n in range(3 * BOUND)]
    await run(attempts, records, range(0, len(records), size))
    (state,) = await kept(attempts, after(records), b"acme/s")
    assert 0 < len(state.attempts) <= BOUND + size


async def test_a_repeat_gets_no_second_verdict_and_counts_no_second_attempt() -> None:
    """A replayed event changes nothing."""
    event = transaction(0, **SPOOF)
    records = [record(0, event), record(1, event), record(2, transaction(1, **SPOOF))]
    decided = verdicts(await run(memory(), records))
    assert [(v.transaction_id, v.basis.attempts_before.liveness) for v in decided] == [("tx-0", 0), ("tx-1", 1)]


async def test_a_repeat_after_a_restart_is_still_told() -> None:
    """What was seen is recalled from the log, however far the lane lags behind the clock."""
    for age_ms in (0, 30 * 24 * HOUR_MS):
        events = [transaction(n, at_s=-age_ms / 1000) for n in range(9)]
        records = [record(n, event, START_MS - age_ms + n) for n, event in enumerate(events)]
        records.append(record(9, events[4], START_MS - age_ms + 4 + COMPILED.horizon_ms - 1))
        scorer, history = stage(memory()), LogHistory(records, 9)
        await scorer.opened(SOURCE, 9, history)
        assert [*await scorer.step(batch(records[9:]), None)] == []


async def test_recall_reads_its_horizons_and_not_the_whole_log() -> None:
    """Start-up time does not grow with retention."""
    records = [record(n, transaction(n, at_s=-36_000.0), START_MS - HOUR_MS * 10 + n * 60_000) for n in range(600)]
    history = LogHistory(records, 600)
    await stage(memory()).opened(SOURCE, 600, history)
    assert history.read < 140  # an hour for duplicates, 70 minutes for velocity


async def test_a_partition_that_was_given_up_is_forgotten() -> None:
    """Another process may have gone on meanwhile; the log is read again on return."""
    scorer, records = stage(memory()), [record(0, transaction())]
    await scorer.opened(SOURCE, 0, LogHistory((), 0))
    list(await scorer.step(batch(records), None))
    await scorer.closed(SOURCE)
    await scorer.opened(SOURCE, 0, LogHistory((), 0))
    assert len([*await scorer.step(batch(records), None)]) == 1


async def test_the_observer_accounts_for_every_record() -> None:
    """One verdict, one dead letter or one deduplication each."""
    seen: list[BatchCounts] = []
    event = transaction(0)
    other = msgspec.structs.replace(event, match_score=0.1)
    records = [record(0, event), record(2, event), record(3, other), record(5, transaction(1))]
    await run(memory(), records, observer=seen.append)
    assert seen == [BatchCounts(SOURCE, 0, 6, consumed=4, decided=2, deduplicated=1, dead_lettered=1)]


async def test_an_idle_batch_does_nothing() -> None:
    """Lanes hand them over while nothing arrives."""
    scorer = stage(memory())
    await scorer.opened(SOURCE, 7, LogHistory([], 7))
    assert await scorer.step(batch([], 7), None) == []
