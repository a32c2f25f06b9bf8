"""The whole decision about one transaction of a subject: rules, what it rests on, and what it leaves behind."""

from typing import NamedTuple

from proofwatch.events.types import Basis, Transaction
from services.scorer.core.attempts import History, after, before, transaction_digest
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import Judgement, judge


class Decided(NamedTuple):
    """A judgement, its basis, whether it raises the episode's suspicion, and the history it leaves.

    `history` is the same object as before when the transaction changed nothing.
    """

    judgement: Judgement
    basis: Basis
    suspicion: bool
    history: History


def decide(event: Transaction, offset: int, history: History, rulebook: Rulebook) -> Decided:
    """Decide about the transaction at `offset`, given its subject's history up to there.

    For a subject without history an accepted transaction gives `judge` and an empty history: callers may shortcut.
    """
    occurred_ms = round(event.occurred_at.timestamp() * 1000)
    digest = transaction_digest(event.transaction_id)
    failures, suspected = before(history, offset, occurred_ms, digest, rulebook.window_ms)
    judgement = judge(event, rulebook, failures)
    suspicion = judgement.liveness_persists and not suspected
    left = after(history, offset, occurred_ms, digest, judgement.failed, suspicion=suspicion)
    return Decided(judgement, rulebook.basis(failures), suspicion, left)
