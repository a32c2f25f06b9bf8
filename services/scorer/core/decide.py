"""The decision about one transaction of a subject under one policy: what the rules say, and what it leaves behind."""

from typing import NamedTuple

from proofwatch.events.types import Attempts, Transaction
from services.scorer.core.attempts import CLEAN, History, Identity, after, before, identity
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.times import occurred_ms


class Decided(NamedTuple):
    """A judgement, the failures that counted before, whether persisting liveness failures raise the episode's
    suspicion, and the history that is left.

    `history` is the same object as before when the transaction changed nothing.
    """

    judgement: Judgement
    failures: Attempts
    suspicion: bool
    history: History


def decide(
    event: Transaction, offset: int, history: History, rulebook: Rulebook, of: Identity | None = None
) -> Decided:
    """Decide about the transaction at `offset`, given its subject's history up to there.

    `of`: the identity of the event, where it is known. For a subject without history an accepted transaction gives
    `judge` and an empty history: callers may shortcut.
    """
    if not history:
        judgement = judge(event, rulebook, CLEAN.failures)
        if not judgement.failed:
            return Decided(judgement, CLEAN.failures, suspicion=False, history=history)
    at_ms, of = occurred_ms(event), of or identity(event)
    failures, suspected = before(history, offset, at_ms, of, rulebook.window_ms) if history else CLEAN
    if history:
        judgement = judge(event, rulebook, failures)
    suspicion = judgement.liveness_persists and not suspected
    left = after(history, offset, at_ms, of, judgement.failed, suspicion=suspicion)
    return Decided(judgement, failures, suspicion, left)
