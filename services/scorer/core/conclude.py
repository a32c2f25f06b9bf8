"""Everything that follows from one transaction: verdict, guidance, suspicions, step-up, shadows, and what is kept."""

from typing import NamedTuple

import msgspec

from proofwatch.detection.velocity import crossings
from proofwatch.events.types import Basis, Mfa, Shadow, Shadowing, StepUp, SubjectState, Suspicion, Transaction
from services.scorer.core.attempts import CLEAN, identity, is_further, named
from services.scorer.core.books import Book
from services.scorer.core.decide import Decided, decide
from services.scorer.core.patterns import Pattern
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.step_up import StepUpTimes, advance, records, with_step_up
from services.scorer.core.subject import NOTHING, pruned
from services.scorer.core.suspicion import NO_GROUNDS, FarBelow, Grounds, is_far_below, suspicions


class Found(NamedTuple):
    """What is known about a transaction beside itself and its subject's state.

    `times`: when its subject's proofs occurred that count for velocity (milliseconds since the Unix epoch, ascending,
    this one included). `patterns`: the attack patterns that it matches. `mfa`: the user's step-up MFA as it was told
    last.
    """

    offset: int
    log_ms: int
    occurred_ms: int
    times: list[int] | None = None
    patterns: tuple[Pattern, ...] = ()
    mfa: Mfa | None = None


class Conclusion(NamedTuple):
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


def conclude(event: Transaction, found: Found, state: SubjectState, book: Book) -> Conclusion:
    """Conclude about a transaction of a subject whose state was `state` just before it.

    Where it is a further attempt, everything that follows says so (`attempts.named`).
    """
    rulebook, now_ms = book.rulebook, found.log_ms
    of = identity(event) if state.attempts else None  # of a further attempt, too: its name is part of it
    if of and is_further(state.attempts, found.offset, of):  # known for longer than duplicates are
        event = named(event)
    decided = decide(event, found.offset, state.attempts, rulebook, of)
    judgement, failures, basis = decided.judgement, decided.failures, book.clean
    if failures is not CLEAN.failures:
        basis = rulebook.basis(failures, basis.controls_version, basis.patterns_version)
    raised = _raised(event, decided, basis, found, book)
    flagged_ms = now_ms if raised else state.flagged_ms
    mfa, told = found.mfa, tuple[StepUp, ...]()
    if mfa or book.mfa:
        times = StepUpTimes(rulebook.flagged_ms, rulebook.hold_ms)
        mfa = advance(found.mfa, now_ms, flagged_ms, book.mfa.control_id if book.mfa else None, times)
        told = records(event.tenant, event.subject_ref, found.mfa, mfa)
    shadows, histories = _shadows(event, found.offset, state, book, judgement)
    if mfa:
        judgement = with_step_up(judgement)
        basis = msgspec.structs.replace(basis, step_up=True)
    if state is not NOTHING:
        state = pruned(state, now_ms, {shadow.policy_hash for shadow in book.shadows})
    if (
        decided.history is not state.attempts
        or flagged_ms != state.flagged_ms
        or mfa != state.step_up
        or histories != state.shadows
    ):
        state = SubjectState(
            schema_version=1,
            offset=found.offset,
            attempts=decided.history,
            flagged_ms=flagged_ms,
            step_up=mfa,
            shadows=histories,
        )
    return Conclusion(event, judgement, basis, raised, told, shadows, mfa, state)


def _raised(event: Transaction, decided: Decided, basis: Basis, found: Found, book: Book) -> list[Suspicion]:
    """Return the suspicions that the transaction raises; most failures raise none, and that is soon told."""
    rulebook, grounds = book.rulebook, NO_GROUNDS
    crossed = crossings(found.times, found.occurred_ms, rulebook.velocity) if found.times else ()
    if decided.suspicion or crossed or found.patterns or book.alarms:
        grounds = Grounds(decided.suspicion, crossed, found.patterns, book.alarms)
    elif not is_far_below(event, rulebook.match_far_below, rulebook.liveness_far_below):
        return []
    far_below = FarBelow(rulebook.match_far_below, rulebook.liveness_far_below)
    return suspicions(event, decided.judgement, basis, far_below, grounds)


def _shadows(
    event: Transaction, offset: int, state: SubjectState, book: Book, live: Judgement
) -> tuple[list[Shadow], tuple[Shadowing, ...] | None]:
    """Return where shadow policies decide otherwise, and the subject's histories under them."""
    if not book.shadows:
        return [], None
    known = {shadow.policy_hash: shadow.attempts for shadow in state.shadows or ()}
    different, histories = [], []
    for rulebook in book.shadows:
        decided = decide(event, offset, known.get(rulebook.policy_hash, NOTHING.attempts), rulebook)
        if differs(decided.judgement, live):
            different.append(shadow_of(event, live, book.rulebook.policy_hash, decided.judgement, rulebook.policy_hash))
        if decided.history:
            histories.append(Shadowing(policy_hash=rulebook.policy_hash, attempts=decided.history))
    return different, tuple(histories) or None


def agreed(event: Transaction, live: Judgement, shadows: tuple[Rulebook, ...]) -> bool:
    """Return whether every shadow policy would decide like `live` about a transaction of a subject without history."""
    for rulebook in shadows:
        judgement = judge(event, rulebook, CLEAN.failures)
        if judgement.failed or differs(judgement, live):
            return False
    return True


def differs(shadow: Judgement, live: Judgement) -> bool:
    """Return whether upstream would have been told something else."""
    return shadow.decision != live.decision or shadow.action != live.action


def shadow_of(event: Transaction, live: Judgement, live_hash: str, shadow: Judgement, shadow_hash: str) -> Shadow:
    """Return the record of a difference."""
    return Shadow(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        live_policy_hash=live_hash,
        shadow_policy_hash=shadow_hash,
        live_decision=live.decision,
        live_action=live.action,
        shadow_decision=shadow.decision,
        shadow_action=shadow.action,
    )
