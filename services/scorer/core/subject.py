"""What a subject's own transactions left behind: attempts, the last flag, step-up, histories under shadow policies.

A state is a value: whoever changes it makes another. What is kept of it must be a function of the log alone, so time
is the log time of the subject's own transaction, never that of the batch around it.
"""

from collections.abc import Container
from typing import Final

import msgspec

from proofwatch.events.codec import SUBJECT_STATE
from proofwatch.events.types import Shadowing, SubjectState
from services.scorer.core import attempts

FLAG_KEPT_MS: Final = 90 * 24 * 3_600_000
"""How long a flag is kept; it must exceed how long it has effect (30 days)."""

NOTHING: Final = SubjectState(schema_version=1, offset=0, attempts=())
"""The state of a subject that never failed."""

encode = SUBJECT_STATE.encode
decode = SUBJECT_STATE.decode


def is_empty(state: SubjectState) -> bool:
    """Return whether nothing is left to remember: a tombstone stands for such a state."""
    return not state.attempts and state.flagged_ms is None and state.step_up is None and not state.shadows


def settled(state: SubjectState, position: int) -> SubjectState:
    """Return what a batch that begins at `position` builds on, bounded; the same object when nothing goes.

    Below `position` nothing will be judged again, so what no later transaction can see is dropped: what an accept
    cleared, and all but the newest `attempts.BOUND` entries of each history.
    """
    live, shadows = attempts.settled(state.attempts, position), state.shadows
    if shadows:
        left = [_settled(shadow, position) for shadow in shadows]
        if any(after is not before or not after.attempts for after, before in zip(left, shadows, strict=True)):
            shadows = tuple(shadow for shadow in left if shadow.attempts) or None
    if live is state.attempts and shadows is state.shadows:
        return state
    return msgspec.structs.replace(state, attempts=live, shadows=shadows)


def pruned(state: SubjectState, now_ms: int, shadows_in_use: Container[str]) -> SubjectState:
    """Return `state` without what has no effect any more; the same object when nothing goes.

    That is a flag older than `FLAG_KEPT_MS`, a step-up that has ended, and the histories of shadow policies whose
    hashes are not in `shadows_in_use`. `now_ms`: the log time of the subject's transaction in hand.
    """
    flagged_ms, step_up, shadows = state.flagged_ms, state.step_up, state.shadows
    if flagged_ms is not None and now_ms - flagged_ms >= FLAG_KEPT_MS:
        flagged_ms = None
    if step_up is not None and step_up.until_ms <= now_ms:
        step_up = None
    if shadows and not all(shadow.policy_hash in shadows_in_use for shadow in shadows):
        shadows = tuple(shadow for shadow in shadows if shadow.policy_hash in shadows_in_use) or None
    if flagged_ms == state.flagged_ms and step_up is state.step_up and shadows is state.shadows:
        return state
    return msgspec.structs.replace(state, flagged_ms=flagged_ms, step_up=step_up, shadows=shadows)


def _settled(shadow: Shadowing, position: int) -> Shadowing:
    history = attempts.settled(shadow.attempts, position)
    return shadow if history is shadow.attempts else Shadowing(policy_hash=shadow.policy_hash, attempts=history)
