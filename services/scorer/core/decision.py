"""What is decided about one transaction that was admitted: `decide`, and the shortcut that most transactions take."""

from typing import NamedTuple

import msgspec

from proofwatch.events.types import Basis, Mfa, Shadow, StepUp, SubjectState, Suspicion, Transaction
from services.scorer.core.attempts import CLEAN, identity, is_further, named
from services.scorer.core.effective_policies import EffectivePolicy
from services.scorer.core.judging import judge_with_history
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.shadows import agree, judge_by_shadows
from services.scorer.core.step_up import StepUpTimes, advance, records, with_step_up
from services.scorer.core.subject import NOTHING, pruned
from services.scorer.core.suspicion import NO_SIGNALS, Signals, Suspect, suspicions


class Context(NamedTuple):
    """What is known about a transaction beside itself and its subject's state.

    `log_ms`: when it was logged. `mfa`: the user's step-up MFA as the last record of it said.
    """

    offset: int
    log_ms: int
    signals: Signals = NO_SIGNALS
    mfa: Mfa | None = None


class Decision(NamedTuple):
    """What to publish and to keep: `event` as everything speaks of it.

    `state` is the same object as before when the transaction changed nothing.
    """

    event: Transaction
    judgement: Judgement
    basis: Basis
    suspicions: list[Suspicion]
    step_ups: tuple[StepUp, ...]
    shadows: list[Shadow]
    mfa: Mfa | None
    state: SubjectState


def plain_accept(
    event: Transaction, effective: EffectivePolicy, signals: tuple[object, ...], stateless: bool, sampled: float
) -> Judgement | None:
    """Return the judgement where a verdict is all that `decide` would come to, and nothing is kept; else None.

    So it is, and nearly always, where an accepted transaction is of a subject that has left nothing behind
    (`stateless`: no failure to clear, no flag, no step-up), where nothing is known against it (`signals`, all that may
    raise a suspicion of an accept), where shadow policies agree, and it is not in the label sample (`sampled` 0).
    """
    if not stateless or sampled or signals != NO_SIGNALS:
        return None
    judgement = judge(event, effective.policy, CLEAN.failures)
    if judgement.failed or (effective.shadows and not agree(event, judgement, effective.shadows)):
        return None
    return judgement


def decide(event: Transaction, context: Context, state: SubjectState, effective: EffectivePolicy) -> Decision:
    """Decide about a transaction of a subject whose state was `state` just before it.

    Where it is a further attempt, everything that follows says so (`attempts.named`).
    """
    policy, now_ms, clean = effective.policy, context.log_ms, effective.clean
    of = identity(event) if state.attempts else None  # of a further attempt, too: its name is part of it
    if of and is_further(state.attempts, context.offset, of):  # known for longer than duplicates are
        event = named(event)
    # Judge, by the rules and the subject's attempts.
    judgement, failures, begins_episode, history = judge_with_history(event, context.offset, state.attempts, policy, of)
    basis = clean
    if failures is not CLEAN.failures:
        basis = policy.basis(failures, clean.controls_version, clean.patterns_version)
    # Raise suspicions, which flag the user.
    raised = suspicions(Suspect(event, judgement, basis, policy, begins_episode), context.signals)
    flagged_ms = now_ms if raised else state.flagged_ms
    # Turn step-up MFA on or off, for a flagged user of a cohort in breach.
    mfa, step_ups = context.mfa, tuple[StepUp, ...]()
    if mfa or effective.mfa:
        times = StepUpTimes(policy.flagged_ms, policy.hold_ms)
        mfa = advance(context.mfa, now_ms, flagged_ms, effective.mfa.control_id if effective.mfa else None, times)
        step_ups = records(event.tenant, event.subject_ref, context.mfa, mfa)
    # Judge by shadow policies, which know no step-up; only then does it change the live judgement.
    differences, histories = judge_by_shadows(event, context.offset, state, effective, judgement)
    if mfa:
        judgement = with_step_up(judgement)
        basis = msgspec.structs.replace(basis, step_up=True)
    # Keep what has changed of the subject.
    if state is not NOTHING:
        state = pruned(state, now_ms, {shadow.policy_hash for shadow in effective.shadows})
    if (
        history is not state.attempts
        or flagged_ms != state.flagged_ms
        or mfa != state.step_up
        or histories != state.shadows
    ):
        state = SubjectState(
            schema_version=1,
            offset=context.offset,
            attempts=history,
            flagged_ms=flagged_ms,
            step_up=mfa,
            shadows=histories,
        )
    return Decision(event, judgement, basis, raised, step_ups, differences, mfa, state)
