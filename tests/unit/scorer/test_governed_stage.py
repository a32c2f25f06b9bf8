"""The stage under governance: policies that change, shadows, step-up MFA, patterns, alarms, label requests."""

import asyncio
from typing import Any

import pytest

from proofwatch.bus.records import Outgoing, Record
from proofwatch.events import topics
from proofwatch.events.codec import GUIDANCE, LABEL_REQUEST, PATTERN_HIT, SHADOW, STEP_UP, SUSPICION
from proofwatch.events.types import AttackPattern
from proofwatch.governance.regime import FOREVER_MS, Regime
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.handlers.recall import MemoryTooShort
from tests.unit.bus.stages import written
from tests.unit.scorer.samples import (
    HOUR_MS,
    POLICY,
    SOURCE,
    START_MS,
    LogHistory,
    after,
    batch,
    on,
    record,
    stage,
    transaction,
    verdicts,
)
from tests.unit.scorer.test_effective_policies import control, policy

SPOOF: dict[str, Any] = {"liveness_score": 0.1}


class Fixed:
    """Governance with regimes given in advance, each from a log time on."""

    def __init__(self, *regimes: Regime, known_ms: int = FOREVER_MS) -> None:
        self.regimes = regimes
        self.known_ms = known_ms

    def knows(self, log_ms: int) -> bool:
        return log_ms < self.known_ms

    def at(self, log_ms: int) -> Regime:
        return next(each for each in self.regimes if each.from_ms <= log_ms < each.until_ms)


def regime(from_ms: int = 0, until_ms: int = FOREVER_MS, **fields: Any) -> Regime:
    return Regime(from_ms, until_ms, **({"policies": {}, "shadows": {}, "tenants": {}} | fields))


async def run(
    governance: Fixed, records: list[Record], size: int = 99, key: bytes | None = None, idle_ms: int | None = None
) -> list[Outgoing]:
    """Drive a stage over all records, `size` a batch; then, if asked to, let log time pass up to `idle_ms`."""
    scorer, outputs = stage(MemorySubjects(10**7), governance=governance, label_sample_key=key), list[Outgoing]()
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    for first in range(0, len(records), size):
        taken = records[first : first + size]
        made = batch(taken, after(records[:first]))._replace(progress_ms=taken[-1].timestamp_ms)
        outputs += written(await scorer.step(made, None), SOURCE, "scorer")
    if idle_ms is not None:
        idle = batch([], after(records))._replace(progress_ms=idle_ms)
        outputs += written(await scorer.step(idle, None), SOURCE, "scorer")
    return outputs


@pytest.mark.parametrize("size", [1, 3, 99])
async def test_a_policy_comes_into_force_at_its_log_time_in_the_middle_of_a_batch(size: int) -> None:
    """Records before it are judged by the old one, however batches are cut."""
    strict = policy("strict").with_thresholds(match=0.99)
    turn_ms = START_MS + 2000
    governance = Fixed(regime(until_ms=turn_ms), regime(from_ms=turn_ms, policies={"*": strict}))
    found = verdicts(await run(governance, [record(n, transaction(n, f"s{n}", n)) for n in range(5)], size))
    assert [v.basis.policy_hash for v in found] == [POLICY.hash] * 2 + [strict.hash] * 3
    assert [v.decision for v in found] == ["accept", "accept", "retry", "retry", "retry"]


async def test_a_policy_that_looks_further_back_makes_the_lane_begin_anew() -> None:
    """Then the longer horizon is recalled from the log before the first verdict under it."""
    long = policy("long", duplicate_horizon_minutes=600)
    governance = Fixed(
        regime(until_ms=START_MS + HOUR_MS * 3), regime(from_ms=START_MS + HOUR_MS * 3, policies={"*": long})
    )
    event, late_ms = transaction(), START_MS + HOUR_MS * 4
    records = [record(0, event), record(1, event, late_ms)]
    scorer = stage(MemorySubjects(10**7), governance=governance)
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    assert len(verdicts(written(await scorer.step(batch(records[:1]), None), SOURCE, "scorer"))) == 1
    with pytest.raises(MemoryTooShort):
        list(await scorer.step(batch(records[1:]), None))
    await scorer.opened(SOURCE, 1, LogHistory(records, 1))
    assert verdicts(written(await scorer.step(batch(records[1:]), None), SOURCE, "scorer")) == []


async def test_a_shadow_decides_nothing_and_says_where_it_differs() -> None:
    """Its attempts are its own: the third failure under it would have been a referral."""
    strict = policy("strict").with_thresholds(match=0.99)
    governance = Fixed(regime(shadows={"acme": (strict,)}))
    records = [record(n, transaction(n, at_s=n)) for n in range(3)]
    for size in (1, 99):
        outputs = await run(governance, records, size)
        assert [v.decision for v in verdicts(outputs)] == ["accept"] * 3
        assert not on(topics.GUIDANCE, outputs)
        shadows = [SHADOW.decode(value) for value in on(topics.SHADOWS, outputs)]
        assert [(s.live_action, s.shadow_action) for s in shadows] == [
            ("none", "reupload_document"),
            ("none", "retake_selfie"),
            ("none", "manual_kyc_review"),
        ]
        assert {s.shadow_policy_hash for s in shadows} == {strict.hash}


@pytest.mark.parametrize("size", [1, 99])
async def test_a_flagged_user_of_a_cohort_in_breach_gets_step_up_mfa_until_it_lapses(size: int) -> None:
    """On with the suspicion, shown in basis, action and guidance, off when its time is up, told once each."""
    governance = Fixed(regime(controls=(control("step_up_mfa"),), controls_version=7))
    records = [
        record(0, transaction(0, **SPOOF)),
        record(1, transaction(1, at_s=60)),
        record(2, transaction(2, "other", 61)),
    ]
    lapse_ms = START_MS + 72 * HOUR_MS
    outputs = await run(governance, records, size, idle_ms=lapse_ms)
    first, second, other = verdicts(outputs)
    assert (first.decision, first.action, first.basis.step_up) == ("retry", "retake_selfie", True)
    assert (second.decision, second.action, second.reasons) == ("accept", "step_up_mfa", ("step_up_mfa_required",))
    assert (other.action, other.basis.step_up, other.basis.controls_version) == ("none", None, 7)
    advice = [GUIDANCE.decode(value) for value in on(topics.GUIDANCE, outputs)]
    assert [(a.action, a.step_up_until is not None) for a in advice] == [("retake_selfie", True), ("step_up_mfa", True)]
    told = [STEP_UP.decode(value) for value in on(topics.STEP_UPS, outputs)]
    assert [(t.state, t.subject_ref) for t in told] == [("on", "s"), ("off", "s")]
    assert round(told[1].until.timestamp() * 1000) == lapse_ms


async def test_patterns_and_alarms_make_accepted_transactions_suspicious() -> None:
    """Each with its reason; the verdict stays."""
    published = AttackPattern(
        schema_version=1,
        pattern_id="fast-capture",
        revision=1,
        state="published",
        description="d",
        severity="medium",
        predicate='{"field": "match_score", "op": "gt", "value": 0.97}',
        effective_from=transaction().occurred_at,
    )
    governance = Fixed(
        regime(patterns=(published,), patterns_version=3, controls=(control("alarmed_cohort", "source", "web"),))
    )
    events = [
        transaction(0, "a", match_score=0.98),
        transaction(1, "b", segments={"source": "web"}),
        transaction(2, "c"),
    ]
    outputs = await run(governance, [record(n, event) for n, event in enumerate(events)])
    assert [v.decision for v in verdicts(outputs)] == ["accept"] * 3
    assert {v.basis.patterns_version for v in verdicts(outputs)} == {3}
    raised = [SUSPICION.decode(value) for value in on(topics.SUSPICIONS, outputs)]
    assert [(s.transaction_id, s.reason) for s in raised] == [("tx-0", "attack_pattern"), ("tx-1", "alarmed_cohort")]
    [hit] = [PATTERN_HIT.decode(value) for value in on(topics.PATTERN_HITS, outputs)]
    assert (hit.transaction_id, hit.pattern_id, hit.mode, hit.decision) == ("tx-0", "fast-capture", "live", "accept")


@pytest.mark.parametrize("size", [1, 99])
async def test_a_pattern_in_shadow_is_told_and_changes_nothing_else(size: int) -> None:
    """What it matches is an event of its own; every other topic has the bytes that it has without the pattern."""
    pattern = AttackPattern(
        schema_version=1,
        pattern_id="fast-capture",
        revision=4,
        state="shadow",
        description="d",
        severity="high",
        predicate='{"field": "match_score", "op": "gt", "value": 0.97}',
        effective_from=transaction().occurred_at,
    )
    events = [
        transaction(0, "a", match_score=0.98),
        transaction(1, "b"),
        transaction(2, "c", match_score=0.98, liveness_score=0.1),
        transaction(3, "a", 60, match_score=0.99, attempt_id="again"),
    ]
    records = [record(n, event) for n, event in enumerate(events)]
    with_it = await run(Fixed(regime(patterns=(pattern,))), records, size)
    without = await run(Fixed(regime()), records, size)
    assert [each for each in with_it if each.topic != topics.PATTERN_HITS] == without
    hits = [PATTERN_HIT.decode(value) for value in on(topics.PATTERN_HITS, with_it)]
    assert [(h.tenant, h.transaction_id, h.attempt_id, h.decision) for h in hits] == [
        ("acme", "tx-0", None, "accept"),
        ("acme", "tx-2", None, "retry"),
        ("acme", "tx-3", "again", "accept"),
    ]
    assert {(h.pattern_id, h.revision, h.mode) for h in hits} == {("fast-capture", 4, "shadow")}
    told = next(each for each in with_it if each.topic == topics.PATTERN_HITS)
    assert (told.key, dict(told.headers)["ce_id"]) == (records[0].key, b"acme/tx-0/fast-capture/4")


async def test_labels_are_asked_for_by_hash_with_the_probability_of_the_policy() -> None:
    """The same ones in every run; none without a key."""
    half = policy("half", suspicion=POLICY.suspicion.model_copy(update={"label_sample": 0.5}))
    governance = Fixed(regime(policies={"*": half}))
    records = [record(n, transaction(n, f"s{n}")) for n in range(200)]
    asked = [on(topics.LABEL_REQUESTS, await run(governance, records, size, b"k" * 16)) for size in (7, 99)]
    assert asked[0] == asked[1]
    assert 60 < len(asked[0]) < 140
    assert {LABEL_REQUEST.decode(value).inclusion_probability for value in asked[0]} == {0.5}
    assert not on(topics.LABEL_REQUESTS, await run(governance, records))


async def test_outputs_are_cloud_events_and_carry_the_trace_on() -> None:
    """Binary mode: attributes in headers, the event as it is in the value."""
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    given = [record(0, transaction(0))._replace(headers=(trace,)), record(1, transaction(1, **SPOOF))]
    accepted, *failed = [out for out in await run(Fixed(regime()), given) if out.topic != topics.SUBJECTS]
    assert dict(accepted.headers)["ce_id"] == b"acme/tx-0"
    assert dict(accepted.headers)["ce_type"] == b"proofwatch.verdict.v1"
    assert trace in accepted.headers
    assert {dict(out.headers)["ce_type"] for out in failed} == {
        b"proofwatch.verdict.v1",
        b"proofwatch.guidance.v1",
        b"proofwatch.suspicion.v1",
    }


async def test_it_waits_while_governance_is_behind() -> None:
    """No verdict may rest on what is not known yet."""
    governance, records = Fixed(regime(), known_ms=START_MS), [record(0, transaction(0))]
    scorer = stage(MemorySubjects(10**7), governance=governance)
    await scorer.opened(SOURCE, 0, LogHistory(records, 0))
    waiting = asyncio.ensure_future(scorer.step(batch(records)._replace(progress_ms=START_MS), None))
    done, _ = await asyncio.wait([waiting], timeout=0.12)
    assert not done
    governance.known_ms = START_MS + 1
    assert len(verdicts(written(await waiting, SOURCE, "scorer"))) == 1
