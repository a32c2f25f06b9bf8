"""One transaction of a subject under one policy: what the rules say, given its history, and the history it leaves."""

from typing import NamedTuple

from proofwatch.events.types import Attempts, Transaction
from services.scorer.core.attempts import CLEAN, History, Identity, after, before, identity
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.times import occurred_ms


class Judged(NamedTuple):
    """A judgement, the failures that counted before, and the history that is left.

    `begins_episode`: liveness failures persist, and the running episode has had no suspicion for it. `history` is the
    same object as before when the transaction changed nothing.
    """

    judgement: Judgement
    failures: Attempts
    begins_episode: bool
    history: History


def judge_with_history(
    event: Transaction, offset: int, history: History, policy: CompiledPolicy, of: Identity | None = None
) -> Judged:
    """Judge the transaction at `offset`, given its subject's history up to there.

    `of`: the identity of the event, where it is known. For a subject without history an accepted transaction gives
    what `judge` gives and an empty history: callers may shortcut.
    """
    if not history:
        judgement = judge(event, policy, CLEAN.failures)
        if not judgement.failed:
            return Judged(judgement, CLEAN.failures, begins_episode=False, history=history)
    at_ms, of = occurred_ms(event), of or identity(event)
    failures, suspected = before(history, offset, at_ms, of, policy.window_ms) if history else CLEAN
    if history:
        judgement = judge(event, policy, failures)
    begins_episode = judgement.liveness_persists and not suspected
    left = after(history, offset, at_ms, of, judgement.failed, suspicion=begins_episode)
    return Judged(judgement, failures, begins_episode, left)
