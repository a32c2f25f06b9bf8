"""What follows from a transaction: the quick way says what the plain one says, whatever it spares."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone
from typing import Final, Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.detection.velocity import crossings
from proofwatch.events.types import Attempt, Control, Mfa, Shadowing, SubjectState, Transaction
from services.scorer.core import attempts
from services.scorer.core.attempts import CLEAN, Identity, named
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.decision import Context, Decision, decide
from services.scorer.core.effective_policies import EffectivePolicy
from services.scorer.core.judging import Judged
from services.scorer.core.rules import judge
from services.scorer.core.shadows import differs, shadow_of
from services.scorer.core.step_up import StepUpTimes, advance, records, with_step_up
from services.scorer.core.subject import NOTHING, pruned
from services.scorer.core.suspicion import Signals, Suspect, suspicions
from services.scorer.core.times import occurred_ms
from tests.unit.scorer.samples import COMPILED, POLICY, START, START_MS, transaction

STRICTER = CompiledPolicy.of(
    POLICY.model_copy(
        update={
            "name": "stricter",
            "liveness": POLICY.liveness.model_copy(update={"threshold": 0.998}),
            "attempts": POLICY.attempts.model_copy(update={"limit": 2}),
        }
    )
)
VERSIONS: Final = (3, 2)
"""Of controls and patterns."""
ZONES: Final = (UTC, timezone.utc, timezone(timedelta(0)), timezone(timedelta(hours=5, minutes=30)))  # noqa: UP017
_SCORES = st.sampled_from([None, 0.05, 0.29, 0.3, 0.5, 0.849, 0.85, 0.89, 0.95])
_LIVENESS = st.sampled_from([None, 0.05, 0.3, 0.9, 0.994, 0.995, 0.9975, 0.999])


def control(measure: Literal["step_up_mfa", "alarmed_cohort"]) -> Control:
    return Control(
        schema_version=1,
        control_id=f"{measure}-1",
        measure=measure,
        state="on",
        tenant="acme",
        segment_name=None,
        segment_value=None,
        effective_from=START,
        reason="operator",
        evidence={"k": 3.0},
    )


@st.composite
def policies(draw: st.DrawFn) -> EffectivePolicy:
    return EffectivePolicy(
        COMPILED,
        COMPILED.basis(CLEAN.failures, *VERSIONS),
        shadows=draw(st.sampled_from([(), (STRICTER,)])),
        mfa=draw(st.sampled_from([None, control("step_up_mfa")])),
        alarms=draw(st.sampled_from([(), (control("alarmed_cohort"),)])),
    )


@st.composite
def events(draw: st.DrawFn) -> Transaction:
    at = START + timedelta(microseconds=draw(st.integers(0, 90_000_000_000)))
    event = transaction(
        draw(st.integers(0, 3)),
        match_score=draw(_SCORES),
        liveness_score=draw(_LIVENESS),
        attempt_id=draw(st.sampled_from([None, None, "second", "2026-01-15T08:00:00Z"])),
        checks=("match", "liveness"),
    )
    return msgspec.structs.replace(event, occurred_at=at.astimezone(draw(st.sampled_from(ZONES))))


def plain_identity(event: Transaction) -> Identity:
    """BLAKE2b of 64 bits over the id, and over the attempt and what was judged."""
    at = event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    name = at if event.attempt_id is None else event.attempt_id
    texts = (event.transaction_id, f"{name}\0{event.match_score!r}\0{event.liveness_score!r}")
    hashes = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return Identity(*(int.from_bytes(each, "big", signed=True) for each in hashes))


def plainly_judged(
    event: Transaction, context: Context, history: tuple[Attempt, ...], policy: CompiledPolicy, of: Identity
) -> Judged:
    at_ms = occurred_ms(event)
    failures, suspected = attempts.before(history, context.offset, at_ms, of, policy.window_ms)
    judgement = judge(event, policy, failures)
    raises = judgement.liveness_persists and not suspected
    left = attempts.after(history, context.offset, at_ms, of, judgement.failed, suspicion=raises)
    return Judged(judgement, failures, raises, left)


def plainly(event: Transaction, context: Context, state: SubjectState, effective: EffectivePolicy) -> Decision:
    """Decide without sparing anything: every look-up and every rule in turn."""
    policy, of, now_ms = effective.policy, plain_identity(event), context.log_ms
    if attempts.is_further(state.attempts, context.offset, of):
        event = named(event)
    judgement, failures, raises, history = plainly_judged(event, context, state.attempts, policy, of)
    basis = policy.basis(failures, *VERSIONS)
    raised = suspicions(Suspect(event, judgement, basis, policy, raises), context.signals)
    flagged_ms = now_ms if raised else state.flagged_ms
    times = StepUpTimes(policy.flagged_ms, policy.hold_ms)
    mfa = advance(context.mfa, now_ms, flagged_ms, effective.mfa.control_id if effective.mfa else None, times)
    told = records(event.tenant, event.subject_ref, context.mfa, mfa)
    different, histories = [], []
    known = {shadow.policy_hash: shadow.attempts for shadow in state.shadows or ()}
    for rules in effective.shadows:
        other = plainly_judged(event, context, known.get(rules.policy_hash, ()), rules, of)
        if differs(other.judgement, judgement):
            different.append(shadow_of(event, judgement, policy.policy_hash, other.judgement, rules.policy_hash))
        if other.history:
            histories.append(Shadowing(policy_hash=rules.policy_hash, attempts=other.history))
    if mfa:
        judgement, basis = with_step_up(judgement), policy.basis(failures, *VERSIONS, step_up=True)
    kept = pruned(state, now_ms, {shadow.policy_hash for shadow in effective.shadows})
    left = {"attempts": history, "flagged_ms": flagged_ms, "step_up": mfa, "shadows": tuple(histories) or None}
    if any(getattr(kept, name) != value for name, value in left.items()):
        kept = SubjectState(schema_version=1, offset=context.offset, **left)  # type: ignore[arg-type]
    return Decision(event, judgement, basis, raised, told, different, mfa, kept)


@given(st.lists(st.tuples(events(), st.booleans()), min_size=1, max_size=8), policies(), st.booleans())
def test_nothing_that_is_spared_changes_what_follows(
    arriving: Sequence[tuple[Transaction, bool]], effective: EffectivePolicy, begins_under_step_up: bool
) -> None:
    """Over the whole history of a subject: events, states and step-ups are those of the plain way, step by step."""
    state, mfa = NOTHING, Mfa(control_id="c", since_ms=0, until_ms=START_MS + 5) if begins_under_step_up else None
    for offset, (event, crosses) in enumerate(arriving):
        at_ms = occurred_ms(event)
        times = [at_ms] * COMPILED.velocity[0].limit if crosses else None
        crossed = crossings(times, at_ms, COMPILED.velocity) if times else ()
        context = Context(offset, START_MS + 10 * offset, Signals(crossed, (), effective.alarms), mfa)
        decision = decide(event, context, state, effective)
        assert decision == plainly(event, context, state, effective)
        state, mfa = decision.state, decision.mfa


@given(events())
def test_the_identity_of_an_attempt_is_what_its_definition_says(event: Transaction) -> None:
    """In every time zone and spelling of UTC: states of earlier releases hold it."""
    assert attempts.identity(event) == plain_identity(event)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=4), st.integers(0, 10))
def test_a_short_history_settles_like_a_long_one(entries: Sequence[tuple[bool, int]], position: int) -> None:
    """What a later batch builds on: below its position, and above the last accept."""
    history = tuple(
        Attempt(offset=offset, occurred_ms=0, transaction=offset, failed=int(failed))
        for failed, offset in sorted(entries, key=lambda entry: entry[1])
    )
    below = [entry for entry in history if entry.offset < position]
    cleared = max((at for at, entry in enumerate(below) if not entry.failed), default=-1)
    assert attempts.settled(history, position) == tuple(below[cleared + 1 :])
